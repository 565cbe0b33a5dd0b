//! Pickles of numpy 1 and 2 in protocols 2 to 5 (see `data/README.md`), and pickles written here opcode by
//! opcode.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use half::f16;
use r3mes_gradient::{Container, DType, Gradient, Kind, Limits};

fn fixture(numpy: u32, protocol: u32) -> Gradient {
    let name = format!("tests/data/numpy{numpy}-protocol{protocol}.pkl");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    Gradient::open(&path, &Limits::default()).unwrap()
}

fn read(pickle: &[u8]) -> Result<Gradient, String> {
    let result = Gradient::from_vec(pickle.to_vec(), &Limits::default());
    result.map_err(|error| {
        assert!(error.is_malformed());
        error.to_string()
    })
}

/// `fixture`'s `arange`: eighths from -1 on.
fn eighths(places: impl IntoIterator<Item = usize>) -> Vec<f64> {
    places.into_iter().map(|place| place as f64 / 8.0 - 1.0).collect()
}

#[test]
fn numpy_arrays_of_every_kind() {
    let gradient = fixture(2, 5);
    assert_eq!((gradient.container(), gradient.kind()), (Container::Pickle, Kind::Gradient));
    let f32s = |values: &[f64]| values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect::<Vec<u8>>();
    let expected: [(&str, &[u64], DType, Vec<u8>); 9] = [
        ("bare", &[3], DType::F32, f32s(&eighths(0..3))),
        ("big.f64", &[2, 2], DType::F64, eighths(0..4).iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("c.f32", &[2, 3], DType::F32, f32s(&eighths(0..6))),
        ("empty.f32", &[0, 4], DType::F32, vec![]),
        (
            "fortran.f16",
            &[3, 2],
            DType::F16,
            eighths(0..6).iter().flat_map(|v| f16::from_f64(*v).to_le_bytes()).collect(),
        ),
        ("scalar.f32", &[], DType::F32, f32s(&[0.5])),
        ("sparse.f32", &[2, 3], DType::F32, f32s(&[-2.0, 0.0, 0.0, 0.0, 0.25, 0.0])),
        ("sparse.list", &[2, 3], DType::F32, f32s(&[0.0, 0.0, 1.5, 0.0, 0.0, 0.5])),
        ("transposed.f32", &[2, 2, 3], DType::F32, f32s(&eighths([0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]))),
    ];
    assert_eq!(gradient.tensors().len(), expected.len());
    for (tensor, (name, shape, dtype, bytes)) in gradient.tensors().zip(expected) {
        assert_eq!((tensor.name, tensor.shape, tensor.dtype), (name, shape, dtype));
        assert_eq!(tensor.bytes, bytes, "{name}");
    }
}

#[test]
fn metadata_as_python_writes_it() {
    let gradient = fixture(2, 5);
    let metadata: Vec<_> = gradient.metadata().iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(
        metadata,
        [
            ("config", "{'rank': 4, 'targets': ['q', 'v']}"),
            ("done", "True"),
            ("learning_rate", "5e-05"),
            ("loss", "0.1"),
            ("miner", "é"),
            ("note", "None"),
            ("num_samples", "128"),
            ("seed", "9223372036854775809"),
            ("steps", "7"),
            ("version", "2"),
        ]
    );
    assert_eq!(gradient.sample_count(), Some(128));
}

#[test]
fn all_protocols_and_both_numpys_agree() {
    let expected = fixture(2, 5);
    for numpy in [1, 2] {
        for protocol in 2..=5 {
            let gradient = fixture(numpy, protocol);
            assert!(gradient.tensors().eq(expected.tensors()), "numpy {numpy}, protocol {protocol}");
            assert_eq!(gradient.metadata(), expected.metadata(), "numpy {numpy}, protocol {protocol}");
        }
    }
}

#[test]
fn foreign_globals_are_refused_by_name() {
    let refused = |pickle: &[u8]| read(pickle).unwrap_err();
    assert_eq!(
        refused(b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R."),
        "malformed pickle: byte 2: refuses `os.system`"
    );
    assert_eq!(
        refused(b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R."),
        "malformed pickle: byte 17: refuses `posix.system`"
    );
    for (module, name) in [
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "getattr"),
        ("__builtin__", "eval"),
        ("subprocess", "Popen"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "fromfile"),
        ("_codecs", "decode"),
        // Dotted names reach through what is allowed.
        ("numpy", "ndarray.tofile"),
        ("collections", "OrderedDict.__init__"),
    ] {
        let import = format!("c{module}\n{name}\n.");
        assert_eq!(
            refused(&[b"\x80\x02", import.as_bytes()].concat()),
            format!("malformed pickle: byte 2: refuses `{module}.{name}`")
        );
    }
}

#[test]
fn a_global_that_breaks_the_line_cannot_break_the_error() {
    let error = read(b"\x80\x04\x8c\x03a\nb\x8c\x02\x1b[\x93.").unwrap_err();
    assert_eq!(error, "malformed pickle: byte 11: refuses `a\\nb.\\u{1b}[`");
}

#[test]
fn opcodes_that_no_gradient_needs_are_refused_by_name() {
    let cases: [(&[u8], &str); 13] = [
        (b"i", "INST"),
        (b"o", "OBJ"),
        (b"P", "PERSID"),
        (b"Q", "BINPERSID"),
        (b"\x81", "NEWOBJ"),
        (b"\x92", "NEWOBJ_EX"),
        (b"\x82", "EXT1"),
        (b"\x83", "EXT2"),
        (b"\x84", "EXT4"),
        (b"\x97", "NEXT_BUFFER"),
        (b"\x98", "READONLY_BUFFER"),
        (b"\x8f", "EMPTY_SET"),
        (b"I", "INT"),
    ];
    for (opcode, name) in cases {
        let error = read(&[b"\x80\x04", opcode, b"."].concat()).unwrap_err();
        assert_eq!(error, format!("malformed pickle: byte 2: refuses the opcode {name}"));
    }
    assert_eq!(read(b"\x80\x04\xff.").unwrap_err(), "malformed pickle: byte 2: 0xff is no opcode");
}

#[test]
fn constructors_take_only_what_numpy_gives_them() {
    // module, name, then opcodes for the arguments' tuple, then REDUCE.
    let call = |global: &str, arguments: &[u8]| {
        read(&[b"\x80\x04c", global.as_bytes(), b"\n", arguments, b"R."].concat()).unwrap_err()
    };
    assert_eq!(
        call("numpy\ndtype", b"\x8c\x02O8\x85"),
        "malformed pickle: byte 20: numpy dtype `O8` is not one of real numbers up to 64 bits"
    );
    assert_eq!(
        call("numpy.core.numeric\n_frombuffer", b"K\x01\x85"),
        "malformed pickle: byte 37: _frombuffer: cannot be called with 1 arguments"
    );
    assert_eq!(
        call("_codecs\nencode", b"\x8c\x02\xc3\xa9\x8c\x05utf-8\x86"),
        "malformed pickle: byte 30: _codecs.encode: encoding `utf-8`, expected `latin1`"
    );
    assert_eq!(
        call("_codecs\nencode", b"\x8c\x03\xe2\x82\xac\x8c\x06latin1\x86"),
        "malformed pickle: byte 32: _codecs.encode: `€` is not in latin1"
    );
    assert_eq!(
        call("numpy\nndarray", b"K\x01\x85"),
        "malformed pickle: byte 20: numpy.ndarray: cannot be called with 1 arguments"
    );
    assert_eq!(
        call("__builtin__\nbytes", b"K\x09\x85"),
        "malformed pickle: byte 24: bytes: cannot be called with 1 arguments"
    );
}

#[test]
fn stack_and_memo_faults() {
    let cases: [(&[u8], &str); 8] = [
        (b"\x80\x04.", "byte 3: the stack has too few values"),
        (b"\x80\x04N(0u.", "byte 6: no mark is open"),
        (b"\x80\x04(\x85.", "byte 4: the stack has too few values"),
        (b"\x80\x04}(Nu.", "byte 5: a dict's key without a value"),
        (b"\x80\x04N(Ne.", "byte 5: appends to what is no list"),
        (b"\x80\x04h\x07.", "byte 2: the memo has no entry 7"),
        (b"\x80\x04}", "byte 3: cut short"),
        (b"\x80\x04}.N", "byte 4: bytes follow the end of the pickle"),
    ];
    for (pickle, reason) in cases {
        assert_eq!(read(pickle).unwrap_err(), format!("malformed pickle: {reason}"));
    }
    assert_eq!(
        Gradient::from_vec(b"\x80\x06.".to_vec(), &Limits::default()).unwrap_err().to_string(),
        "not a gradient container: begins with 80062e, which is neither safetensors, GradientPackage nor pickle"
    );
}

/// Opcodes for small documents.
mod op {
    pub fn text(text: &str) -> Vec<u8> {
        [b"\x8c", &[text.len() as u8][..], text.as_bytes()].concat()
    }

    pub fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let entries = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat());
        [b"}(".to_vec(), entries.collect(), b"u".to_vec()].concat()
    }

    pub fn array(dtype: &str, shape: &[u8], bytes: &[u8]) -> Vec<u8> {
        let shape = shape.iter().flat_map(|&len| [b'K', len]).collect::<Vec<u8>>();
        [
            b"cnumpy.core.numeric\n_frombuffer\n(C",
            &[bytes.len() as u8][..],
            bytes,
            b"cnumpy\ndtype\n",
            &text(dtype),
            b"\x89\x88\x87R(",
            &shape,
            b"t",
            &text("C"),
            b"tR",
        ]
        .concat()
    }

    pub fn document(root: &str, tensors: &[(&str, Vec<u8>)]) -> Vec<u8> {
        [b"\x80\x04".to_vec(), dict(&[(root, dict(tensors))]), b".".to_vec()].concat()
    }
}

