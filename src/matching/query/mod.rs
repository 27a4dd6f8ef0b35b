//! The query language: text to tree and back.
//!
//! Precedence, tightest first: fields, counts and brackets; `NEAR`, `ONEAR` and `NOT IN` (left to right);
//! `NOT`; `AND` (also unwritten, between two terms); `OR`.

pub mod ast;
mod foreign;
mod lexer;
mod parser;
mod print;

use super::Level;

pub(super) use lexer::near_to;
pub use parser::{parse, parse_term};
pub use print::print;

/// The longest query that is read, in code points.
pub const MAX_QUERY: usize = 65_536;
/// The deepest nesting of brackets, fields, counts and `NOT`.
pub const MAX_DEPTH: usize = 64;
/// The most terms in a query.
pub const MAX_TERMS: usize = 4_096;
/// The most `NEAR` and `NOT IN` in a row without brackets.
pub const MAX_CHAIN: usize = 32;
/// The most regular expressions in a query.
pub const MAX_REGEXES: usize = 64;
/// The longest regular expression, in code points.
pub const MAX_REGEX: usize = 1_000;
/// The widest `NEAR` and `~`.
pub const MAX_NEAR: u32 = 200;

/// Something wrong, or surely not meant, in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable name of the kind of finding: `E…` for errors, `W…` for warnings.
    pub code: &'static str,
    /// Whether the query can be used all the same.
    pub level: Level,
    /// First code point of the place.
    pub start: usize,
    /// One past its last.
    pub end: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    pub(super) fn error(
        code: &'static str,
        span: &std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            level: Level::Error,
            start: span.start,
            end: span.end,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn warning(
        code: &'static str,
        span: &std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warning, ..Self::error(code, span, message) }
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
