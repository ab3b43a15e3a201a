#![no_main]

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut rng = fastrand::Rng::with_seed(seed.into());
    let changed = ferroflow_fuzz::mutate(&data[..size], &data[..size], &mut rng);
    if changed.len() > max_size {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    data[..changed.len()].copy_from_slice(&changed);
    changed.len()
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = ferroflow_fuzz::predict(data);
});