#[test]
fn documents_that_do_not_fit_are_refused() {
    let zeros = op::array("f4", &[2], &[0; 8]);
    let one = |value: Vec<u8>| op::document("gradients", &[("w", value)]);
    let sparse = |indices: Vec<u8>, values: Vec<u8>| {
        let shape = b"](K\x02K\x03e".to_vec();
        one(op::dict(&[("indices", indices), ("values", values), ("shape", shape)]))
    };
    let cases = [
        (b"\x80\x04].".to_vec(), "the root is no dict but a list"),
        (b"\x80\x04}.".to_vec(), "the root dict has neither `gradients` nor `lora_params`"),
        (op::document("gradients", &[]), "no tensors"),
        (one(b"K\x01".to_vec()), "tensor `w`: is a bare number"),
        (one(op::text("x")), "tensor `w`: is no dict or array but a str"),
        (one(op::array("i4", &[2], &[0; 8])), "tensor `w`: values of dtype int32, expected a float"),
        (
            one(op::array("f4", &[3], &[0; 8])),
            "byte 92: an array of shape [3] and dtype float32 cannot have 8 bytes of data",
        ),
        (
            one(op::dict(&[("data", zeros.clone()), ("shape", b"K\x03\x85".to_vec())])),
            "tensor `w`: shape [3] declared for data of shape [2]",
        ),
        (
            one(op::dict(&[("values", zeros.clone())])),
            "tensor `w`: a dict with neither `data` nor all of `indices`, `values` and `shape`",
        ),
        (
            sparse(b"](K\x00K\x06e".to_vec(), zeros.clone()),
            "tensor `w`: index 1 lies outside the 6 values of shape [2, 3]",
        ),
        (sparse(b"](K\x03K\x03e".to_vec(), zeros.clone()), "tensor `w`: place 3 occurs twice in `indices`"),
        (sparse(b"](K\x03Ne".to_vec(), zeros.clone()), "tensor `w`: index 1 is no whole number"),
        (sparse(b"](K\x03e".to_vec(), zeros.clone()), "tensor `w`: 1 indices for values of shape [2]"),
    ];
    for (pickle, reason) in cases {
        assert_eq!(read(&pickle).unwrap_err(), format!("malformed pickle: {reason}"));
    }
    // The same pieces, fitting.
    assert_eq!(read(&one(zeros.clone())).unwrap().layout().to_string(), "1 tensor, 2 values");
    let spread =
        read(&sparse(b"](K\x05K\x00e".to_vec(), op::array(">f4", &[2], &[0x3f, 0x80, 0, 0, 0x40, 0, 0, 0])));
    let spread = spread.unwrap();
    let values = spread.tensors().next().unwrap().bytes.as_chunks().0.iter().map(|v| f32::from_le_bytes(*v));
    assert_eq!(values.collect::<Vec<_>>(), [2.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    // Weights may be bare numbers.
    let weights = read(&op::document("lora_params", &[("alpha", b"K\x10".to_vec()), ("w", zeros)])).unwrap();
    assert_eq!(weights.kind(), Kind::Weights);
}

#[test]
fn of_a_key_that_occurs_twice_the_later_counts() {
    let (first, second) = (op::array("f4", &[1], &[0; 4]), op::array("f4", &[1], &[1; 4]));
    let gradient = read(&op::document("gradients", &[("w", first), ("w", second)])).unwrap();
    assert_eq!(gradient.tensors().next().unwrap().bytes, [1; 4]);
    assert_eq!(gradient.tensors().len(), 1);
}
