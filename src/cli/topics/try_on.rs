//! `topics test`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::ask::place;
use super::forms::PAGE;
use crate::cli::output::{self, clean, print, print_json};
use crate::cli::progress::Progress;
use crate::cli::time::Since;
use crate::cli::{Global, Outcome, wire};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::config::settings::TopicSettings;
use crate::domain::article::Document;
use crate::domain::boilerplate::{in_any_feed, in_document};
use crate::domain::feed::Validators;
use crate::domain::fetch::FetchOutcome;
use crate::domain::topic::{Match, Matcher as _};
use crate::domain::{Timestamp, TopicId};
use crate::matching::{Clause, Explanation, compile, explain};
use crate::parse::{self, ParseContext};
use crate::ports::{Clock as _, Fetch as _, FetchRequest, Store as _};

#[derive(Debug, Args)]
pub(in crate::cli) struct TestArgs {
    /// The topic
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// A text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// Its headline
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    title: Option<String>,
    /// Its language as a BCP 47 tag; else it is detected
    #[arg(long, value_name = "TAG")]
    lang: Option<String>,
    /// A feed document, or any text, in a file; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "title"])]
    file: Option<PathBuf>,
    /// A feed on the network
    #[arg(long, value_name = "URL", conflicts_with_all = ["text", "title", "file"])]
    url: Option<String>,
    /// All stored articles: matches a day, and a sample
    #[arg(long, conflicts_with_all = ["text", "title", "file", "url"])]
    stored: bool,
    /// With --stored, only articles newer than this: 12h, 30d, or a date
    #[arg(long, value_name = "TIME", requires = "stored")]
    since: Option<Since>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What one text of several came to.
#[derive(Debug, Serialize)]
struct Answer {
    title: String,
    #[serde(flatten)]
    explanation: Explanation,
}

/// Tests a topic; [`Outcome::Wrong`] where nothing matches, or where one of its own tests fails.
pub(super) async fn run(global: &Global, args: &TestArgs) -> anyhow::Result<Outcome> {
    let settings = wire::settings(global)?;
    let id = TopicId::parse(&args.topic).map_err(|problem| anyhow::anyhow!("{}: {problem}", args.topic))?;
    let Some(topic) = settings.topics.get(&id) else {
        let known = settings.topics.keys().map(TopicId::as_str);
        let near = known.min_by_key(|known| strsim::damerau_levenshtein(known, &args.topic));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        output::complain(&format!("wirewatch: there is no topic `{}`{hint}", clean(&args.topic)));
        return Ok(Outcome::WrongUse);
    };
    if args.stored {
        return stored(global, args, &settings, &id, topic).await;
    }
    let texts = if let Some(path) = &args.file {
        read_file(path)?
    } else if let Some(url) = &args.url {
        fetch(&settings, url).await?
    } else if args.text.is_some() || args.title.is_some() {
        let some = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![Text { title: some(&args.title), plain: some(&args.text), ..Text::default() }]
    } else {
        return own_tests(&settings, topic, args.json);
    };
    let shown = texts.iter().map(|text| (text.title.as_str(), text.plain.as_str()));
    let boilerplate = in_document(shown, SystemClock.now());
    let mut answers = Vec::new();
    for (text, boilerplate) in texts.into_iter().zip(boilerplate) {
        let lang = args.lang.as_deref().or(text.lang.as_deref());
        let document = Document {
            title: &text.title,
            text: &text.plain,
            lang,
            url: text.link.as_deref(),
            authors: &text.authors,
            feeds: &[],
            tags: &[],
            boilerplate: &boilerplate,
        };
        let explanation = explain(&settings.concepts, &topic.spec, &document)
            .with_context(|| format!("topic {id} has errors; `wirewatch check` shows them"))?;
        answers.push(Answer { title: text.title, explanation });
    }
    show(&answers, args.json)
}

/// A text to be tested.
#[derive(Debug, Default)]
struct Text {
    title: String,
    plain: String,
    lang: Option<String>,
    link: Option<String>,
    authors: Vec<String>,
}

fn read_file(path: &std::path::Path) -> anyhow::Result<Vec<Text>> {
    let named = || format!("reading {}", path.display());
    let body = if path.as_os_str() == "-" {
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut body).with_context(named)?;
        body
    } else {
        std::fs::read(path).with_context(named)?
    };
    Ok(entries(&body, None, None).unwrap_or_else(|_| {
        vec![Text { plain: String::from_utf8_lossy(&body).into_owned(), ..Text::default() }]
    }))
}

