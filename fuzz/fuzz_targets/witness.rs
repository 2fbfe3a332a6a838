#![no_main]

#[path = "../properties.rs"]
#[expect(dead_code, reason = "one target, one property")]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::witness(bytes));
