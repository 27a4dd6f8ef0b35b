//! What is wrong with a configuration, said so that a person can mend it.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level as Colour, Renderer, Snippet};
use anstyle::{AnsiColor, Style};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::source::{Place, SourceFile};

/// Problems kept in one report; a file of noise would otherwise fill memory and screen.
pub(super) const MAX_PROBLEMS: usize = 1000;

/// Bytes of a line shown on either side of the place; longer lines are cut.
const LINE_WINDOW: usize = 160;

/// Bytes of a value repeated in a message.
const VALUE_WINDOW: usize = 60;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The configuration is refused.
    Error,
    /// Legal, but surely not meant.
    Warning,
}

impl Level {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong, where, and what to do.
#[derive(Clone, Debug)]
pub struct Problem {
    /// How bad it is.
    pub level: Level,
    /// A stable word for its kind: `unknown-key`, `duplicate-id`, …
    pub code: &'static str,
    /// Where it was written.
    pub place: Place,
    /// What is wrong, one line; holds no credential.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// A mistake.
    pub fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { level: Level::Error, code, place, message: message.into(), help: None }
    }

    /// Something legal that is surely not meant.
    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, code, place, message: message.into(), help: None }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The path of the file it is in, as given.
    pub fn file(&self) -> Option<String> {
        self.place.file().map(|file| file.path().display().to_string())
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<usize> {
        self.place.line()
    }

    /// The column, in code points from 1.
    pub fn column(&self) -> Option<usize> {
        self.place.column()
    }

    /// The bytes of its file it is about.
    pub fn span(&self) -> Option<Range<usize>> {
        match &self.place {
            Place::File { span, .. } => Some(span.clone()),
            Place::Variable(_) | Place::Nowhere => None,
        }
    }

    fn sort_key(&self) -> (Option<String>, String, Option<usize>, Level) {
        let other = match &self.place {
            Place::Variable(name) => name.clone(),
            Place::File { .. } | Place::Nowhere => String::new(),
        };
        (self.file(), other, self.span().map(|span| span.start), self.level)
    }

    fn render(&self, colour: bool) -> String {
        let bold = Style::new().bold();
        let strong = Style::new().bold().fg_color(Some(match self.level {
            Level::Error => AnsiColor::BrightRed.into(),
            Level::Warning => AnsiColor::BrightYellow.into(),
        }));
        let [bold, strong] = if colour { [bold, strong] } else { [Style::new(); 2] };
        let (level, what) = match self.level {
            Level::Error => (String::new(), strong),
            Level::Warning => (format!("{strong}warning:{strong:#} "), bold),
        };
        let title = format!("{bold}{}:{bold:#} {level}{what}{}{what:#}\n", self.place, self.message);
        match (&self.place, &self.help) {
            (Place::File { file, span }, help) => {
                title + &Self::excerpt(self.level, file, span, help.as_ref(), colour) + "\n"
            }
            (_, Some(help)) => title + "  = help: " + &help.replace('\n', "\n          ") + "\n",
            (_, None) => title,
        }
    }

    fn excerpt(
        level: Level,
        file: &SourceFile,
        span: &Range<usize>,
        help: Option<&String>,
        colour: bool,
    ) -> String {
        let excerpt = Excerpt::new(file, span);
        let mark = if level == Level::Error { Colour::ERROR } else { Colour::WARNING };
        let mut group = Group::with_level(mark).element(
            Snippet::source(excerpt.text)
                .line_start(excerpt.line)
                .fold(false)
                .annotation(AnnotationKind::Primary.span(excerpt.span)),
        );
        if let Some(help) = help {
            group = group.element(Colour::HELP.message(help));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Problem", 7)?;
        out.serialize_field("level", &self.level)?;
        out.serialize_field("code", self.code)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("file", &self.file())?;
        out.serialize_field("line", &self.line())?;
        out.serialize_field("column", &self.column())?;
        out.serialize_field("help", &self.help)?;
        out.end()
    }
}

/// All problems of a configuration, by file and position.
#[derive(Clone, Debug, Default)]
pub struct Report {
    problems: Vec<Problem>,
    /// Problems beyond [`MAX_PROBLEMS`], by level.
    more: (usize, usize),
}

impl Report {
    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else if problem.level == Level::Error {
            self.more.0 += 1;
        } else {
            self.more.1 += 1;
        }
    }

    /// Counts errors that were found but are not kept.
    pub(super) fn leave_out(&mut self, errors: usize) {
        self.more.0 += errors;
    }

    /// Whether further problems are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// Adds all problems of another report.
    pub fn append(&mut self, other: Self) {
        self.more.0 += other.more.0;
        self.more.1 += other.more.1;
        for problem in other.problems {
            self.push(problem);
        }
    }

    /// Sorts by file and position; problems that were written nowhere come first.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.problems.sort_by_cached_key(Problem::sort_key);
        self
    }

    /// The problems, at most a thousand.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.count(Level::Error) + self.more.0
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.count(Level::Warning) + self.more.1
    }

    /// Whether the configuration is to be refused.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    fn count(&self, level: Level) -> usize {
        self.problems.iter().filter(|problem| problem.level == level).count()
    }

    /// Writes every problem as `FILE:LINE:COL: what`, the line with a caret, and the remedy;
    /// with terminal colours if asked. Holds no credential.
    pub fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            out.push_str(&problem.render(colour));
        }
        if self.more.0 + self.more.1 > 0 {
            let more = format!("\nand {} errors and {} warnings more\n", self.more.0, self.more.1);
            out.push_str(&more);
        }
        out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Report {}

