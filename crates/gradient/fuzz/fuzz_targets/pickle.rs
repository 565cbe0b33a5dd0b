//! A plain pickle: the input is what follows the opcode PROTO.
#![no_main]

use libfuzzer_sys::fuzz_target;
use r3mes_gradient::{Gradient, Limits};

fuzz_target!(|data: &[u8]| {
    read([b"\x80\x05", data].concat());
});

fn read(file: Vec<u8>) {
    if let Ok(gradient) = Gradient::from_vec(file, &Limits::default()) {
        gradient.summary();
    }
}
