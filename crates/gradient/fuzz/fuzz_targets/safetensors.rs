//! A safetensors file: the input is its header and data, the length before it is right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use r3mes_gradient::{Gradient, Limits};

fuzz_target!(|data: &[u8]| {
    let header = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let file = [&(header as u64).to_le_bytes()[..], &data[..header], data.get(header + 1..).unwrap_or(&[])].concat();
    read(file);
});

fn read(file: Vec<u8>) {
    if let Ok(gradient) = Gradient::from_vec(file, &Limits::default()) {
        gradient.summary();
    }
}
