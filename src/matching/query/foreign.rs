//! Operators of other tools, recognised to say what is written here instead.

use super::MAX_NEAR;

/// What to write instead of `text`, where it is an operator of another tool; `called`: an opening bracket stands right
/// behind it.
pub(super) fn foreign(text: &str, lower: &str, called: bool) -> Option<String> {
    suffix(text).or_else(|| if called { function(lower) } else { None }).or_else(|| proximity(lower))
}

/// `troops^2`, `troops~2`, `~5`, `deploy$3`.
fn suffix(text: &str) -> Option<String> {
    let number = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '.');
    if let Some((stem, weight)) = text.rsplit_once('^')
        && !weight.is_empty()
        && number(weight)
    {
        return Some(format!("a weight is written {stem}^^{weight}, in facets"));
    }
    if let Some((stem, distance)) = text.rsplit_once('~')
        && number(distance)
    {
        return Some(if stem.is_empty() {
            format!("`~` stands right behind a phrase in quotes; for groups write NEAR/{}", or_five(distance))
        } else {
            "misspellings are not looked for: list them with OR, or write a regular expression".to_owned()
        });
    }
    let (stem, letters) = text.rsplit_once('$')?;
    // US$5 is money.
    let plain = stem.len() >= 4 && stem.chars().all(char::is_lowercase);
    (plain && letters.len() == 1 && number(letters))
        .then(|| format!("write {stem}*, or /{stem}.{{0,{letters}}}/"))
}

fn or_five(number: &str) -> &str {
    if number.is_empty() { "5" } else { number }
}

/// `AROUND(5)`, `ATLEAST5(…)`, `HEADLINE(…)`: what stands before a bracket.
fn function(lower: &str) -> Option<String> {
    let name = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &lower[name.len()..];
    Some(match name {
        "around" => "write NEAR/n, with at most n words between".to_owned(),
        "atleast" if !number.is_empty() => format!("write MENTIONS/{number} (…) for that many mentions"),
        "headline" | "title" | "intitle" => "write title:(…)".to_owned(),
        "hlead" | "lead" => "write lead:(…)".to_owned(),
        "body" => "write body:(…)".to_owned(),
        "byline" | "author" => "write author:(…)".to_owned(),
        "allcaps" | "caps" | "nocaps" => "write ^ before a word to compare it letter by letter".to_owned(),
        "sent" | "sentence" => "write … NEAR/s …".to_owned(),
        "para" | "paragraph" => "write … NEAR/p …".to_owned(),
        _ => return None,
    })
}

/// Proximity operators of other tools, with what to write instead.
fn proximity(lower: &str) -> Option<String> {
    let name = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == '/' || c == 'f');
    let number: String = lower[name.len()..].chars().filter(char::is_ascii_digit).collect();
    let rest = &lower[name.len()..];
    if number.is_empty() || !(rest.contains('/') || matches!(name, "near" | "onear" | "adj")) {
        return None;
    }
    // Factiva counts positions: near5 has at most four words between.
    let fewer = || number.parse::<u64>().unwrap_or(u64::from(MAX_NEAR)).saturating_sub(1);
    match name {
        "near" if rest.ends_with('f') => Some(format!("write ONEAR/{number}")),
        "near" if !rest.contains('/') => {
            Some(format!("write NEAR/{} for at most that many words between", fewer()))
        }
        "onear" if !rest.contains('/') => Some(format!("write ONEAR/{number}")),
        "w" | "within" => Some(format!("write NEAR/{number}")),
        "pre" => Some(format!("write ONEAR/{number}")),
        "adj" => Some(format!("write ONEAR/{} for at most that many words between", fewer())),
        _ => None,
    }
}
