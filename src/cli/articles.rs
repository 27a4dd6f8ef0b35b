//! `articles list · search · show`.

use std::fmt::Write as _;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::listings::ListArgs;
use super::output::{Cell, clean, complain, print, print_json, relative, table};
use super::{Global, Outcome, listings, wire};
use crate::clock::SystemClock;
use crate::domain::{ArticleKey, Timestamp};
use crate::matching::search::Search;
use crate::ports::Clock as _;
use crate::ports::reads::ArticleRow;
use crate::ports::search::{ArticleDetail, Found, Search as _};

/// What can be done with articles.
#[derive(Debug, Subcommand)]
pub(super) enum ArticlesCommand {
    /// List stored articles, newest first
    List(ListArgs),
    /// Look for words in the stored articles, newest first
    Search(SearchArgs),
    /// Show one article: its text, what it said before, where it was seen, which alerts it raised
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// What to look for: words, all of which must occur, in any spelling (resume finds résumé, 朝鮮 finds 朝鲜);
    /// "phrases" in quotes, beginnings with a star (soldier*), and, behind `--`, -words that must not
    /// occur
    #[arg(required = true)]
    words: Vec<String>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The article, `art_…`
    id: ArticleKey,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs one of them.
pub(super) async fn run(global: &Global, command: &ArticlesCommand) -> anyhow::Result<Outcome> {
    match command {
        ArticlesCommand::List(args) => listings::articles(global, args).await,
        ArticlesCommand::Search(args) => search(global, args).await,
        ArticlesCommand::Show(args) => show(global, args).await,
    }
}

/// An article that was found, and where.
#[derive(Debug, Serialize)]
struct Hit {
    #[serde(flatten)]
    row: ArticleRow,
    /// The text around the first place.
    excerpt: String,
    /// The places in title and text, at most [`SPANS`].
    spans: Vec<Place>,
}

/// A place that was found.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Place {
    /// `title` or `body`.
    field: &'static str,
    /// First code point.
    start: usize,
    /// One past the last.
    end: usize,
    /// What stands there.
    text: String,
}

/// Places named of one article.
const SPANS: usize = 100;

/// Characters shown before the first place that was found, and in all.
const BEFORE: usize = 60;
const SHOWN: usize = 240;

async fn search(global: &Global, args: &SearchArgs) -> anyhow::Result<Outcome> {
    let search = match Search::parse(&args.words.join(" ")) {
        Ok(search) => search,
        Err(problem) => {
            complain(&format!("wirewatch: {problem}"));
            return Ok(Outcome::WrongUse);
        }
    };
    let store = wire::reading_store(global)?;
    let found = store.search(search.expression(), args.list.page()).await?;
    let missing = store.count_unindexed().await?;
    if missing > 0 {
        complain(&format!(
            "{missing} articles are not indexed yet and were not looked through; `wirewatch run` indexes them in \
             the background"
        ));
    }
    if args.list.json {
        let hits: Vec<Hit> = found.into_iter().map(|found| hit(&search, found)).collect();
        print_json(&hits)?;
        return Ok(Outcome::Fine);
    }
    if found.is_empty() {
        print("nothing found\n")?;
        return Ok(Outcome::Fine);
    }
    let now = SystemClock.now();
    print(&found.iter().map(|found| block(&search, found, now)).collect::<Vec<_>>().join("\n"))?;
    Ok(Outcome::Fine)
}

fn hit(search: &Search, found: Found) -> Hit {
    let Found { row, text } = found;
    let in_body = search.places(&text);
    let window = window(&text, &in_body);
    let excerpt = clean(text[window].trim());
    let mut spans = spans("title", &row.title, &search.places(&row.title));
    spans.extend(self::spans("body", &text, &in_body));
    spans.truncate(SPANS);
    Hit { row, excerpt, spans }
}

fn spans(field: &'static str, text: &str, places: &[Range<usize>]) -> Vec<Place> {
    let (mut at, mut points) = (0, 0);
    let mut spans = Vec::with_capacity(places.len());
    for place in places {
        points += text[at..place.start].chars().count();
        let length = text[place.clone()].chars().count();
        spans.push(Place {
            field,
            start: points,
            end: points + length,
            text: text[place.clone()].to_owned(),
        });
        (at, points) = (place.end, points + length);
    }
    spans
}

/// The part of a text to show: around the first place, else its beginning.
fn window(text: &str, places: &[Range<usize>]) -> Range<usize> {
    let first = places.first().map_or(0, |place| place.start);
    let back = text[..first].char_indices().rev().take(BEFORE).last().map_or(first, |(at, _)| at);
    // From the beginning of a word on, where there are words.
    let start = match text[back..first].find(char::is_whitespace) {
        Some(space) if back > 0 => back + space,
        _ => back,
    };
    let end = text[start..].char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| start + at);
    start..end
}

