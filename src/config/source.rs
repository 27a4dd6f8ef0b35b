//! Files as they were read, and places in them.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file as it was read, with what must not be shown of it.
pub struct SourceFile {
    path: PathBuf,
    text: String,
    /// Byte offsets at which lines begin.
    lines: Vec<usize>,
    /// Byte ranges that may hold a credential, in order; never shown.
    hidden: Vec<Range<usize>>,
}

impl SourceFile {
    /// Keeps a file's text; `hidden` are the byte ranges that are never shown.
    pub(super) fn new(path: PathBuf, text: String, mut hidden: Vec<Range<usize>>) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        hidden.sort_by_key(|range| (range.start, range.end));
        Self { path, text, lines, hidden }
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory relative paths in it count from.
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// Its text; may hold credentials.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn hidden(&self) -> &[Range<usize>] {
        &self.hidden
    }

    /// The number of the line that holds byte `at`, from 1.
    pub fn line_at(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    /// The byte range of line `number` (from 1), its line break left out.
    pub(super) fn line_range(&self, number: usize) -> Range<usize> {
        let start = self.lines[number - 1];
        let end = self.lines.get(number).map_or(self.text.len(), |next| next - 1);
        let end = if self.text[start..end].ends_with('\r') { end - 1 } else { end };
        start..end
    }

    /// The column of byte `at` in its line, in code points from 1.
    pub fn column_at(&self, at: usize) -> usize {
        let start = self.lines[self.line_at(at) - 1];
        self.text[start..self.floor(at)].chars().count() + 1
    }

    /// The largest character boundary not after `at`.
    pub(super) fn floor(&self, at: usize) -> usize {
        self.text.floor_char_boundary(at)
    }
}

impl fmt::Debug for SourceFile {
    /// Shows the path alone: the text may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Where something was written.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a file.
    File {
        /// The file.
        file: Arc<SourceFile>,
        /// The bytes in it.
        span: Range<usize>,
    },
    /// In an environment variable.
    Variable(String),
    /// Nowhere in particular: a file that is missing, a default.
    Nowhere,
}

impl Place {
    /// The file, if it is in one.
    pub fn file(&self) -> Option<&Arc<SourceFile>> {
        match self {
            Self::File { file, .. } => Some(file),
            Self::Variable(_) | Self::Nowhere => None,
        }
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::File { file, span } => Some(file.line_at(span.start)),
            Self::Variable(_) | Self::Nowhere => None,
        }
    }

    /// The column, in code points from 1.
    pub fn column(&self) -> Option<usize> {
        match self {
            Self::File { file, span } => Some(file.column_at(span.start)),
            Self::Variable(_) | Self::Nowhere => None,
        }
    }

    /// Shown as `FILE:LINE`.
    pub fn file_and_line(&self) -> String {
        match self {
            Self::File { file, span } => format!("{}:{}", file.path.display(), file.line_at(span.start)),
            Self::Variable(_) | Self::Nowhere => self.to_string(),
        }
    }
}

impl fmt::Display for Place {
    /// Shown as `FILE:LINE:COL`, or what else it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, span } => {
                write!(
                    f,
                    "{}:{}:{}",
                    file.path.display(),
                    file.line_at(span.start),
                    file.column_at(span.start)
                )
            }
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Nowhere => f.write_str("wirewatch"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_code_points() {
        let file = SourceFile::new("a.toml".into(), "a = 1\r\nü = 2\n\nlast".into(), Vec::new());
        assert_eq!((file.line_at(0), file.column_at(0)), (1, 1));
        assert_eq!(&file.text()[file.line_range(1)], "a = 1");
        assert_eq!((file.line_at(10), file.column_at(10)), (2, 3));
        assert_eq!(&file.text()[file.line_range(3)], "");
        assert_eq!(&file.text()[file.line_range(4)], "last");
        assert_eq!((file.line_at(19), file.column_at(19)), (4, 5));
    }
}