impl From<Problem> for Report {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], more: (0, 0) }
    }
}

/// A line as it is shown: credentials replaced by `…`, cut where it is very long.
struct Excerpt {
    line: usize,
    text: String,
    span: Range<usize>,
}

impl Excerpt {
    fn new(file: &SourceFile, span: &Range<usize>) -> Self {
        let number = file.line_at(span.start);
        let line = file.line_range(number);
        let start = file.floor(span.start).clamp(line.start, line.end);
        let end = file.floor(span.end).clamp(start, line.end);
        let from = file.floor(start.saturating_sub(LINE_WINDOW)).max(line.start);
        let to = file.floor(start.saturating_add(LINE_WINDOW)).min(line.end);
        let mut shown = Self { line: number, text: String::new(), span: 0..0 };
        let mut marked = (None, None);
        if from > line.start {
            shown.text.push('…');
        }
        let mut at = from;
        let covered = file.hidden().partition_point(|hidden| hidden.end <= from);
        let mut hidden = file.hidden()[covered..].iter().peekable();
        while at < to {
            // Ends of the marked span become ends in the shown text; inside a hidden range, its edges.
            while hidden.next_if(|range| range.end <= at).is_some() {}
            let step = match hidden.peek() {
                Some(range) if range.start <= at => range.end.min(to),
                Some(range) => next_stop(at, [start, end, range.start, to]),
                None => next_stop(at, [start, end, to, to]),
            };
            let is_hidden = hidden.peek().is_some_and(|range| range.start <= at);
            if marked.0.is_none() && start < step {
                marked.0 = Some(shown.text.len());
            }
            shown.text.push_str(if is_hidden { "…" } else { &file.text()[at..step] });
            if marked.0.is_some() && marked.1.is_none() && end <= step {
                marked.1 = Some(shown.text.len());
            }
            at = step;
        }
        if to < line.end {
            shown.text.push('…');
        }
        let from = marked.0.unwrap_or(shown.text.len());
        shown.span = from..marked.1.unwrap_or(shown.text.len()).max(from);
        shown
    }
}

/// The nearest of `stops` after `at`; the last one is always after it.
fn next_stop(at: usize, stops: [usize; 4]) -> usize {
    stops.into_iter().filter(|stop| *stop > at).min().unwrap_or(stops[3])
}

/// A value as messages repeat it: on one line, without control characters, cut where it is long.
pub(super) fn quote(value: &str) -> String {
    let short = &value[..value.floor_char_boundary(VALUE_WINDOW)];
    let tail = if short.len() < value.len() { "…" } else { "" };
    let mut out = String::from("`");
    for c in short.chars() {
        if c.is_control() || is_bidi(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out + tail + "`"
}

/// Characters that reorder the text around them on a terminal.
const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The nearest of `known` to a misspelt `word`, if any is near.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long words take seconds to compare and are nobody's slip of the pen.
    if word.len() > 128 {
        return None;
    }
    let lower = word.to_lowercase().replace('-', "_");
    let allowed = (lower.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| {
            let folded = candidate.to_lowercase().replace('-', "_");
            let mut distance = strsim::damerau_levenshtein(&lower, &folded);
            if lower.len() >= 3 && (folded.starts_with(&lower) || lower.starts_with(&folded)) {
                distance = distance.min(1);
            }
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, span: Range<usize>, hidden: Vec<Range<usize>>) -> (String, String) {
        let file = SourceFile::new("t.toml".into(), text.into(), hidden);
        let excerpt = Excerpt::new(&file, &span);
        (excerpt.text.clone(), excerpt.text[excerpt.span].to_owned())
    }

    #[test]
    fn a_line_is_shown_without_its_credentials() {
        let text = "a = \"secret\" # b\nnext";
        let hidden = 4..12;
        let shown = |span, marked: &str| {
            assert_eq!(
                excerpt(text, span, std::iter::once(hidden.clone()).collect()),
                ("a = … # b".into(), marked.into())
            );
        };
        shown(0..1, "a");
        shown(4..12, "…");
        shown(6..8, "…");
        shown(0..12, "a = …");
        shown(13..14, "#");
        shown(16..16, "");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("a = \"{}ü\" # {}", "x".repeat(500), "y".repeat(500));
        let (shown, marked) = excerpt(&text, 505..507, Vec::new());
        assert!(shown.starts_with("…x") && shown.ends_with("y…") && shown.len() < 400, "{shown}");
        assert_eq!(marked, "ü");
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = ["keywords", "query", "facets", "per_host_delay"];
        assert_eq!(nearest("keyword", known), Some("keywords"));
        assert_eq!(nearest("qeury", known), Some("query"));
        assert_eq!(nearest("per-host-delay", known), Some("per_host_delay"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn a_repeated_value_is_plain() {
        assert_eq!(quote("a\u{1b}[31m\u{202e}b"), "`a\\u{1b}[31m\\u{202e}b`");
        assert_eq!(quote(&"é".repeat(100)).chars().count(), 33);
    }
}
