//! A GradientPackage: the input as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use r3mes_gradient::{Gradient, Limits};

fuzz_target!(|data: &[u8]| {
    read(data.to_vec());
});

fn read(file: Vec<u8>) {
    if let Ok(gradient) = Gradient::from_vec(file, &Limits::default()) {
        gradient.summary();
    }
}
