//! `topics match`.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::render;
use crate::cli::{Global, Outcome, output};
use crate::config::{self, Credentials, LoadRequest};
use crate::domain::article::Document;
use crate::domain::boilerplate::in_any_feed;
use crate::domain::topic::{ConceptSpec, Match, Span};
use crate::matching::{Diagnostic, Level, PassedOver, Trial};

#[derive(Debug, Args)]
pub(in crate::cli) struct MatchArgs {
    /// The query
    #[arg(long, short, value_name = "QUERY", allow_hyphen_values = true, required_unless_present = "batch")]
    query: Option<String>,
    /// The language of the text as a BCP 47 tag; else it is detected
    #[arg(long, value_name = "TAG", conflicts_with = "batch")]
    lang: Option<String>,
    /// The headline
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with = "batch")]
    title: Option<String>,
    /// The text; `-` reads it from stdin
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with = "batch")]
    text: Option<String>,
    /// Answer each line of this file, a JSON object {query, lang, title, text}, by a line; `-` is stdin
    #[arg(long, value_name = "FILE", requires = "json", conflicts_with = "query")]
    batch: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One question of a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Question {
    /// Repeated in no answer; for the asker's own use.
    #[serde(rename = "id")]
    _id: serde_json::Value,
    query: String,
    lang: Option<String>,
    title: Option<String>,
    text: Option<String>,
    url: Option<String>,
    author: Option<String>,
    feed: Option<String>,
    tags: Vec<String>,
}

/// An answer. `match` is null where the query cannot be used.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(rename = "match")]
    matched: Option<bool>,
    score: Option<u8>,
    spans: &'a [Span],
    /// What of the text was passed over.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    boilerplate: &'a [PassedOver],
    warnings: Vec<Remark<'a>>,
    errors: Vec<Remark<'a>>,
}

#[derive(Debug, Serialize)]
struct Remark<'a> {
    code: &'a str,
    message: &'a str,
    start: usize,
    end: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn new(trial: &'a Trial, made: &'a Made) -> Self {
        let found = made.found.as_ref();
        let of = |level| {
            let fits = trial.findings().iter().filter(move |finding| finding.level == level);
            fits.map(Remark::new).collect()
        };
        Self {
            matched: trial.is_usable().then_some(found.is_some()),
            score: found.and_then(|found| found.score),
            spans: found.map_or(&[], |found| &found.spans),
            boilerplate: &made.boilerplate,
            warnings: of(Level::Warning),
            errors: of(Level::Error),
        }
    }
}

impl<'a> Remark<'a> {
    fn new(finding: &'a Diagnostic) -> Self {
        Self {
            code: finding.code,
            message: &finding.message,
            start: finding.start,
            end: finding.end,
            help: finding.help.as_deref(),
        }
    }
}

/// Tries a query, or a batch of them.
pub(super) fn run(global: &Global, args: &MatchArgs) -> anyhow::Result<Outcome> {
    let concepts = concepts(global)?;
    if let Some(path) = &args.batch {
        return batch(path, &concepts);
    }
    let text = match args.text.as_deref() {
        Some("-") => std::io::read_to_string(std::io::stdin()).context("reading the text from stdin")?,
        text => text.unwrap_or_default().to_owned(),
    };
    let query = args.query.as_deref().unwrap_or_default();
    let question = Question {
        lang: args.lang.clone(),
        title: args.title.clone(),
        text: Some(text),
        ..Question::default()
    };
    let trial = Trial::new(query, &concepts);
    let made = on(&trial, &question);
    if args.json {
        output::print_json(&Answer::new(&trial, &made))?;
    } else {
        show(query, &trial, &made)?;
    }
    Ok(match (trial.is_usable(), made.found.is_some()) {
        (false, _) => Outcome::WrongUse,
        (true, true) => Outcome::Fine,
        (true, false) => Outcome::Wrong,
    })
}

/// Concepts are taken from a configuration only where one was named.
fn concepts(global: &Global) -> anyhow::Result<Vec<ConceptSpec>> {
    let Some(path) = &global.config else { return Ok(vec![]) };
    let request = LoadRequest::of_process(Some(path.clone()), Credentials::Optional);
    let loaded =
        config::load(&request).map_err(|report| anyhow::anyhow!("{}", report.render(false).trim_end()))?;
    Ok(loaded.settings.concepts)
}

/// What a query makes of a text.
#[derive(Debug, Default)]
struct Made {
    found: Option<Match>,
    boilerplate: Vec<PassedOver>,
}

fn on(trial: &Trial, question: &Question) -> Made {
    let some = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
    let (authors, feeds) = (some(&question.author), some(&question.feed));
    let text = question.text.as_deref().unwrap_or_default();
    let document = Document {
        title: question.title.as_deref().unwrap_or_default(),
        text,
        lang: question.lang.as_deref().filter(|lang| !lang.is_empty()),
        url: question.url.as_deref(),
        authors: &authors,
        feeds: &feeds,
        tags: &question.tags,
        boilerplate: &in_any_feed(text),
    };
    Made { found: trial.on(&document), boilerplate: PassedOver::of(&document) }
}

fn show(query: &str, trial: &Trial, made: &Made) -> anyhow::Result<()> {
    let colour = std::io::stderr().is_terminal();
    if !trial.findings().is_empty() {
        output::complain(&render::findings(query, trial.findings(), colour));
    }
    let text = match (trial.is_usable(), &made.found) {
        (false, _) => return Ok(()),
        (true, None) => "no match\n".to_owned(),
        (true, Some(found)) => {
            let spans: Vec<String> = found.spans.iter().map(place).collect();
            format!("match\n{}", spans.concat())
        }
    };
    Ok(output::print(&(text + &super::passed_over(&made.boilerplate)))?)
}

/// A span on a line.
pub(in crate::cli) fn place(span: &Span) -> String {
    let field = match span.field {
        crate::domain::topic::Field::Title => "title",
        crate::domain::topic::Field::Body => "body",
    };
    let concept = span.concept.as_ref().map(|concept| format!(" (@{concept})")).unwrap_or_default();
    let (text, term) = (output::clean(&span.text), output::clean(&span.term));
    format!("  {field} {}–{}: {text}  ← {term}{concept}\n", span.start, span.end)
}

/// How many queries of a batch are kept compiled.
const KEPT: usize = 256;

fn batch(path: &std::path::Path, concepts: &[ConceptSpec]) -> anyhow::Result<Outcome> {
    let input: Box<dyn std::io::BufRead> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("reading {}", path.display()))?;
        Box::new(std::io::BufReader::new(file))
    };
    let mut trials: std::collections::HashMap<String, Trial> = std::collections::HashMap::new();
    let mut outcome = Outcome::Fine;
    for line in input.lines() {
        let line = line.with_context(|| format!("reading {}", path.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = match serde_json::from_str::<Question>(&line) {
            Ok(question) => {
                if trials.len() >= KEPT {
                    trials.clear();
                }
                let query = question.query.clone();
                let trial = trials.entry(query).or_insert_with_key(|query| Trial::new(query, concepts));
                serde_json::to_string(&Answer::new(trial, &on(trial, &question)))?
            }
            Err(problem) => {
                outcome = Outcome::Wrong;
                let message = format!("this line is no question: {problem}");
                let error = Remark { code: "E00", message: &message, start: 0, end: 0, help: None };
                let answer = Answer {
                    matched: None,
                    score: None,
                    spans: &[],
                    boilerplate: &[],
                    warnings: vec![],
                    errors: vec![error],
                };
                serde_json::to_string(&answer)?
            }
        };
        output::print(&(answer + "\n"))?;
    }
    Ok(outcome)
}
