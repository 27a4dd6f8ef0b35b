//! What HTML's element names mean for text.

/// What an element does to the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Part of the line (`b`, `a`, `span`, …).
    Inline,
    /// Begins and ends a paragraph.
    Block,
    /// Sets its text apart by a space (`td`).
    Cell,
    /// A new line.
    Break,
    /// Has no content at all.
    Void,
    /// Its whole content is not shown.
    Hidden,
    /// Not shown, and not markup either: it ends only at its own end tag.
    RawText,
    /// Not an element of HTML.
    Unknown,
}

/// The longest name in the table.
const LONGEST: usize = 10;

/// Looks up an element by its name, whatever its case and prefix (`svg:svg`, `o:p`).
pub(super) fn role(name: &str) -> Role {
    let name = name.rsplit(':').next().unwrap_or(name);
    let mut buffer = [0; LONGEST];
    let Some(lower) = buffer.get_mut(..name.len()) else { return Role::Unknown };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    match &*lower {
        b"a" | b"abbr" | b"acronym" | b"b" | b"bdi" | b"bdo" | b"big" | b"blink" | b"button" | b"cite"
        | b"code" | b"data" | b"del" | b"dfn" | b"em" | b"font" | b"i" | b"ins" | b"kbd" | b"label"
        | b"map" | b"mark" | b"marquee" | b"meter" | b"nobr" | b"output" | b"picture" | b"progress"
        | b"q" | b"ruby" | b"s" | b"samp" | b"slot" | b"small" | b"span" | b"strike" | b"strong" | b"sub"
        | b"sup" | b"time" | b"tt" | b"u" | b"var" | b"video" | b"audio" | b"rb" | b"math" => Role::Inline,
        b"address" | b"article" | b"aside" | b"blockquote" | b"body" | b"caption" | b"center" | b"dd"
        | b"details" | b"dialog" | b"dir" | b"div" | b"dl" | b"dt" | b"fieldset" | b"figcaption"
        | b"figure" | b"footer" | b"form" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"header"
        | b"hgroup" | b"html" | b"legend" | b"li" | b"main" | b"menu" | b"nav" | b"ol" | b"p" | b"pre"
        | b"section" | b"search" | b"summary" | b"table" | b"tbody" | b"tfoot" | b"thead" | b"tr" | b"ul"
        | b"xmp" | b"listing" | b"hr" => Role::Block,
        b"td" | b"th" => Role::Cell,
        b"br" => Role::Break,
        b"area" | b"base" | b"basefont" | b"bgsound" | b"col" | b"colgroup" | b"embed" | b"frame"
        | b"img" | b"image" | b"input" | b"keygen" | b"link" | b"meta" | b"param" | b"source" | b"spacer"
        | b"track" | b"wbr" => Role::Void,
        b"applet" | b"canvas" | b"datalist" | b"head" | b"noembed" | b"noframes" | b"object"
        | b"optgroup" | b"option" | b"rp" | b"rt" | b"rtc" | b"select" | b"svg" | b"template" => Role::Hidden,
        b"script" | b"style" | b"iframe" | b"title" | b"textarea" => Role::RawText,
        _ => Role::Unknown,
    }
}

/// Whether `text` holds a tag of HTML, open or close.
pub(super) fn has_tag(text: &str) -> bool {
    // Nothing after the last `>` is a tag; looked for once, so that a text of open tags takes no square of its time.
    let end = memchr::memrchr(b'>', text.as_bytes()).map_or(0, |at| at + 1);
    let mut rest = &text[..end];
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        rest = &rest[at + 1..];
        let name = rest.strip_prefix('/').unwrap_or(rest);
        let end = name.bytes().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(name.len());
        if name[end..].starts_with(['>', '/', ' ', '\n', '\t']) && role(&name[..end]) != Role::Unknown {
            return true;
        }
    }
    memchr::memrchr(b'<', text.as_bytes()).is_some_and(|at| text[at..].starts_with("<!--"))
}
