//! `feeds discover`.

use clap::Args;

use super::find::{Depth, find};
use super::visit::{Credentials, Visitor, typed_address};
use crate::cli::output::{self, Cell};
use crate::cli::{Global, Outcome};
use crate::clock::SystemClock;
use crate::ports::Clock as _;

#[derive(Debug, Args)]
pub(in crate::cli) struct DiscoverArgs {
    /// The address of a page or a feed; https where no scheme is given
    url: String,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Lists the feeds behind a page.
pub(super) async fn run(global: &Global, args: &DiscoverArgs) -> anyhow::Result<Outcome> {
    let visitor = Visitor::new(global)?;
    let url = match typed_address(&args.url) {
        Ok(url) => url,
        Err(problem) => {
            output::complain(&format!("wirewatch: {}: {problem}", output::clean(&args.url)));
            return Ok(Outcome::WrongUse);
        }
    };
    let search = match find(&visitor, &url, &Credentials::default(), Depth::All).await {
        Ok(search) => search,
        Err(problem) => {
            output::complain(&format!(
                "wirewatch: {}: {}",
                output::clean(url.as_str()),
                output::clean(&problem)
            ));
            return Ok(Outcome::Wrong);
        }
    };
    for (url, problem) in &search.failed {
        let (url, problem) = (output::clean(url), output::clean(problem));
        output::complain(&format!("the page offers {url}, but: {problem}"));
    }
    let outcome = if search.feeds.is_empty() { Outcome::Wrong } else { Outcome::Fine };
    if args.json {
        output::print_json(&search.feeds)?;
        return Ok(outcome);
    }
    let now = SystemClock.now();
    let rows: Vec<Vec<Cell>> = search
        .feeds
        .iter()
        .map(|feed| {
            vec![
                Cell::new(feed.found.as_str()),
                Cell::new(feed.entries.to_string()),
                Cell::new(output::relative(feed.newest_at, now)),
                Cell::new(feed.title.as_deref().unwrap_or("(untitled)")),
                // The address last and whole: it is what is copied.
                Cell::whole(&feed.url),
            ]
        })
        .collect();
    let nothing = "no feed was found: neither declared, nor linked to, nor where feeds usually are";
    output::print(&output::table(&["FOUND", "ENTRIES", "NEWEST", "TITLE", "URL"], &rows, nothing))?;
    Ok(outcome)
}
