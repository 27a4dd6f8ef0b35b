//! JSON that its grammar refuses, mended where its meaning is plain.
//!
//! Other readers take most of this: halves of characters that a program cut in two, line breaks inside texts, commas
//! with nothing behind, words of JavaScript. Of a document that breaks off, the items that are whole are kept.

/// Longer numbers and words are nobody's.
const WORD_BYTES: usize = 64;

/// What became of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mended {
    /// What is JSON now, as far as can be told.
    pub(super) text: String,
    /// Whether the document broke off.
    pub(super) cut: bool,
}

/// Mends the first object of a text; `None` where it is beyond that.
pub(super) fn mend(text: &str) -> Option<Mended> {
    let mut mender = Mender {
        rest: text,
        out: String::with_capacity(text.len()),
        open: Vec::new(),
        comma: false,
        whole: None,
    };
    while !mender.rest.is_empty() {
        mender.token()?;
        if mender.open.is_empty() {
            return Some(Mended { text: mender.out, cut: false });
        }
    }
    let whole = mender.whole?;
    mender.out.truncate(whole);
    mender.out.push_str("]}");
    Some(Mended { text: mender.out, cut: true })
}

struct Mender<'a> {
    rest: &'a str,
    out: String,
    /// The brackets that are open.
    open: Vec<u8>,
    /// Whether a comma waits for something to stand behind it.
    comma: bool,
    /// Where the last whole object of a list of the outermost object ends.
    whole: Option<usize>,
}

impl Mender<'_> {
    /// Passes over one token; `None` where nothing sensible begins.
    fn token(&mut self) -> Option<()> {
        self.rest = self.rest.trim_start();
        let Some(&first) = self.rest.as_bytes().first() else { return Some(()) };
        match first {
            b'{' | b'[' => {
                self.before();
                self.open.push(first);
                self.copy(1);
            }
            b'}' | b']' => self.close(first)?,
            b',' => {
                self.comma = !self.out.ends_with(['{', '[']);
                self.skip(1);
            }
            b':' => self.copy(1),
            b'"' => {
                self.before();
                self.copy(1);
                self.string();
            }
            _ => self.word()?,
        }
        Some(())
    }

    fn close(&mut self, bracket: u8) -> Option<()> {
        let opened = self.open.pop()?;
        if (opened, bracket) != (b'{', b'}') && (opened, bracket) != (b'[', b']') {
            return None;
        }
        self.comma = false;
        self.copy(1);
        if bracket == b'}' && self.open == b"{[" {
            self.whole = Some(self.out.len());
        }
        Some(())
    }

    /// The comma that waited has something behind it.
    fn before(&mut self) {
        if std::mem::take(&mut self.comma) {
            self.out.push(',');
        }
    }

    /// Copies a text up to its end, or the document's.
    fn string(&mut self) {
        let is_special = |c: char| matches!(c, '"' | '\\' | '\0'..='\u{1f}');
        loop {
            let at = self.rest.find(is_special).unwrap_or(self.rest.len());
            self.copy(at);
            match self.rest.as_bytes().first() {
                None => return,
                Some(b'"') => return self.copy(1),
                Some(b'\\') => self.escape(),
                Some(control) => {
                    self.out.push_str(match control {
                        b'\n' => "\\n",
                        b'\r' => "\\r",
                        b'\t' => "\\t",
                        _ => "",
                    });
                    self.skip(1);
                }
            }
        }
    }

    /// Copies what a backslash begins; one that begins nothing is dropped, half of a character is replaced.
    fn escape(&mut self) {
        match self.rest.as_bytes().get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.copy(2),
            Some(b'u') => match (unit(self.rest), self.rest.get(6..).and_then(unit)) {
                (None, _) => self.skip(1),
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => self.copy(12),
                (Some(0xd800..=0xdfff), _) => {
                    self.out.push('\u{fffd}');
                    self.skip(6);
                }
                (Some(_), _) => self.copy(6),
            },
            _ => self.skip(1),
        }
    }

    /// Copies a number, `true`, `false` or `null`; another word is none of JSON and stands for nothing.
    fn word(&mut self) -> Option<()> {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_' | '$'));
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let word = self.rest.get(..length).filter(|word| !word.is_empty())?;
        let is_number = word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
        let is_known = matches!(word, "true" | "false" | "null") || is_number && word.len() <= WORD_BYTES;
        self.before();
        self.out.push_str(if is_known { word } else { "null" });
        self.skip(length);
        Some(())
    }

    fn copy(&mut self, bytes: usize) {
        let (head, rest) = self.rest.split_at(bytes);
        self.out.push_str(head);
        self.rest = rest;
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }
}

/// The unit of UTF-16 that stands at the beginning as `\uXXXX`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str, cut: bool) {
        assert_eq!(mend(text), Some(Mended { text: expected.to_owned(), cut }));
        serde_json::from_str::<serde_json::Value>(expected).unwrap();
    }

    #[test]
    fn what_is_meant_is_plain() {
        check(r#"{"a":"x \ud83d"}"#, "{\"a\":\"x \u{fffd}\"}", false);
        check(r#"{"a":"\ud83d\ude00\udc00"}"#, "{\"a\":\"\\ud83d\\ude00\u{fffd}\"}", false);
        check("{\"a\":\"x\ny\u{1}\"}", r#"{"a":"x\ny"}"#, false);
        check(r#"{"a":"it\'s \x \u12"}"#, r#"{"a":"it's x u12"}"#, false);
        check(r#"{"a":[1,2,],,"b":[,],}"#, r#"{"a":[1,2],"b":[]}"#, false);
        check(
            r#"{"a":NaN,"b":-Infinity,"c":-1.5e3,"d":true} trailing"#,
            r#"{"a":null,"b":null,"c":-1.5e3,"d":true}"#,
            false,
        );
    }

    #[test]
    fn what_is_whole_is_kept() {
        let whole = r#"{"items":[{"id":"1","tags":["a",{}]}"#;
        for end in
            ["", ",", r#",{"id":"2","author":{"name":"N"},"title":"B"#, r#",{"id":"\"#, "],\"title\":\"T"]
        {
            check(&format!("{whole}{end}"), &format!("{whole}]}}"), true);
        }
        for nothing in ["", "{", r#"{"items":[{"id":"1""#, r#"{"a":1]"#, "{?", "}"] {
            assert_eq!(mend(nothing), None, "{nothing}");
        }
    }
}
