//! How far long work has come, on stderr.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use crate::clock::SystemClock;
use crate::domain::Timestamp;
use crate::ports::Clock as _;

/// Work that is done sooner says nothing.
const QUIET: Duration = Duration::from_secs(1);
/// Between two redrawings of the line on a terminal.
const REDRAW: Duration = Duration::from_millis(200);
/// Between two lines elsewhere.
const LINE: Duration = Duration::from_secs(10);
/// Columns of the bar.
const BAR: u32 = 30;

/// A line that tells how many things were looked at, oldest first, and up to when.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    terminal: bool,
    from: Option<Timestamp>,
    to: Timestamp,
    next: Timestamp,
    drawn: bool,
}

impl Progress {
    /// Begins; `from` is the oldest instant that is looked at, else the first one is.
    pub(crate) fn new(what: &'static str, from: Option<Timestamp>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let now = SystemClock.now();
        Self { what, terminal, from, to: now, next: now.plus(QUIET), drawn: false }
    }

    /// Notes that `count` were looked at, the last of them of the instant `at`.
    pub(crate) fn at(&mut self, count: u64, at: Timestamp) {
        let from = *self.from.get_or_insert(at);
        // The clock is asked now and then only.
        if !count.is_multiple_of(64) || SystemClock.now() < self.next {
            return;
        }
        self.next = SystemClock.now().plus(if self.terminal { REDRAW } else { LINE });
        self.drawn = true;
        let line = line(self.what, count, at, share(from, self.to, at));
        let mut out = anstream::stderr().lock();
        // Nowhere left to say that stderr is gone.
        drop(if self.terminal {
            write!(out, "\r{line}").and_then(|()| out.flush())
        } else {
            writeln!(out, "{line}")
        });
    }

    /// Ends, and leaves the terminal's line empty.
    pub(crate) fn end(self) {
        if self.drawn && self.terminal {
            drop(write!(anstream::stderr().lock(), "\r\u{1b}[2K"));
        }
    }
}

/// How much of the time between `from` and `to` lies before `at`, in thousandths.
fn share(from: Timestamp, to: Timestamp, at: Timestamp) -> u32 {
    let whole = to.since(from).as_millis().max(1);
    u32::try_from((at.since(from).as_millis() * 1000 / whole).min(1000)).unwrap_or(1000)
}

fn line(what: &str, count: u64, at: Timestamp, share: u32) -> String {
    let full = (share * BAR / 1000) as usize;
    let bar = "█".repeat(full) + &"░".repeat(BAR as usize - full);
    let day: String = at.to_string().chars().take(10).collect();
    format!("{bar} {:>3}%  {count} {what}, up to {day}", share / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        let day = |number: i64| Timestamp::from_secs(1_795_392_000 + number * 86_400);
        assert_eq!(
            line("articles", 640, day(3), share(day(0), day(4), day(3))),
            "██████████████████████░░░░░░░░  75%  640 articles, up to 2026-11-26"
        );
        assert_eq!(share(day(0), day(0), day(0)), 0);
        assert_eq!(share(day(0), day(1), day(9)), 1000);
    }
}
