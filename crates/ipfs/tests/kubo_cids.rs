//! Our CIDs against those of a real Kubo node (kubo-cids.json says which, and how they were made).

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use r3mes_ipfs::{CidSettings, DagBuilder, cid_of_bytes, cid_of_reader};

#[derive(serde::Deserialize)]
struct Known {
    files: Vec<File>,
}

#[derive(serde::Deserialize)]
struct File {
    size: usize,
    v0: String,
    v1: String,
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

#[test]
fn cids_are_those_that_kubo_gives() {
    let known: Known = serde_json::from_str(include_str!("kubo-cids.json")).unwrap();
    assert_eq!(known.files.len(), 10);
    let all = pattern(known.files.iter().map(|file| file.size).max().unwrap());
    for File { size, v0, v1 } in known.files {
        let bytes = &all[..size];
        for (expected, settings) in [(v0, CidSettings::v0()), (v1, CidSettings::v1())] {
            assert_eq!(cid_of_bytes(bytes, &settings).to_string(), expected, "{size} bytes at once");
            let (streamed, read) = cid_of_reader(bytes, &settings).unwrap();
            assert_eq!(
                (streamed.to_string(), read),
                (expected.clone(), size as u64),
                "{size} bytes streamed"
            );
            let mut builder = DagBuilder::new(settings, |_, _| {});
            bytes.chunks(100_003).for_each(|piece| builder.update(piece));
            assert_eq!(builder.finish().0.to_string(), expected, "{size} bytes as blocks");
        }
    }
}
