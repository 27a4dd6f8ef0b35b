//! `topics forms`.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::render;
use crate::cli::output::{self, Cell, print, print_json, table};
use crate::cli::progress::Progress;
use crate::cli::time::Since;
use crate::cli::{Global, Outcome, wire};
use crate::clock::SystemClock;
use crate::matching::Term;
use crate::ports::{Clock as _, Store as _};

/// How many articles are read at a time.
pub(super) const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(in crate::cli) struct FormsArgs {
    /// The term, as it may stand in a list of keywords
    #[arg(value_name = "TERM", allow_hyphen_values = true)]
    term: String,
    /// Only articles newer than this: 12h, 30d, or a date
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: Since,
    /// At most this many; 0 for all
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    form: String,
    count: u64,
    articles: u64,
}

/// Counts the forms of a term.
pub(super) async fn run(global: &Global, args: &FormsArgs) -> anyhow::Result<Outcome> {
    let settings = wire::settings(global)?;
    let term = match Term::new(&args.term, &settings.concepts) {
        Ok(term) => term,
        Err(findings) => {
            output::complain(&render::findings(&args.term, &findings, false));
            return Ok(Outcome::WrongUse);
        }
    };
    let store = wire::reading_store(global)?;
    let since = Some(args.since.instant(SystemClock.now()));
    let mut progress = Progress::new("articles", since);
    let mut read = 0;
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = store.read_texts(since, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        for stored in &page {
            read += 1;
            progress.at(read, stored.first_seen_at);
            let mut own: BTreeMap<String, u64> = BTreeMap::new();
            for span in term.places(&super::document(stored, &[])) {
                *own.entry(span.text.to_lowercase()).or_default() += 1;
            }
            for (form, count) in own {
                let total = counts.entry(form).or_default();
                *total = (total.0 + count, total.1 + 1);
            }
        }
    }
    progress.end();
    let mut rows: Vec<Row> =
        counts.into_iter().map(|(form, (count, articles))| Row { form, count, articles }).collect();
    rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.form.cmp(&b.form)));
    if args.limit > 0 {
        rows.truncate(args.limit);
    }
    if args.json {
        print_json(&rows)?;
        return Ok(Outcome::Fine);
    }
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![Cell::new(row.count.to_string()), Cell::new(row.articles.to_string()), Cell::new(&row.form)]
        })
        .collect();
    print(&table(&["COUNT", "ARTICLES", "FORM"], &cells, "no stored article has a word this term matches"))?;
    Ok(Outcome::Fine)
}
