//! `--since`: an instant, or how long ago.

use std::str::FromStr;
use std::time::Duration;

use crate::domain::Timestamp;

/// A point in time as people give it: `30d`, `12h`, or an RFC 3339 instant, or a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// So long before now.
    Ago(Duration),
    /// Then.
    At(Timestamp),
}

impl Since {
    /// The instant, seen from `now`.
    pub(crate) fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(time) => now.minus(time),
            Self::At(at) => at,
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = crate::config::units::parse_duration(text) {
            return Ok(Self::Ago(time));
        }
        Timestamp::parse_rfc3339(text)
            .or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
            .map(Self::At)
            .ok_or_else(|| {
                format!("`{text}` is neither a duration like 12h or 30d, nor a date like 2026-11-23")
            })
    }
}
