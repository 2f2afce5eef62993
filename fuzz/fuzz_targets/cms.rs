#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| { integrasjonspunkt::entries::read("cms", bytes); });
