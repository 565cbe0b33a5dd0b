//! Files made to hurt their reader. Each is read by a process of its own, which must end with one line
//! and, where the system tells (`VmHWM` of Linux), with less than 256 MiB of resident memory at its peak.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use r3mes_gradient::{Gradient, Limits};

const MIB: usize = 1 << 20;
const FILE_VARIABLE: &str = "R3MES_HOSTILE_FILE";

/// What the child process is: reads the file and prints what came of it.
#[test]
#[ignore = "the child process of the other tests"]
fn child() {
    let path = PathBuf::from(std::env::var_os(FILE_VARIABLE).unwrap());
    let outcome = match Gradient::open(&path, &Limits::default()) {
        Ok(gradient) => {
            let summary = gradient.summary();
            format!("read: {} values", summary.statistics.elements)
        }
        Err(error) if error.is_malformed() => format!("malformed: {error}"),
        Err(error) => format!("trouble: {error}"),
    };
    assert!(!outcome.contains(['\n', '\r']), "not one line: {outcome}");
    println!("\noutcome {outcome}");
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        println!("peak {}", peak.trim().trim_end_matches(" kB"));
    }
}

/// Reads a file in a child process; gives its outcome.
fn outcome(path: &Path) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FILE_VARIABLE, path)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let line = |prefix| stdout.lines().find_map(|line: &str| line.strip_prefix(prefix));
    let Some(outcome) = line("outcome ") else {
        panic!("no outcome: {stdout}{}", String::from_utf8_lossy(&output.stderr));
    };
    match line("peak ") {
        Some(peak) => {
            let peak: usize = peak.parse().unwrap();
            println!("{peak:>8} kB  {outcome}");
            assert!(peak < 256 * 1024, "{peak} kB resident for: {outcome}");
        }
        None if cfg!(target_os = "linux") => panic!("the child did not tell its peak"),
        None => {}
    }
    outcome.to_owned()
}

#[track_caller]
fn expect(bytes: &[u8], expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let outcome = outcome(&path);
    assert!(outcome.starts_with(expected), "{outcome}\nexpected {expected}");
}

/// `head`, then `unit` for `len` bytes in all.
fn repeated(head: &[u8], unit: &[u8], len: usize) -> Vec<u8> {
    head.iter().copied().chain(unit.iter().copied().cycle()).take(len).collect()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::new(4));
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A pickle that repeats `unit`, once for each of 10 MiB as it is, and gzipped from 128 MiB.
fn expect_of_pickle(head: &[u8], unit: &[u8], plain: &str, zipped: &str) {
    let head = [b"\x80\x04", head].concat();
    expect(&repeated(&head, unit, 10 * MIB), plain);
    let bomb = gzipped(&repeated(&head, unit, 129 * MIB));
    assert!(bomb.len() < 10 * MIB);
    expect(&bomb, zipped);
}

const MEMORY: &str = "malformed: malformed pickle: reading it takes more than 218103808 bytes of memory";
const CUT_SHORT: &str = "malformed: malformed pickle: byte 10485760: cut short";
const DECODED: &str = "malformed: malformed pickle: has more than 134217728 bytes";

#[test]
fn not_a_file() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(outcome(dir.path()), "trouble: not a regular file but a directory");
    assert!(outcome(&dir.path().join("absent")).starts_with("trouble: cannot read the file: "));
    expect(b"", "malformed: the file is empty");
    expect(b"<!doctype html>", "malformed: not a gradient container: begins with 3c21646f63747970");
    let path = dir.path().join("sparse");
    File::create(&path).unwrap().set_len(10 << 30).unwrap();
    assert_eq!(outcome(&path), "malformed: the file has 10737418240 bytes; the limit is 105906176");
}

#[cfg(unix)]
#[test]
fn a_pipe_does_not_hang() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(outcome(&path), "trouble: not a regular file but a pipe, socket or device");
}

