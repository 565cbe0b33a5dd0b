//! What is written is read again, bit for bit; what is broken is refused, and never panics.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use r3mes_gradient::{
    Container, DType, Gradient, Kind, Limits, PackageFields, Summary, TensorView, WriteError, write_package,
    write_pickle, write_safetensors,
};

#[derive(Clone, Debug)]
struct OwnedTensor {
    name: String,
    shape: Vec<u64>,
    dtype: DType,
    bytes: Vec<u8>,
}

fn views(tensors: &[OwnedTensor]) -> Vec<TensorView<'_>> {
    tensors
        .iter()
        .map(|t| TensorView { name: &t.name, shape: &t.shape, dtype: t.dtype, bytes: &t.bytes })
        .collect()
}

/// A tensor of any bits: NaNs, infinities and subnormals among them.
fn tensor(name: String, dtypes: &'static [DType]) -> impl Strategy<Value = OwnedTensor> {
    let shape = prop::collection::vec(0..5u64, 0..4);
    (shape, prop::sample::select(dtypes)).prop_flat_map(move |(shape, dtype)| {
        let name = name.clone();
        let len = shape.iter().product::<u64>() as usize * dtype.size();
        prop::collection::vec(any::<u8>(), len).prop_map(move |bytes| OwnedTensor {
            name: name.clone(),
            shape: shape.clone(),
            dtype,
            bytes,
        })
    })
}

fn tensors(dtypes: &'static [DType]) -> impl Strategy<Value = Vec<OwnedTensor>> {
    let names = prop::collection::btree_set("[a-z.\"\\\\\n\u{e9}\u{4e2d}]{1,12}", 1..6);
    names.prop_flat_map(move |names| names.into_iter().map(|name| tensor(name, dtypes)).collect::<Vec<_>>())
}

fn metadata() -> impl Strategy<Value = BTreeMap<String, String>> {
    let number = prop_oneof![
        any::<i64>().prop_map(|int| int.to_string()),
        Just("0.05".to_owned()),
        Just("5e-05".to_owned()),
        Just("nan".to_owned()),
        Just("007".to_owned()),
        Just("-0.0".to_owned()),
    ];
    prop::collection::btree_map(".{0,8}", prop_oneof![".{0,12}".boxed(), number.boxed()], 0..5)
}

fn read(bytes: Vec<u8>) -> Gradient {
    Gradient::from_vec(bytes, &Limits::default()).unwrap()
}

/// The three containers of the same F32 tensors.
fn files(tensors: &[OwnedTensor], metadata: &BTreeMap<String, String>) -> [Vec<u8>; 3] {
    let (mut safetensors, mut package, mut pickle) = (Vec::new(), Vec::new(), Vec::new());
    let views = views(tensors);
    write_safetensors(&mut safetensors, &views, metadata).unwrap();
    write_package(&mut package, &views, metadata, &PackageFields::default()).unwrap();
    write_pickle(&mut pickle, Kind::Gradient, &views, metadata).unwrap();
    [safetensors, package, pickle]
}

