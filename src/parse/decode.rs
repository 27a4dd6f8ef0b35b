//! Bytes to characters.
//!
//! The order is that of RFC 7303 §3: byte order mark, `Content-Type`, XML declaration, UTF-8. A label that
//! lies is overruled by bytes that are valid UTF-8, which other character sets produce only by a rare accident.
//! What is neither labelled nor UTF-8 is guessed from the frequencies of its letters.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::repair::{Repair, Repairs};

/// How far into a document its XML declaration is looked for.
const PROLOG_BYTES: usize = 1024;

/// Decodes a document; what is no character becomes U+FFFD.
pub(super) fn decode<'a>(body: &'a [u8], content_type: Option<&str>, repairs: &mut Repairs) -> Cow<'a, str> {
    if let Some(text) = wide(body) {
        return Cow::Owned(text);
    }
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        return by_label(encoding, &body[mark..], repairs);
    }
    let labels = [content_type.and_then(header_charset), prolog_charset(body)];
    let known = labels.iter().flatten().find_map(|label| Encoding::for_label(label.as_bytes()));
    if let Ok(text) = std::str::from_utf8(body) {
        // Escape sequences are valid UTF-8 too, and mean nothing there.
        if let Some(encoding) = known.filter(|encoding| !encoding.is_ascii_compatible()) {
            if body.contains(&0x1b) {
                return by_label(encoding, body, repairs);
            }
            repairs.add(Repair::Charset);
        }
        if let Some(undone) = twice_encoded(text, TWICE_ENCODED) {
            repairs.add(Repair::Charset);
            return Cow::Owned(undone);
        }
        repairs.add_if(known.is_some_and(|known| known != UTF_8) && !body.is_ascii(), Repair::Charset);
        return Cow::Borrowed(text);
    }
    let candidates = labels.iter().flatten().filter_map(|label| Encoding::for_label(label.as_bytes()));
    for encoding in candidates.filter(|&encoding| encoding != UTF_8 && encoding.is_ascii_compatible()) {
        if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(body) {
            return text;
        }
    }
    if is_mostly_utf8(body) {
        repairs.add(Repair::InvalidBytes);
        return Cow::Owned(mend_utf8(body));
    }
    repairs.add(Repair::Charset);
    by_label(guess(body), body, repairs)
}

fn by_label<'a>(encoding: &'static Encoding, body: &'a [u8], repairs: &mut Repairs) -> Cow<'a, str> {
    let (text, broken) = encoding.decode_without_bom_handling(body);
    repairs.add_if(broken, Repair::InvalidBytes);
    text
}

/// Decodes what consists of two- or four-byte units and says so by its byte order mark or its first `<`.
fn wide(body: &[u8]) -> Option<String> {
    let head: [u8; 4] = body.get(..4)?.try_into().ok()?;
    let four = |unit: fn([u8; 4]) -> u32, body: &[u8]| -> String {
        let units = body.chunks_exact(4).map(|b| unit([b[0], b[1], b[2], b[3]]));
        units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    let two = |encoding: &'static Encoding| encoding.decode_without_bom_handling(body).0.into_owned();
    match head {
        [0, 0, 0xfe, 0xff] => Some(four(u32::from_be_bytes, &body[4..])),
        [0xff, 0xfe, 0, 0] => Some(four(u32::from_le_bytes, &body[4..])),
        [0, 0, 0, b'<'] => Some(four(u32::from_be_bytes, body)),
        [b'<', 0, 0, 0] => Some(four(u32::from_le_bytes, body)),
        [0, b'<' | b'{', 0, _] => Some(two(UTF_16BE)),
        [b'<' | b'{', 0, _, 0] => Some(two(UTF_16LE)),
        _ => None,
    }
}

/// The `charset` of a `Content-Type`.
fn header_charset(content_type: &str) -> Option<String> {
    let parameter = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    })?;
    Some(parameter.trim().trim_matches(['"', '\'']).to_owned())
}

/// The `encoding` of an XML declaration, which may stand behind junk.
fn prolog_charset(body: &[u8]) -> Option<String> {
    let head = &body[..body.len().min(PROLOG_BYTES)];
    let from = memchr::memmem::find(head, b"<?xml")?;
    let declaration = &head[from..];
    let declaration = &declaration[..memchr::memchr(b'>', declaration)?];
    let at = memchr::memmem::find(declaration, b"encoding")?;
    let value = String::from_utf8_lossy(&declaration[at + 8..]).into_owned();
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next().map(|label| label.trim().to_owned())
}

/// How many characters must come out right before a document is taken for encoded twice.
const TWICE_ENCODED: usize = 4;

/// The same for a single text of a document.
pub(super) const TWICE_ENCODED_IN_TEXT: usize = 2;

/// Undoes UTF-8 that was taken for windows-1252 and encoded once more (`Ã¼` for `ü`), where that is so of
/// every character of the document that is not ASCII, and at least `least` come out. A text that merely quotes such
/// letters has others, too.
pub(super) fn twice_encoded(text: &str, least: usize) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let suspicious = |pair: &[u8]| memchr::memmem::find(text.as_bytes(), pair).is_some();
    if !["Ã", "â€", "Â", "Ð", "Ñ"].iter().any(|sign| suspicious(sign.as_bytes())) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        if let Ok(byte) = u8::try_from(character) {
            bytes.push(byte);
            continue;
        }
        let mut buffer = [0; 4];
        let (byte, _, unknown) = WINDOWS_1252.encode(character.encode_utf8(&mut buffer));
        let [byte] = *byte else { return None };
        if unknown {
            return None;
        }
        bytes.push(byte);
    }
    let undone = String::from_utf8(bytes).ok()?;
    (undone.chars().filter(|c| !c.is_ascii()).count() >= least).then_some(undone)
}

/// Whether the body has more characters of several bytes that are valid UTF-8 than places that are not.
fn is_mostly_utf8(body: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0_usize, 0_usize);
    for chunk in body.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    valid > invalid
}

/// Decodes UTF-8 with foreign bytes in it, which are nearly always pasted from windows-1252.
fn mend_utf8(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len() + 64);
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    text
}

/// How much of a document its letters are counted in, from the first that is not ASCII on.
const GUESSED_FROM: usize = 1 << 20;

fn guess(body: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    // The words around count, too.
    let first = body.iter().position(|byte| !byte.is_ascii() || *byte == 0x1b).unwrap_or_default();
    let body = &body[first.saturating_sub(64)..];
    detector.feed(&body[..body.len().min(GUESSED_FROM)], true);
    detector.guess(None, Utf8Detection::Deny)
}
