//! Markdown as Discord and Mattermost read it.

/// Writes a character so that Markdown sees no mark-up in it. A backslash works before each of these in
/// both services; before others Mattermost would show it.
pub(super) fn backslash(c: char, out: &mut String) -> bool {
    let special = matches!(
        c,
        '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '-' | '.' | '!' | '~' | '|'
    );
    if special {
        out.push('\\');
        out.push(c);
    }
    special
}