proptest! {
    #[test]
    fn safetensors_round_trip(tensors in tensors(&[DType::F64, DType::F32, DType::F16, DType::BF16]), metadata in metadata()) {
        let mut file = Vec::new();
        write_safetensors(&mut file, &views(&tensors), &metadata).unwrap();
        let gradient = read(file);
        prop_assert_eq!(gradient.container(), Container::Safetensors);
        prop_assert!(gradient.tensors().eq(views(&tensors)));
        prop_assert_eq!(gradient.metadata(), &metadata);
    }

    #[test]
    fn package_round_trip(
        tensors in tensors(&[DType::F32]),
        metadata in metadata(),
        round: u64, timestamp: i64, address in ".{0,50}", hash in "[0-9a-f]{0,64}",
    ) {
        let fields = PackageFields { training_round_id: round, miner_address: address, gradient_hash: hash, timestamp };
        let mut file = Vec::new();
        write_package(&mut file, &views(&tensors), &metadata, &fields).unwrap();
        let gradient = read(file);
        prop_assert_eq!(gradient.container(), Container::GradientPackage);
        prop_assert!(gradient.tensors().eq(views(&tensors)));
        prop_assert_eq!(gradient.metadata(), &metadata);
        prop_assert_eq!(gradient.package_fields(), Some(&fields));
    }

    #[test]
    fn pickle_round_trip(
        tensors in tensors(&[DType::F64, DType::F32, DType::F16]),
        metadata in metadata(),
        weights: bool,
    ) {
        let kind = if weights { Kind::Weights } else { Kind::Gradient };
        let mut file = Vec::new();
        write_pickle(&mut file, kind, &views(&tensors), &metadata).unwrap();
        let gradient = read(file);
        prop_assert_eq!((gradient.container(), gradient.kind()), (Container::Pickle, kind));
        prop_assert!(gradient.tensors().eq(views(&tensors)));
        prop_assert_eq!(gradient.metadata(), &metadata);
    }

    #[test]
    fn the_order_of_tensors_changes_nothing(tensors in tensors(&[DType::F32]), metadata in metadata()) {
        let reversed: Vec<OwnedTensor> = tensors.iter().rev().cloned().collect();
        prop_assert_eq!(files(&tensors, &metadata), files(&reversed, &metadata));
        prop_assert_eq!(Summary::of(views(&tensors)), Summary::of(views(&reversed)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(opening in 0..6usize, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let openings: [&[u8]; 6] = [b"", b"\x80\x04", b"\x0a", b"\x20\0\0\0\0\0\0\0{", b"\x1f\x8b\x08\0", b"\x80\x02}("];
        let _ = Gradient::from_vec([openings[opening], &bytes].concat(), &Limits::default());
    }

    #[test]
    fn broken_files_are_read_or_refused(
        tensors in tensors(&[DType::F32]),
        metadata in metadata(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let [safetensors, package, pickle] = files(&tensors, &metadata);
        // Edits of the compressed bytes would mostly end at the checksum.
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&pickle[..]), &mut plain).unwrap();
        for file in [safetensors, package, pickle, plain] {
            let mut edited = file.clone();
            for (place, byte) in &edits {
                let place = place.index(edited.len());
                edited[place] = *byte;
            }
            if let Ok(gradient) = Gradient::from_vec(edited, &Limits::default()) {
                gradient.summary();
            }
            // Of a file that is cut short, all but a GradientPackage (which may end after any field) must
            // be refused.
            let cut = cut.index(file.len());
            let package = file.starts_with(b"\x0a");
            let result = Gradient::from_vec(file[..cut].to_vec(), &Limits::default());
            prop_assert!(package || result.is_err_and(|error| error.is_malformed()));
        }
    }

    /// Any program of known opcodes: deeper into the machine than random bytes get.
    #[test]
    fn any_program_ends(instructions in prop::collection::vec(prop::sample::select(INSTRUCTIONS), 0..60)) {
        let program = [b"\x80\x04", &instructions.concat()[..], b"."].concat();
        let _ = Gradient::from_vec(program, &Limits::default());
    }
}

const INSTRUCTIONS: &[&[u8]] = &[
    b"(",
    b"0",
    b"1",
    b"2",
    b"N",
    b"R",
    b")",
    b"]",
    b"}",
    b"a",
    b"e",
    b"b",
    b"u",
    b"s",
    b"t",
    b"\x85",
    b"\x86",
    b"\x87",
    b"\x88",
    b"\x89",
    b"\x93",
    b"\x94",
    b"h\0",
    b"h\x01",
    b"h\x02",
    b"K\0",
    b"K\x01",
    b"K\x03",
    b"C\x04\0\0\x80\x3f",
    b"cnumpy.core.numeric\n_frombuffer\n",
    b"cnumpy._core.multiarray\n_reconstruct\n",
    b"cnumpy.core.multiarray\nscalar\n",
    b"cnumpy\ndtype\n",
    b"cnumpy\nndarray\n",
    b"c_codecs\nencode\n",
    b"ccollections\nOrderedDict\n",
    b"c__builtin__\nbytes\n",
    b"\x8c\x02f4",
    b"\x8c\x06latin1",
    b"\x8c\x01C",
    b"\x8c\x01F",
    b"\x8c\x01K",
    b"\x8c\x09gradients",
    b"\x8c\x08metadata",
    b"\x8c\x04data",
    b"\x8c\x05shape",
    b"\x8c\x07indices",
    b"\x8c\x06values",
];

#[test]
fn packed_floats_may_come_split_or_one_by_one() {
    let one = 1f32.to_le_bytes();
    let (two, three) = (2f32.to_le_bytes(), 3f32.to_le_bytes());
    let contents = [
        [&b"\x0a\x0c"[..], &one, &two, &three, b"\x12\x02\x03\x01"].concat(),
        [&b"\x0a\x04"[..], &one, b"\x12\x01\x03", b"\x0a\x08", &two, &three, b"\x12\x01\x01"].concat(),
        [&b"\x0d"[..], &one, b"\x0d", &two, b"\x10\x03\x0d", &three, b"\x10\x01"].concat(),
        // An unknown field of each wire type between.
        [
            &b"\x78\x01\x7a\x01a\x79\0\0\0\0\0\0\0\0\x7d\0\0\0\0\x0a\x0c"[..],
            &one,
            &two,
            &three,
            b"\x12\x02\x03\x01",
        ]
        .concat(),
    ];
    for content in contents {
        let content = [&content[..], b"\x22\x01w"].concat();
        let gradient = read([&[0x0a, content.len() as u8][..], &content].concat());
        let tensor = gradient.tensors().next().unwrap();
        assert_eq!((tensor.name, tensor.shape, tensor.dtype), ("w", &[3, 1][..], DType::F32));
        assert_eq!(tensor.bytes, [one, two, three].concat());
    }
}

#[test]
fn a_package_of_whole_numbers_is_refused() {
    let file = b"\x0a\x0b\x0a\x00\x1a\x04int8\x22\x01w".to_vec();
    let error = Gradient::from_vec(file, &Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "malformed GradientPackage: tensor `w` has dtype `int8`, which is not a float"
    );
}

#[test]
fn safetensors_must_tile_their_data() {
    let refused = |header: &str, data: usize| {
        let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat();
        Gradient::from_vec(file, &Limits::default()).unwrap_err().to_string()
    };
    let entry = |name: &str, dtype: &str, shape: &str, offsets: &str| {
        format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
    };
    let a = entry("a", "F32", "[2]", "[0,8]");
    let with = |b: String| format!("{{{a},{b}}}");
    for (header, data, reason) in [
        (
            with(entry("b", "F32", "[1]", "[4,8]")),
            8,
            "tensor `b` begins at 4 and overlaps the tensor before it, which ends at 8",
        ),
        (
            with(entry("b", "F32", "[1]", "[12,16]")),
            16,
            "tensor `b` begins at 12 and leaves a gap after the one before it, which ends at 8",
        ),
        (
            with(entry("b", "F32", "[1]", "[12,8]")),
            16,
            "data_offsets [12, 8] of tensor `b` leave the 16 bytes of data",
        ),
        (
            with(entry("b", "F32", "[1]", "[8,12]")),
            13,
            "the tensors end at 12, but there are 13 bytes of data",
        ),
        (
            with(entry("b", "F16", "[1]", "[8,12]")),
            12,
            "tensor `b` of shape [1] and dtype F16 needs 2 bytes; data_offsets give it 4",
        ),
        (with(entry("a", "F32", "[1]", "[8,12]")), 12, "two tensors are named `a`"),
        (
            with(entry("b", "I64", "[1]", "[8,16]")),
            16,
            "header: tensor `b` has dtype `I64`, expected F64, F32, F16 or BF16",
        ),
        ("{}".to_owned(), 0, "no tensors"),
        (format!("{{{a}}} x"), 8, "header: trailing characters"),
        (format!("{{{a}"), 8, "header: EOF while parsing an object"),
        ("{\"a\":{\"dtype\":\"F32\"}}".to_owned(), 0, "header: missing field `shape`"),
        (
            "{\"__metadata__\":{\"k\":1}}".to_owned(),
            0,
            "header: invalid type: integer `1`, expected a string",
        ),
        ("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}".to_owned(), 0, "header: metadata key `k` occurs twice"),
        (
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,0]}}".to_owned(),
            0,
            "header: invalid value: integer `-1`, expected u64",
        ),
    ] {
        let error = refused(&header, data);
        // Where the JSON itself is at fault, the place follows.
        let error = error.split(" at line 1 column").next().unwrap();
        assert_eq!(error, format!("malformed safetensors: {reason}"));
    }
}