#[test]
fn calls() {
    expect(
        &gzipped(b"\x80\x02cos\nsystem\nX\x0b\0\0\0touch pwned\x85R."),
        "malformed: malformed pickle: byte 2: refuses `os.system`",
    );
    expect(
        &gzipped(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x031+1\x85R."),
        "malformed: malformed pickle: byte 18: refuses `builtins.eval`",
    );
}

#[test]
fn gzip_bombs() {
    // 10 GB in 10 MiB: members of 64 MiB, one after another, as gzip allows.
    let member = gzipped(&repeated(b"", b"N0", 64 * MIB));
    let mut bomb = gzipped(b"\x80\x05");
    (0..160).for_each(|_| bomb.extend(&member));
    assert!(bomb.len() < 11 * MIB);
    expect(&bomb, DECODED);
    // The same in one piece of data.
    let claim = [&b"\x80\x05\x96"[..], &(10u64 << 30).to_le_bytes()].concat();
    expect(
        &gzipped(&repeated(&claim, b"\0", 128 * MIB)),
        "malformed: malformed pickle: byte 11: claims 10737418240 bytes, beyond the 134217728 that it may have",
    );
    let zeros = gzipped(&vec![0; 128 * MIB]);
    expect(
        &zeros,
        "malformed: malformed pickle: begins with byte 0x00, not with a pickle of protocol 2 to 5",
    );
    // Cut short, and with a checksum that is wrong.
    let mut whole = gzipped(b"\x80\x05N.");
    expect(&whole[..whole.len() - 12], "malformed: malformed pickle: byte");
    let checksum = whole.len() - 8;
    whole[checksum] ^= 1;
    expect(&whole, "malformed: malformed pickle: byte 4: gzip: ");
}

#[test]
fn lengths_that_lie() {
    let claims = |opcode: &[u8], len: u64| [b"\x80\x05", opcode, &len.to_le_bytes(), b"abc"].concat();
    for opcode in [&b"\x96"[..], b"\x8e", b"\x8d"] {
        expect(
            &gzipped(&claims(opcode, 1 << 40)),
            "malformed: malformed pickle: byte 11: claims 1099511627776 bytes, beyond the 134217728 that it may have",
        );
        expect(
            &claims(opcode, u64::MAX),
            "malformed: malformed pickle: byte 11: claims 18446744073709551615 bytes",
        );
        // Within the limit, but not there.
        expect(&claims(opcode, 100 << 20), "malformed: malformed pickle: byte 14: cut short");
    }
    expect(
        b"\x80\x02\x8b\xff\xff\xff\xff",
        "malformed: malformed pickle: byte 2: a whole number of 4294967295 bytes",
    );
    expect(
        &repeated(b"\x80\x02c", b"a", 10 * MIB),
        "malformed: malformed pickle: byte 3: a line of more than 256 bytes",
    );
}

#[test]
fn marks_and_depth() {
    const MARKS: &str = "malformed: malformed pickle: byte 66: more than 64 marks open at once";
    expect(&repeated(b"\x80\x04", b"(", 5_000_002), MARKS);
    expect(&gzipped(&repeated(b"\x80\x04", b"(", 5_000_002)), MARKS);
    // Lists, each inside the one before, with no mark: nothing here follows them down.
    let deep = [repeated(b"\x80\x04", b"]", 500_002), repeated(b"", b"a", 499_999), b".".to_vec()].concat();
    expect(&deep, "malformed: malformed pickle: the root is no dict but a list");
    let tuples = [repeated(b"\x80\x04)", b"\x85", 10 * MIB - 1), b".".to_vec()].concat();
    expect(&tuples, MEMORY);
}

#[test]
fn floods_of_objects() {
    expect_of_pickle(b"", b"}", MEMORY, MEMORY);
    expect_of_pickle(b"", b")", MEMORY, MEMORY);
    expect_of_pickle(b"", b"N", MEMORY, MEMORY);
    expect_of_pickle(b"", b"]\x94", MEMORY, MEMORY);
    expect_of_pickle(b"", b"]Na", MEMORY, MEMORY);
    expect_of_pickle(b"", b"}NNs", MEMORY, MEMORY);
    expect_of_pickle(b"]", b"Na", CUT_SHORT, MEMORY);
    expect_of_pickle(b"}", b"NNs", CUT_SHORT, MEMORY);
    expect_of_pickle(b"]", b"(NNNNNNNe", CUT_SHORT, MEMORY);
    expect_of_pickle(b"", b"C\x01a0", CUT_SHORT, MEMORY);
    expect_of_pickle(b"", b"\x8c\x00", MEMORY, MEMORY);
    expect_of_pickle(b"", b"\x8a\x09\x01\0\0\0\0\0\0\0\x010", CUT_SHORT, MEMORY);
    expect_of_pickle(b"", b"N0", CUT_SHORT, DECODED);
    // Data that grow step by step, again and again.
    let pieces = [b"\x80\x05", &zeros(20 * MIB)[..], b"0"].concat();
    let pieces =
        [pieces, repeated(b"", &[&zeros(20 * MIB)[..], b"0"].concat(), 5 * (20 * MIB + 10)), b"N.".to_vec()];
    expect(&gzipped(&pieces.concat()), "malformed: malformed pickle: the root is no dict but a None");
    let dtypes = b"\x80\x04cnumpy\ndtype\n\x94\x8c\x02f4\x85\x94";
    // The fault of a call says where.
    expect(&gzipped(&repeated(dtypes, b"h\0h\x01R0", 129 * MIB)), "malformed: malformed pickle: byte 2");
}

#[test]
fn memo_bombs() {
    expect_of_pickle(b"N", b"\x94", MEMORY, MEMORY);
    // Scattered places, of which the highest claims a table of 4 billion.
    let mut scattered = b"\x80\x02N".to_vec();
    for i in 0..2 * MIB as u32 {
        scattered.push(b'r');
        scattered.extend(i.wrapping_mul(2_654_435_761).to_le_bytes());
    }
    expect(&scattered, "malformed: malformed pickle: byte 10485763: cut short");
    // Each tuple holds the one before twice: 2^64 leaves if anything walked them.
    let mut metadata = b"\x80\x04}(\x8c\x08metadata}\x8c\x01k)\x94".to_vec();
    (0..64u8).for_each(|i| metadata.extend([b'0', b'h', i, b'h', i, 0x86, 0x94]));
    let tensor = b"\x8c\x01wcnumpy.core.numeric\n_frombuffer\n(C\x04\0\0\0\0cnumpy\ndtype\n\x8c\x02f4\x89\x88\x87RK\x01\x85\x8c\x01CtR";
    let bomb = [&metadata[..], b"s\x8c\x09gradients}", tensor, b"su."].concat();
    expect(&bomb, "read: 1 values");
}

/// `_frombuffer` of `rows` x `columns` values, of which `data` is the buffer already on the stack.
fn from_buffer(data: &[u8], dtype: &str, shape: &[u32], order: &str) -> Vec<u8> {
    let mut array = b"cnumpy.core.numeric\n_frombuffer\n(".to_vec();
    array.extend(data);
    array.extend(b"cnumpy\ndtype\n\x8c");
    array.push(dtype.len() as u8);
    array.extend(dtype.as_bytes());
    array.extend(b"\x89\x88\x87R(");
    for len in shape {
        array.push(b'J');
        array.extend(len.to_le_bytes());
    }
    array.extend([b't', 0x8c, 1, order.as_bytes()[0]]);
    array.extend(b"tR");
    array
}

fn zeros(len: usize) -> Vec<u8> {
    [b"\x96", &(len as u64).to_le_bytes()[..], &vec![0; len]].concat()
}

fn document(named_tensors: &[u8]) -> Vec<u8> {
    gzipped(&[b"\x80\x05}\x8c\x09gradients}(", named_tensors, b"us."].concat())
}

#[test]
fn large_arrays_in_small_files() {
    let array = |len: usize, dtype, shape: &[u32], order| {
        document(&[b"\x8c\x01w".to_vec(), from_buffer(&zeros(len), dtype, shape, order)].concat())
    };
    expect(&array(127 * MIB, "<f4", &[127 << 18], "C"), "read: 33292288 values");
    // A copy of each brings it into C order, or turns its bytes: twice 127 MiB are too much.
    expect(&array(96 * MIB, "<f4", &[96 << 8, 1 << 10], "F"), "read: 25165824 values");
    expect(&array(96 * MIB, ">f4", &[96 << 18], "C"), "read: 25165824 values");
    expect(
        &array(96 * MIB, "<f2", &[[2; 24].as_slice(), &[12]].concat(), "F"),
        "malformed: malformed pickle: byte",
    );
    let many_axes = [[2; 24].as_slice(), &[3]].concat();
    expect(&array(96 * MIB, "<f2", &many_axes, "F"), "read: 50331648 values");
    expect(
        &array(127 * MIB, "<f4", &[127 << 8, 1 << 10], "F"),
        "malformed: malformed pickle: tensor `w`: reading it takes more than 218103808 bytes of memory",
    );
    expect(
        &array(127 * MIB, ">f8", &[127 << 17], "C"),
        "malformed: malformed pickle: tensor `w`: reading it takes more than 218103808 bytes of memory",
    );
    // Protocol 2 writes bytes as text.
    let text = "\u{0}".repeat(64 * MIB);
    let text = [b"X", &(64 * MIB as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let encoded = [b"c_codecs\nencode\n", &text[..], b"\x8c\x06latin1\x86R"].concat();
    let array = from_buffer(&encoded, "f4", &[16 << 20], "C");
    expect(&document(&[b"\x8c\x01w", &array[..]].concat()), "read: 16777216 values");
}

#[test]
fn tensors_that_share_their_data() {
    // One array of 64 MiB under three names.
    let mut shared = b"\x8c\x01a".to_vec();
    shared.extend(from_buffer(&zeros(64 * MIB), "f4", &[16 << 20], "C"));
    shared.extend(b"\x94\x8c\x01bh\x00\x8c\x01ch\x00");
    expect(
        &document(&shared),
        "malformed: malformed pickle: tensor `c`: shape [16777216] of F32 takes the tensors beyond 134217728 bytes",
    );
    // One dict of many entries, as the description of many tensors.
    let mut wide = b"}\x94(".to_vec();
    (0..100_000).for_each(|_| wide.extend(b"NN"));
    wide.push(b'u');
    let mut tensors = [b"\x8c\x01a", &wide[..]].concat();
    for i in 0..60_000u32 {
        tensors.extend([0x8c, 4]);
        tensors.extend(format!("{i:04x}").as_bytes().iter().take(4));
        tensors.extend(b"h\0");
    }
    expect(&document(&tensors), "malformed: malformed pickle: tensor `0000`: a dict of 100000 entries");
    // One text of 1 MiB as the value of many metadata keys.
    let text = [b"X", &(MIB as u32).to_le_bytes()[..], &vec![b'x'; MIB]].concat();
    let mut metadata = [b"\x8c\x01k", &text[..], b"\x94"].concat();
    (0..4000u32).for_each(|i| {
        metadata.extend([0x8c, 4]);
        metadata.extend(format!("{i:04}").as_bytes());
        metadata.extend(b"h\0");
    });
    let array = from_buffer(&zeros(4), "f4", &[1], "C");
    let file =
        [b"\x80\x05}(\x8c\x09gradients}\x8c\x01w", &array[..], b"s\x8c\x08metadata}(", &metadata, b"uu."];
    expect(&gzipped(&file.concat()), MEMORY);
}

#[test]
fn sparse_claims() {
    let sparse = |lens: &[u32]| {
        let mut tensor =
            b"}(\x8c\x07indices](K\x00e\x8c\x06values](G?\xe0\0\0\0\0\0\0e\x8c\x05shape](".to_vec();
        for len in lens {
            tensor.push(b'J');
            tensor.extend(len.to_le_bytes());
        }
        tensor.extend(b"eu");
        tensor
    };
    let named = |name: &[u8], tensor: &[u8]| [b"\x8c\x01", name, tensor].concat();
    expect(
        &document(&named(b"w", &sparse(&[0x7fff_ffff, 0x7fff_ffff, 0x7fff_ffff]))),
        "malformed: malformed pickle: tensor `w`: shape [2147483647, 2147483647, 2147483647] of F64 takes the tensors beyond",
    );
    expect(&document(&named(b"w", &sparse(&[16 << 20]))), "read: 16777216 values");
    let two = [named(b"v", &sparse(&[8 << 20])), named(b"w", &sparse(&[9 << 20]))].concat();
    expect(&document(&two), "malformed: malformed pickle: tensor `w`: shape [9437184] of F64 takes");
}

fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn safetensors_headers() {
    let entry = |shape: &str, from: u64, to: u64| {
        format!(r#"{{"w":{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}}}"#)
    };
    expect(
        &[&[0xff; 7][..], b"\x7f{}"].concat(),
        "malformed: malformed safetensors: the header claims 9223372036854775807 bytes; 2 follow",
    );
    expect(
        &safetensors(&entry("[1000000000000]", 0, 4_000_000_000_000), &[0; 8]),
        "malformed: malformed safetensors: data_offsets [0, 4000000000000] of tensor `w` leave the 8 bytes of data",
    );
    expect(
        &safetensors(&entry("[4294967296,4294967296,4294967296]", 0, 8), &[0; 8]),
        "malformed: malformed safetensors: tensor `w`: shape [4294967296, 4294967296, 4294967296] of F32 takes the tensors beyond",
    );
    let nested = format!("{{\"w\":{}", "[".repeat(10 * MIB));
    expect(&safetensors(&nested, b""), "malformed: malformed safetensors: header: ");
    let shape = format!("[{}1]", "1,".repeat(5 * MIB - 100));
    expect(
        &safetensors(&entry(&shape, 0, 4), &[0; 4]),
        "malformed: malformed safetensors: header: a shape of more than 256 dimensions",
    );

    let many = |count: usize| {
        let entries =
            (0..count).map(|i| format!(r#""{i:x}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#));
        safetensors(&format!("{{{}}}", entries.collect::<Vec<_>>().join(",")), b"")
    };
    expect(&many(65_536), "read: 0 values");
    expect(&many(65_537), "malformed: malformed safetensors: header: more than 65536 tensors");
    let metadata = (0..400_000).map(|i| format!(r#""{i:x}":"""#)).collect::<Vec<_>>().join(",");
    expect(
        &safetensors(&format!(r#"{{"__metadata__":{{{metadata}}}}}"#), b""),
        "malformed: malformed safetensors: header: more than 4096 metadata entries",
    );
    let name = "n".repeat(10 * MIB);
    expect(
        &safetensors(&entry("[1]", 0, 4).replace('w', &name), &[0; 4]),
        "malformed: malformed safetensors: tensor `nnnn",
    );
}

#[test]
fn packages() {
    expect(
        b"\x0a\xff\xff\xff\xff\x7fabc",
        "malformed: malformed GradientPackage: byte 0: field 1 claims 34359738367 bytes; 3 follow",
    );
    expect(
        &repeated(b"", b"\x0a\x00", 10 * MIB),
        "malformed: malformed GradientPackage: byte 2: a tensor has no name",
    );
    expect(&repeated(b"", b"\x12\x00", 10 * MIB), "malformed: malformed GradientPackage: no tensors");
    expect(
        &repeated(b"", b"\x0a\x08\x0a\x00\x10\x00\x22\x02ab", 10 * MIB),
        "malformed: malformed GradientPackage: tensor `ab`: more than 65536 tensors",
    );
    let mut entries = Vec::new();
    (0..MIB).for_each(|i| entries.extend(format!("\x12\x07\x0a\x05{i:05x}").into_bytes()));
    expect(&entries, "malformed: malformed GradientPackage: more than 4096 metadata entries");
    let tensor = |content: Vec<u8>| {
        let mut len = content.len();
        let mut file = vec![0x0a];
        while len >= 0x80 {
            file.push(len as u8 | 0x80);
            len >>= 7;
        }
        file.push(len as u8);
        [file, content].concat()
    };
    // Floats one by one, without a shape; then a shape without end.
    expect(
        &tensor(repeated(b"\x22\x01w", b"\x0d\0\0\x80\x3f", 10 * MIB - 2)),
        "malformed: malformed GradientPackage: tensor `w` of shape [] needs 1 values; its data has 2097151",
    );
    expect(
        &tensor(repeated(b"\x22\x01w", b"\x10\x01", 10 * MIB - 1)),
        "malformed: malformed GradientPackage: byte 72: a shape of more than 32 dimensions",
    );
    expect(
        &tensor(
            b"\x22\x01w\x12\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
                .to_vec(),
        ),
        "malformed: malformed GradientPackage: tensor `w`: shape [9223372036854775807, 9223372036854775807] of F32 takes",
    );
}
