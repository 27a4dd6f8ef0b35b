//! What the kernel says of this process, for `/metrics`, under the names every Prometheus client uses.

use std::fs;

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

/// Figures of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Process {
    cpu_seconds: f64,
    start_seconds: f64,
    threads: i64,
    virtual_bytes: u64,
    resident_bytes: u64,
    open_fds: u64,
    max_fds: u64,
}

impl Process {
    /// Reads them; none where there is no `/proc`.
    pub(super) fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let boot = fs::read_to_string("/proc/stat").ok()?;
        let limits = fs::read_to_string("/proc/self/limits").ok()?;
        let open = fs::read_dir("/proc/self/fd").ok()?.count();
        let ticks = rustix::param::clock_ticks_per_second();
        let page = rustix::param::page_size();
        Self::of(&stat, &boot, &limits, (ticks, page as u64, open as u64))
    }

    fn of(stat: &str, boot: &str, limits: &str, (ticks, page, open_fds): (u64, u64, u64)) -> Option<Self> {
        // The name, in brackets, may hold anything; what follows is numbered from field 3 on.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        #[expect(clippy::cast_precision_loss, reason = "a count of ticks stays far below 2^53")]
        let seconds = |ticked: u64| ticked as f64 / ticks as f64;
        let booted: u64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
        let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        Some(Self {
            cpu_seconds: seconds(field(14)? + field(15)?),
            start_seconds: seconds(booted * ticks + field(22)?),
            threads: i64::try_from(field(20)?).ok()?,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * page,
            open_fds,
            max_fds: limit.split_whitespace().next()?.parse().unwrap_or(u64::MAX),
        })
    }

    /// Shows them.
    pub(super) fn register(self, to: &mut Registry) {
        let cpu = ConstCounter::new(self.cpu_seconds);
        to.register_with_unit("process_cpu", "Processor time used", Unit::Seconds, cpu);
        let start = ConstGauge::new(self.start_seconds);
        to.register_with_unit("process_start_time", "When it started, since the epoch", Unit::Seconds, start);
        let resident = ConstGauge::new(self.resident_bytes);
        to.register_with_unit("process_resident_memory", "Memory in use", Unit::Bytes, resident);
        let reserved = ConstGauge::new(self.virtual_bytes);
        to.register_with_unit("process_virtual_memory", "Address space in use", Unit::Bytes, reserved);
        to.register("process_open_fds", "Open file descriptors", ConstGauge::new(self.open_fds));
        to.register("process_max_fds", "File descriptors that may be open", ConstGauge::new(self.max_fds));
        to.register("process_threads", "Threads", ConstGauge::new(self.threads));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_where_the_kernel_puts_them() {
        let stat =
            "42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 7 0 6000 1048576 25 1844674407 1 1";
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        let process = Process::of(stat, "cpu 1 2\nbtime 1700000000\n", limits, (100, 4096, 9)).unwrap();
        let expected = Process {
            cpu_seconds: 3.0,
            start_seconds: 1_700_000_060.0,
            threads: 7,
            virtual_bytes: 1_048_576,
            resident_bytes: 25 * 4096,
            open_fds: 9,
            max_fds: 1024,
        };
        assert_eq!(process, expected);
        assert_eq!(Process::of("42 (x", "", "", (100, 4096, 9)), None);
    }

    #[test]
    fn this_process_has_figures() {
        let process = Process::read().unwrap();
        assert!(process.resident_bytes > 0 && process.threads > 0 && process.open_fds > 0, "{process:?}");
        assert!(process.start_seconds > 1_500_000_000.0, "{process:?}");
    }
}
