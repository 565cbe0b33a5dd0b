//! A gzipped pickle: the input is what follows the gzip header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use r3mes_gradient::{Gradient, Limits};

fuzz_target!(|data: &[u8]| {
    read([b"\x1f\x8b\x08\x00\0\0\0\0\x00\xff", data].concat());
});

fn read(file: Vec<u8>) {
    if let Ok(gradient) = Gradient::from_vec(file, &Limits::default()) {
        gradient.summary();
    }
}