/// A text with the places marked, one line, safe for a terminal.
fn marked(text: &str, window: Range<usize>, places: &[Range<usize>]) -> String {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    let mut out = String::new();
    if window.start > 0 {
        out.push('…');
    }
    let mut at = window.start;
    for place in places.iter().filter(|place| place.start >= window.start && place.end <= window.end) {
        out.push_str(&clean(&text[at..place.start]));
        let _infallible = write!(out, "{style}{}{style:#}", clean(&text[place.clone()]));
        at = place.end;
    }
    out.push_str(&clean(&text[at..window.end]));
    if window.end < text.len() {
        out.push('…');
    }
    out
}

/// An article that was found, for people.
fn block(search: &Search, found: &Found, now: Timestamp) -> String {
    let Found { row, text } = found;
    let title = marked(&row.title, 0..row.title.len(), &search.places(&row.title));
    let mut out =
        format!("{title}\n  {}  {}  {}\n", row.id, row.feed, relative(Some(row.first_seen_at), now));
    let places = search.places(text);
    let excerpt = marked(text, window(text, &places), &places);
    for line in [Some(excerpt), row.link.as_deref().map(clean)].into_iter().flatten() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() {
            let _infallible = writeln!(out, "  {line}");
        }
    }
    out
}

async fn show(global: &Global, args: &Show) -> anyhow::Result<Outcome> {
    let Some(detail) = wire::reading_store(global)?.show_article(args.id).await? else {
        bail!("there is no article {}; `wirewatch articles list` names them", args.id);
    };
    if args.json {
        print_json(&detail)?;
    } else {
        print(&described(&detail, SystemClock.now()))?;
    }
    Ok(Outcome::Fine)
}

fn described(detail: &ArticleDetail, now: Timestamp) -> String {
    let ArticleDetail { row, text, authors, categories, revisions, sightings, alerts } = detail;
    let mut out = format!("{}: {}\n", row.id, clean(&row.title));
    let list = |words: &[String]| (!words.is_empty()).then(|| words.join(", "));
    let lines = [
        ("link", row.link.clone()),
        ("guid", row.guid.clone()),
        ("published", row.published_at.map(|at| format!("{at}, {}", relative(Some(at), now)))),
        ("first seen", Some(format!("{}, {}", row.first_seen_at, relative(Some(row.first_seen_at), now)))),
        ("changed", (row.revision > 1).then(|| relative(row.updated_at, now))),
        ("language", row.lang.clone()),
        ("authors", list(authors)),
        ("categories", list(categories)),
        ("silent", row.suppressed.map(|why| why.as_str().to_owned())),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            let _infallible = writeln!(out, "  {name:<11}{}", clean(&value));
        }
    }
    out.push('\n');
    // Its paragraphs stay.
    out.extend(text.lines().map(|line| format!("{}\n", clean(line))));
    out.push_str("\nseen in\n");
    let cells: Vec<Vec<Cell>> = sightings
        .iter()
        .map(|seen| {
            vec![
                Cell::new(seen.feed.as_str()),
                Cell::new(relative(Some(seen.first_seen_at), now)),
                Cell::new(relative(Some(seen.last_listed_at), now)),
            ]
        })
        .collect();
    out.push_str(&table(&["FEED", "FIRST", "LAST LISTED"], &cells, "  nowhere any more"));
    for former in revisions {
        let _infallible = writeln!(
            out,
            "\nuntil {}, {} (revision {})\n{}",
            former.until,
            relative(Some(former.until), now),
            former.revision,
            clean(&former.title)
        );
        out.extend(former.text.lines().map(|line| format!("{}\n", clean(line))));
    }
    out.push_str("\nalerts\n");
    let cells: Vec<Vec<Cell>> = alerts
        .iter()
        .map(|alert| {
            vec![
                Cell::new(alert.id.to_string()),
                Cell::new(relative(Some(alert.created_at), now)),
                Cell::state(listings::alert_state(alert.state)),
                Cell::new(alert.topic.as_str()),
                Cell::new(alert.terms.join(", ")),
            ]
        })
        .collect();
    out.push_str(&table(&["ALERT", "RAISED", "STATE", "TOPIC", "MATCHED"], &cells, "  none"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_code_points_and_excerpts_begin_with_a_word() {
        let text = format!("{}그 북한군이 왔다. {}", "lead ".repeat(40), "tail ".repeat(80));
        let search = Search::parse("북한").expect("a word");
        let places = search.places(&text);
        let found = spans("body", &text, &places);
        assert_eq!(found, [Place { field: "body", start: 202, end: 204, text: "북한".to_owned() }]);
        let window = window(&text, &places);
        let shown = anstream::adapter::strip_str(&marked(&text, window, &places)).to_string();
        assert!(
            shown.starts_with("… lead") && shown.contains("그 북한군이") && shown.ends_with('…'),
            "{shown}"
        );
        assert_eq!(marked("a\u{1b}b", 0..3, &[]), "a\u{fffd}b");
    }
}
