#![no_main]
//! `inputs::baseline` on whatever the fuzzer thinks of.

#[allow(dead_code, reason = "each target is about one of the inputs")]
#[path = "../../../checks/tests/hostile/inputs.rs"]
mod inputs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| inputs::baseline(bytes));
