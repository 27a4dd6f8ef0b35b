//! What a command that takes longer than a second shows meanwhile: one line on stderr, on a terminal only.

use std::io::{self, IsTerminal as _, Write as _};
use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

use super::output::clean;

/// What takes less is not worth a line.
const FIRST: Duration = Duration::from_secs(1);

/// Between two looks.
const NEXT: Duration = Duration::from_millis(200);

/// One line, written over and over, gone in the end.
#[derive(Debug, Default)]
struct Line {
    drawn: bool,
}

impl Line {
    fn draw(&mut self, text: &str) {
        if io::stderr().is_terminal() {
            self.drawn = true;
            self.write(&clean(text));
        }
    }

    fn write(&self, text: &str) {
        if self.drawn {
            let mut out = anstream::stderr().lock();
            // Nowhere left to say that stderr is gone.
            drop(write!(out, "\r\u{1b}[K{text}").and_then(|()| out.flush()));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.write("");
    }
}

/// Waits for `work`; `line` says how far it is, given how long it has taken.
pub(crate) async fn watched<T>(work: impl Future<Output = T>, line: impl Fn(Duration) -> String) -> T {
    let mut work = pin!(work);
    let (began, mut shown) = (Instant::now(), Line::default());
    let mut pause = FIRST;
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(pause) => {
                shown.draw(&line(began.elapsed()));
                pause = NEXT;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_watched_ends_as_it_would_by_itself() {
        let work = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            7
        };
        let looks = std::cell::Cell::new(0);
        let line = |_| {
            looks.set(looks.get() + 1);
            String::new()
        };
        assert_eq!(watched(work, line).await, 7);
        assert!(looks.get() >= 9, "{} looks", looks.get());
    }
}