fn entries(
    body: &[u8],
    content_type: Option<&str>,
    url: Option<&str>,
) -> Result<Vec<Text>, parse::ParseError> {
    let feed = parse::parse(body, &ParseContext { content_type, base_url: url })?;
    let lang = feed.lang;
    let texts = feed.entries.into_iter().map(|entry| Text {
        plain: entry.text(),
        title: entry.title,
        lang: entry.lang.or_else(|| lang.clone()),
        link: entry.link,
        authors: entry.authors,
    });
    Ok(texts.collect())
}

async fn fetch(settings: &Settings, url: &str) -> anyhow::Result<Vec<Text>> {
    let client = wire::fetcher(settings)?;
    let request =
        FetchRequest { url: url.to_owned(), validators: Validators::default(), headers: vec![], auth: None };
    match client.fetch(request).await {
        FetchOutcome::Fetched(fetched) => {
            let content_type = fetched.content_type.as_deref();
            entries(&fetched.body, content_type, Some(&fetched.final_url))
                .with_context(|| format!("reading {url}"))
        }
        // Nothing was sent that it could be unchanged against.
        FetchOutcome::Unchanged(_) => {
            anyhow::bail!("{url}: the server answered 304 to an unconditional request")
        }
        FetchOutcome::Throttled { status, .. } => {
            anyhow::bail!("{url}: the server asks to come back later ({status})")
        }
        FetchOutcome::Gone => anyhow::bail!("{url}: gone for good (410)"),
        FetchOutcome::Crowded { after } => {
            anyhow::bail!("{url}: the server asked to be left alone for another {} s", after.as_secs())
        }
        FetchOutcome::Failed(failure) => anyhow::bail!("{url}: {}", failure.message),
    }
}

fn show(answers: &[Answer], json: bool) -> anyhow::Result<Outcome> {
    let matched = answers.iter().filter(|answer| answer.explanation.matched).count();
    if json {
        print_json(&answers)?;
    } else {
        for answer in answers {
            print(&text_of(answer))?;
        }
        if answers.len() != 1 {
            print(&format!("{matched} of {} match\n", answers.len()))?;
        }
    }
    Ok(if matched > 0 { Outcome::Fine } else { Outcome::Wrong })
}

fn text_of(answer: &Answer) -> String {
    let explanation = &answer.explanation;
    let verdict = if explanation.matched { "match" } else { "no match" };
    let score = match (explanation.score, explanation.threshold) {
        (Some(score), Some(threshold)) => format!(", score {score} of the {threshold} needed"),
        _ => String::new(),
    };
    let title = if answer.title.is_empty() { String::new() } else { format!(": {}", clean(&answer.title)) };
    let mut out = format!("{verdict}{score}{title}\n");
    let shares = explanation.found.iter().flat_map(|found: &Match| found.facets.iter().flatten());
    for share in shares {
        out.extend([format!("  share {:.2}  {}\n", share.share, one_line(&share.query))]);
    }
    clause(&explanation.clause, 1, &mut out);
    out.push_str(&super::passed_over(&explanation.boilerplate));
    out
}

/// How deep clauses are shown.
const DEPTH: usize = 12;

/// A clause, and of its parts those that say why: of one that holds the parts that hold, of one that fails all parts,
/// unless they are nothing but words that are not there.
fn clause(part: &Clause, depth: usize, out: &mut String) {
    let sign = if part.holds { '✓' } else { '✗' };
    let indent = "  ".repeat(depth);
    let query = if part.query.is_empty() { "all of:".to_owned() } else { one_line(&part.query) };
    out.extend([format!("{indent}{sign} {query}\n")]);
    let telling: Vec<&Clause> = part.parts.iter().filter(|inner| inner.holds || !part.holds).collect();
    let absent = |inner: &&Clause| !inner.holds && inner.parts.is_empty();
    if part.parts.is_empty() || depth >= DEPTH {
        out.extend(part.spans.iter().map(|span| format!("{indent}{}", place(span))));
    } else if part.query.is_empty() || !telling.iter().all(absent) {
        for inner in telling {
            clause(inner, depth + 1, out);
        }
    }
}

/// The most characters of a query that are shown.
const QUERY: usize = 160;

/// A query on one line.
fn one_line(query: &str) -> String {
    let line = clean(&query.split_whitespace().collect::<Vec<_>>().join(" "));
    if line.chars().count() <= QUERY {
        return line;
    }
    line.chars().take(QUERY - 1).chain(['…']).collect()
}

// --- the topic's own tests -------------------------------------------------------------------------------------

