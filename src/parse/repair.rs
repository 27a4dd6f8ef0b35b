//! What was wrong with a document and was put right.

use serde::Serialize;

/// A remedy that a document needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// The declared character set is not the real one, or none was declared and it is not UTF-8.
    Charset,
    /// Some bytes are no characters of the document's character set.
    InvalidBytes,
    /// Something stands before the XML or JSON begins.
    LeadingJunk,
    /// Control characters that XML forbids.
    ControlCharacters,
    /// A `&` that starts no reference.
    BareAmpersand,
    /// A name of HTML (`&nbsp;`) that XML does not know.
    HtmlEntity,
    /// A root element without a version, or with one that does not exist.
    RootVersion,
    /// The feed is not the root of its document.
    EmbeddedFeed,
    /// A namespace that is missing, misspelt or not the dialect's own.
    Namespace,
    /// An element written in the wrong case.
    ElementCase,
    /// An entry where none may stand.
    MisplacedEntry,
    /// HTML in a text that is neither escaped nor declared.
    UnescapedHtml,
    /// HTML that was escaped twice.
    DoublyEscaped,
    /// A type of text that does not exist.
    TextType,
    /// End tags that are missing or match nothing.
    MismatchedTags,
    /// The document breaks off; what is whole is kept.
    Truncated,
    /// A date in a form that no standard knows.
    OddDate,
    /// JSON whose members have the wrong type, or that lacks some, or that breaks its grammar.
    LooseJson,
    /// A bound of ours cut entries or texts.
    Cut,
}

impl Repair {
    /// All repairs.
    pub const ALL: [Self; 19] = [
        Self::Charset,
        Self::InvalidBytes,
        Self::LeadingJunk,
        Self::ControlCharacters,
        Self::BareAmpersand,
        Self::HtmlEntity,
        Self::RootVersion,
        Self::EmbeddedFeed,
        Self::Namespace,
        Self::ElementCase,
        Self::MisplacedEntry,
        Self::UnescapedHtml,
        Self::DoublyEscaped,
        Self::TextType,
        Self::MismatchedTags,
        Self::Truncated,
        Self::OddDate,
        Self::LooseJson,
        Self::Cut,
    ];

    /// The word for it in metrics and listings; it never changes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Charset => "charset",
            Self::InvalidBytes => "invalid_bytes",
            Self::LeadingJunk => "leading_junk",
            Self::ControlCharacters => "control_characters",
            Self::BareAmpersand => "bare_ampersand",
            Self::HtmlEntity => "html_entity",
            Self::RootVersion => "root_version",
            Self::EmbeddedFeed => "embedded_feed",
            Self::Namespace => "namespace",
            Self::ElementCase => "element_case",
            Self::MisplacedEntry => "misplaced_entry",
            Self::UnescapedHtml => "unescaped_html",
            Self::DoublyEscaped => "doubly_escaped",
            Self::TextType => "text_type",
            Self::MismatchedTags => "mismatched_tags",
            Self::Truncated => "truncated",
            Self::OddDate => "odd_date",
            Self::LooseJson => "loose_json",
            Self::Cut => "cut",
        }
    }

    /// Whether something of the document may be lost in spite of the repair.
    pub const fn loses(self) -> bool {
        matches!(self, Self::InvalidBytes | Self::Truncated | Self::Cut)
    }

    /// What the publisher's document does wrong, in one sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Charset => "the character set is declared wrongly or not at all",
            Self::InvalidBytes => "some bytes are no characters and were replaced",
            Self::LeadingJunk => "something stands before the document begins",
            Self::ControlCharacters => "control characters were dropped",
            Self::BareAmpersand => "an ampersand is not escaped",
            Self::HtmlEntity => "a named character of HTML is used that XML does not know",
            Self::RootVersion => "the feed's version is missing or does not exist",
            Self::EmbeddedFeed => "the feed is wrapped in something else",
            Self::Namespace => "a namespace is missing or misspelt",
            Self::ElementCase => "an element is written in the wrong case",
            Self::MisplacedEntry => "entries stand where none may stand",
            Self::UnescapedHtml => "HTML inside a text is not escaped",
            Self::DoublyEscaped => "HTML inside a text is escaped twice",
            Self::TextType => "a text is declared with a type that does not exist",
            Self::MismatchedTags => "tags are left open or match nothing",
            Self::Truncated => "the document breaks off; what is whole was kept",
            Self::OddDate => "a date is written in a form no standard knows",
            Self::LooseJson => "the JSON is badly written, or its members are missing or have the wrong type",
            Self::Cut => "the document exceeds a bound and was cut",
        }
    }
}

/// The repairs one document needed, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repairs(u32);

impl Repairs {
    /// Notes a repair.
    pub(crate) fn add(&mut self, repair: Repair) {
        self.0 |= 1 << repair as u32;
    }

    /// Notes a repair where `needed`.
    pub(crate) fn add_if(&mut self, needed: bool, repair: Repair) {
        if needed {
            self.add(repair);
        }
    }

    /// The repairs in the order of [`Repair::ALL`].
    pub(crate) fn list(self) -> Vec<Repair> {
        Repair::ALL.into_iter().filter(|&repair| self.0 & (1 << repair as u32) != 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_repair_has_its_own_word_and_place() {
        for (place, repair) in Repair::ALL.into_iter().enumerate() {
            assert_eq!(repair as usize, place);
            assert_eq!(Repair::ALL.iter().filter(|other| other.word() == repair.word()).count(), 1);
            assert!(!repair.sentence().ends_with('.'));
        }
    }
}
