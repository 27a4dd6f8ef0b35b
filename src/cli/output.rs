//! What commands print: data to stdout, aligned for people or as JSON.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::domain::Timestamp;

/// The widest a text cell may be, in columns; longer ones end in an ellipsis.
const CELL: usize = 72;

/// Writes to stdout; colours only on a terminal. A reader that left early (`| head`) is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes to stderr, for problems and progress; ends in one line break, however the text ends.
pub(crate) fn complain(text: &str) {
    let mut out = anstream::stderr().lock();
    // Nowhere left to say that stderr is gone.
    drop(writeln!(out, "{}", text.trim_end()));
}

/// Says on a terminal what is being done, where it may take a while.
pub(crate) fn progress(text: &str) {
    if io::stderr().is_terminal() {
        complain(&clean(text));
    }
}

/// Prints one JSON value, indented.
pub(crate) fn print_json<T: Serialize>(value: &T) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    text.push('\n');
    print(&text)
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
    /// Never cut: it is there to be copied.
    whole: bool,
}

impl Cell {
    /// A plain cell; control characters are made visible.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: clean(text.as_ref()), style: Style::new(), whole: false }
    }

    /// A plain cell that is shown whole, however wide.
    pub(crate) fn whole(text: impl AsRef<str>) -> Self {
        Self { whole: true, ..Self::new(text) }
    }

    /// A cell that shows a state: good, to be noticed, bad.
    pub(crate) fn state(word: &str) -> Self {
        let colour = match word {
            "ok" | "delivered" | "logged" => Some(AnsiColor::Green),
            "pending" | "sending" | "held" | "new" | "unwell" | "quiet" | "silenced" | "high" => {
                Some(AnsiColor::Yellow)
            }
            "failing" | "gone" | "dead" | "critical" => Some(AnsiColor::Red),
            _ => None,
        };
        let style = colour.map_or(Style::new(), AnsiColor::on_default);
        Self { text: clean(word), style, whole: false }
    }
}

/// Feed text on a terminal: no control characters, no bidirectional overrides, one line.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' | '\r' => ' ',
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                '\u{fffd}'
            }
            c => c,
        })
        .collect()
}

/// Lays rows out in aligned columns under a heading; a table without rows says so.
pub(crate) fn table(heading: &[&str], rows: &[Vec<Cell>], nothing: &str) -> String {
    if rows.is_empty() {
        return format!("{nothing}\n");
    }
    let bold = Style::new().bold();
    let heading: Vec<Cell> =
        heading.iter().map(|word| Cell { text: (*word).to_owned(), style: bold, whole: false }).collect();
    let mut widths: Vec<usize> = vec![0; heading.len()];
    for row in std::iter::once(&heading).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.width().min(CELL));
        }
    }
    let mut out = String::new();
    for row in std::iter::once(&heading).chain(rows) {
        let last = row.len().saturating_sub(1);
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let text = if cell.whole { cell.text.clone() } else { shorten(&cell.text, CELL) };
            let pad = if index == last { 0 } else { width.saturating_sub(text.width()) + 2 };
            let (on, off) = (cell.style.render(), cell.style.render_reset());
            out.extend([on.to_string(), (*text).to_string(), off.to_string(), " ".repeat(pad)]);
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out
}

/// Cuts to `width` columns, with an ellipsis.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1; // the ellipsis
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

/// How long ago or how far ahead an instant is, as people say it: `12m ago`, `in 3h`.
pub(crate) fn relative(at: Option<Timestamp>, now: Timestamp) -> String {
    let Some(at) = at else { return "-".to_owned() };
    if at > now { format!("in {}", short(at.since(now))) } else { format!("{} ago", short(now.since(at))) }
}

/// A duration in its largest fitting unit.
pub(crate) fn short(time: Duration) -> String {
    match time.as_secs() {
        secs @ 0..=119 => format!("{secs}s"),
        secs @ 120..=7199 => format!("{}m", secs / 60),
        secs @ 7200..=172_799 => format!("{}h", secs / 3600),
        secs => format!("{}d", secs / 86_400),
    }
}

/// A number of bytes in its largest fitting unit.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let unit = (bytes.ilog2() / 10).min(4);
    let tenths = (u128::from(bytes) * 10) >> (10 * unit);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit as usize - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_in_every_script() {
        let rows = vec![
            vec![Cell::new("a"), Cell::new("북한군"), Cell::new("x")],
            vec![Cell::new("bb"), Cell::new("y"), Cell::new("")],
        ];
        let text = anstream::adapter::strip_str(&table(&["ID", "TITLE", "Z"], &rows, "none")).to_string();
        assert_eq!(text, "ID  TITLE   Z\na   북한군  x\nbb  y\n");
        assert_eq!(table(&["ID"], &[], "no feeds"), "no feeds\n");
    }

    #[test]
    fn hostile_titles_stay_on_their_line() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}d"), "a\u{fffd}[31mb c\u{fffd}d");
        assert_eq!(shorten("北朝鮮の兵士", 7), "北朝鮮…");
    }

    #[test]
    fn sizes_are_short() {
        let texts = [0, 1023, 1024, 1 << 20, 155_000_000, u64::MAX].map(size);
        assert_eq!(texts, ["0 B", "1023 B", "1.0 KiB", "1.0 MiB", "147.8 MiB", "16777215.9 TiB"]);
    }

    #[test]
    fn times_are_short() {
        let now = Timestamp::from_secs(100_000);
        assert_eq!(relative(Some(Timestamp::from_secs(99_990)), now), "10s ago");
        assert_eq!(relative(Some(Timestamp::from_secs(107_200)), now), "in 2h");
        assert_eq!(relative(None, now), "-");
    }
}