#[derive(Debug, Serialize)]
struct Tested<'a> {
    text: &'a str,
    expect: &'static str,
    passed: bool,
}

fn own_tests(settings: &Settings, topic: &TopicSettings, json: bool) -> anyhow::Result<Outcome> {
    let word = |matches: bool| if matches { "match" } else { "no match" };
    let mut rows = Vec::new();
    for test in &topic.tests {
        let authors: Vec<String> = test.author.iter().cloned().collect();
        let feeds: Vec<String> = test.feed.iter().cloned().collect();
        let document = Document {
            title: test.title.as_deref().unwrap_or_default(),
            text: &test.text,
            lang: test.lang.as_deref(),
            url: test.url.as_deref(),
            authors: &authors,
            feeds: &feeds,
            tags: &test.tags,
            boilerplate: &in_any_feed(&test.text),
        };
        let explanation = explain(&settings.concepts, &topic.spec, &document);
        let passed = explanation.is_some_and(|explanation| explanation.matched == test.expect_match);
        rows.push(Tested { text: &test.text, expect: word(test.expect_match), passed });
    }
    let failed = rows.iter().filter(|row| !row.passed).count();
    if json {
        print_json(&rows)?;
    } else {
        for row in &rows {
            let sign = if row.passed { '✓' } else { '✗' };
            print(&format!("{sign} {:<8}  {}\n", row.expect, clean(row.text)))?;
        }
        print(&format!("{} tests, {failed} failed\n", rows.len()))?;
    }
    Ok(if failed == 0 { Outcome::Fine } else { Outcome::Wrong })
}

// --- stored articles -------------------------------------------------------------------------------------------

/// How many matches are shown.
const SAMPLE: usize = 10;

#[derive(Debug, Serialize)]
struct History {
    articles: u64,
    matches: u64,
    days: BTreeMap<String, u64>,
    sample: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    article: String,
    title: String,
    first_seen_at: Timestamp,
    score: Option<u8>,
    terms: Vec<String>,
}

async fn stored(
    global: &Global,
    args: &TestArgs,
    settings: &Settings,
    id: &TopicId,
    topic: &TopicSettings,
) -> anyhow::Result<Outcome> {
    let set = compile(&settings.concepts, std::slice::from_ref(&topic.spec)).set;
    anyhow::ensure!(!set.is_empty(), "topic {id} has errors; `wirewatch check` shows them");
    let store = wire::reading_store(global)?;
    let since = args.since.map(|since| since.instant(SystemClock.now()));
    let mut progress = Progress::new("articles", since);
    let mut history = History { articles: 0, matches: 0, days: BTreeMap::new(), sample: Vec::new() };
    let mut after = 0;
    loop {
        let page = store.read_texts(since, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        for stored in &page {
            history.articles += 1;
            progress.at(history.articles, stored.first_seen_at);
            let day: String = stored.first_seen_at.to_string().chars().take(10).collect();
            let matches = history.days.entry(day).or_default();
            let tags = super::tags(settings, &stored.feeds);
            for found in set.matches(&super::document(stored, &tags)) {
                *matches += 1;
                history.matches += 1;
                // The newest ones.
                if history.sample.len() == SAMPLE {
                    history.sample.remove(0);
                }
                let mut terms: Vec<String> = found.found.spans.into_iter().map(|span| span.text).collect();
                terms.dedup();
                history.sample.push(Found {
                    article: stored.id.to_string(),
                    title: stored.title.clone(),
                    first_seen_at: stored.first_seen_at,
                    score: found.found.score,
                    terms,
                });
            }
        }
    }
    progress.end();
    if args.json {
        print_json(&history)?;
    } else {
        print(&told(&history))?;
    }
    Ok(if history.matches > 0 { Outcome::Fine } else { Outcome::Wrong })
}

fn told(history: &History) -> String {
    let mut out = format!("{} of {} stored articles match\n", history.matches, history.articles);
    let most = history.days.values().max().copied().unwrap_or(0).max(1);
    for (day, matches) in &history.days {
        let bar = "█".repeat(usize::try_from(matches * 40 / most).unwrap_or(0));
        out.extend([format!("  {day} {matches:>6} {bar}\n")]);
    }
    if !history.sample.is_empty() {
        out.push_str("newest matches:\n");
    }
    for found in history.sample.iter().rev() {
        let score = found.score.map(|score| format!(" [{score}]")).unwrap_or_default();
        let terms = clean(&found.terms.join(", "));
        out.extend([format!("  {}{score} {}  ← {terms}\n", found.first_seen_at, clean(&found.title))]);
    }
    out
}
