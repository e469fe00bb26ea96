//! What the tool itself used: a figure measured by a tool that had no processor time left says nothing about the server.

/// Processor seconds of this process so far, in user and kernel mode; 0 where the system does not say (it does on Linux).
pub fn cpu_seconds() -> f64 {
    /// Linux has counted in hundredths of a second, whatever its timer does, since 2.6.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in the second field may hold spaces and brackets; the fields behind its end count from the third.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks: f64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    ticks / TICKS_PER_SECOND
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_is_seen() {
        let before = cpu_seconds();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        let mut sum = 0_u64;
        while cpu_seconds() <= before && std::time::Instant::now() < deadline {
            sum = std::hint::black_box((0..100_000).fold(sum, u64::wrapping_add));
        }
        assert!(cpu_seconds() > before);
    }
}