#[test]
fn tensors_that_no_container_can_hold() {
    let write = |name: &str, dtype, shape: &[u64], bytes: &[u8]| -> [Option<String>; 3] {
        let tensor = [TensorView { name, shape, dtype, bytes }];
        let none = BTreeMap::new();
        let text = |result: Result<(), WriteError>| result.err().map(|error| error.to_string());
        [
            text(write_safetensors(std::io::sink(), &tensor, &none)),
            text(write_package(std::io::sink(), &tensor, &none, &PackageFields::default())),
            text(write_pickle(std::io::sink(), Kind::Gradient, &tensor, &none)),
        ]
    };
    let short = "tensor `w` of shape [3] and dtype F32 has 8 bytes";
    assert_eq!(write("w", DType::F32, &[3], &[0; 8]), [(); 3].map(|()| Some(short.to_owned())));
    let [safetensors, package, pickle] = write("w", DType::BF16, &[1], &[0; 2]);
    assert_eq!((safetensors, package), (None, None));
    assert_eq!(pickle.unwrap(), "numpy has no dtype for BF16 tensor `w`");
    let [safetensors, package, pickle] = write("w", DType::F64, &[1], &[0; 8]);
    assert_eq!((safetensors, pickle), (None, None));
    assert_eq!(package.unwrap(), "a GradientPackage cannot hold F64 tensor `w`");
    assert!(write("__metadata__", DType::F32, &[0], &[])[0].is_some());
    let twice = [TensorView { name: "w", shape: &[0], dtype: DType::F32, bytes: &[] }; 2];
    let error = write_safetensors(std::io::sink(), &twice, &BTreeMap::new()).unwrap_err();
    assert_eq!(error.to_string(), "two tensors are named `w`");
}

