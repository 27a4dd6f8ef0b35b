//! HTML to the text a reader sees.

/// Elements that begin a new paragraph.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "br",
    "li",
    "ul",
    "ol",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "tr",
    "table",
    "blockquote",
    "section",
    "article",
    "pre",
    "figure",
    "figcaption",
    "hr",
];

/// Elements whose content nobody reads.
const HIDDEN: &[&str] = &["script", "style", "template", "noscript", "iframe", "svg", "head"];

/// Turns HTML, or text without mark-up, into paragraphs separated by blank lines.
pub fn html_to_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        push_text(&mut out, &rest[..at]);
        let tag = &rest[at + 1..];
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!' || c == '?');
        let Some(end) = tag.find('>').filter(|_| is_tag) else {
            out.push('<');
            rest = tag;
            continue;
        };
        let inner = tag[..end].trim_start_matches('/');
        let name: String =
            inner.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        rest = &tag[end + 1..];
        if HIDDEN.contains(&name.as_str()) && !tag.starts_with('/') {
            let close = format!("</{name}");
            let lower = rest.to_ascii_lowercase();
            rest = lower
                .find(&close)
                .map_or("", |from| rest[from..].find('>').map_or("", |to| &rest[from + to + 1..]));
        } else if BLOCKS.contains(&name.as_str()) {
            out.push('\n');
        }
    }
    push_text(&mut out, rest);
    let paragraphs: Vec<String> = out
        .split('\n')
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect();
    paragraphs.join("\n\n")
}

fn push_text(out: &mut String, text: &str) {
    let text = htmlize::unescape(text);
    out.extend(
        text.chars().filter(|c| *c != '\u{ad}').map(|c| if c == '\n' || c.is_control() { ' ' } else { c }),
    );
}
