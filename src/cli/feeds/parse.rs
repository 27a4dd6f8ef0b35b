//! `feeds parse`.

use std::fs::File;
use std::io::Read as _;

use clap::Args;
use serde_json::json;

use super::visit::{Visitor, is_address};
use crate::cli::{Global, Outcome, output};
use crate::domain::Timestamp;
use crate::parse::{self, ParseContext, ParsedFeed, Repair};

#[derive(Debug, Args)]
pub(in crate::cli) struct ParseArgs {
    /// Files or addresses; `-` reads stdin
    #[arg(required = true, value_name = "FILE|URL")]
    documents: Vec<String>,
    /// The Content-Type to suppose for files, as a server would send it
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Print one JSON object a line and document
    #[arg(long)]
    json: bool,
}

/// A document with what came along.
struct Document {
    body: Vec<u8>,
    content_type: Option<String>,
    base_url: Option<String>,
}

/// Parses each document; one that fails stops none of the others.
pub(super) async fn run(global: &Global, args: &ParseArgs) -> anyhow::Result<Outcome> {
    let any_address = args.documents.iter().any(|name| is_address(name));
    let visitor = if any_address { Some(Visitor::new(global)?) } else { None };
    let mut outcome = Outcome::Fine;
    for name in &args.documents {
        let document = match &visitor {
            Some(visitor) if is_address(name) => visit(visitor, name).await,
            _ => read(name, args.content_type.as_deref()),
        };
        let fine = match document {
            Ok(document) => show(name, &document, args.json)?,
            Err(problem) => {
                unreadable(name, &problem, args.json)?;
                false
            }
        };
        if !fine {
            outcome = Outcome::Wrong;
        }
    }
    Ok(outcome)
}

async fn visit(visitor: &Visitor, url: &str) -> Result<Document, String> {
    let fetched = visitor.fetch(url).await?;
    Ok(Document { body: fetched.body, content_type: fetched.content_type, base_url: Some(fetched.final_url) })
}

fn read(name: &str, content_type: Option<&str>) -> Result<Document, String> {
    // One byte more than is parsed, so that the parser says what is too much.
    let most = parse::limits::DOCUMENT_BYTES as u64 + 1;
    let mut body = Vec::new();
    let read = if name == "-" {
        std::io::stdin().take(most).read_to_end(&mut body)
    } else {
        File::open(name).and_then(|file| file.take(most).read_to_end(&mut body))
    };
    read.map_err(|problem| format!("cannot be read: {problem}"))?;
    Ok(Document { body, content_type: content_type.map(str::to_owned), base_url: None })
}

/// Prints what was made of a document; says whether it is a feed.
fn show(name: &str, document: &Document, as_json: bool) -> anyhow::Result<bool> {
    let context = ParseContext {
        content_type: document.content_type.as_deref(),
        base_url: document.base_url.as_deref(),
    };
    let parsed = parse::parse(&document.body, &context);
    if as_json {
        output::print(&format!("{}\n", parse::report(name, &parsed)))?;
        return Ok(parsed.is_ok());
    }
    match parsed {
        Ok(feed) => {
            output::print(&in_words(name, &feed))?;
            Ok(true)
        }
        Err(problem) => {
            output::complain(&format!("{}: {problem}", output::clean(name)));
            Ok(false)
        }
    }
}

fn unreadable(name: &str, problem: &str, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let line = json!({
            "path": name, "ok": false, "error": problem, "reason": "unreachable",
            "feed": null, "entries": [], "repairs": [],
        });
        return Ok(output::print(&format!("{line}\n"))?);
    }
    output::complain(&format!("{}: {}", output::clean(name), output::clean(problem)));
    Ok(())
}

fn in_words(name: &str, feed: &ParsedFeed) -> String {
    let mut lines = vec![
        output::clean(name),
        format!("  title    {}", output::clean(feed.title.as_deref().unwrap_or("(none)"))),
        format!("  site     {}", output::clean(feed.site_url.as_deref().unwrap_or("(none)"))),
        format!("  entries  {}", feed.entries.len()),
    ];
    lines.extend(feed.repairs.iter().copied().map(Repair::sentence).map(|what| format!("  repaired {what}")));
    for entry in &feed.entries {
        let title = if entry.title.is_empty() { "(untitled)" } else { &entry.title };
        let at = entry.published_at.or(entry.updated_at).map(|at: Timestamp| at.to_string());
        lines.push(format!("  - {}", output::shorten(&output::clean(title), 100)));
        lines.push(format!(
            "    {}  {}  {} characters",
            at.as_deref().unwrap_or("no date"),
            output::clean(entry.link.as_deref().unwrap_or("no link")),
            entry.text().chars().count()
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}