#[test]
fn a_package_widens_halves() {
    let halves: Vec<u8> = [0x3c00u16, 0xc000].iter().flat_map(|h| h.to_le_bytes()).collect();
    let tensor = [TensorView { name: "w", shape: &[2], dtype: DType::F16, bytes: &halves }];
    let mut file = Vec::new();
    write_package(&mut file, &tensor, &BTreeMap::new(), &PackageFields::default()).unwrap();
    let gradient = read(file);
    let tensor = gradient.tensors().next().unwrap();
    assert_eq!(tensor.dtype, DType::F32);
    assert_eq!(tensor.bytes, [1f32.to_le_bytes(), (-2f32).to_le_bytes()].concat());
}

#[test]
fn a_large_pickle_keeps_its_data_outside_of_frames() {
    // More than 64 KiB of data, more than 256 memo entries, more than 1000 tensors: each changes how
    // Python's pickler writes.
    let bytes: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
    let names: Vec<String> = (0..1100).map(|i| format!("layer.{i:04}")).collect();
    let mut tensors: Vec<TensorView<'_>> = names
        .iter()
        .map(|name| TensorView { name, shape: &[1, 1, 1, 1], dtype: DType::F64, bytes: &bytes[..8] })
        .collect();
    tensors.push(TensorView { name: "large", shape: &[25_000], dtype: DType::F32, bytes: &bytes });
    let mut file = Vec::new();
    write_pickle(&mut file, Kind::Gradient, &tensors, &BTreeMap::new()).unwrap();
    tensors.sort_by_key(|tensor| tensor.name);
    assert!(read(file).tensors().eq(tensors));
}
