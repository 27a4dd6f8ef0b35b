//! Time on the processor: unlike time on the clock, the same whatever else the machine does.

use std::time::Duration;

/// What this thread has spent on the processor so far, by the kernel's account.
pub(crate) fn of_this_thread() -> Duration {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = account.split(' ').next().and_then(|spent| spent.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the time spent is the first number"))
}
