//! `feeds add`.

use clap::Args;
use serde_json::json;
use url::Url;

use super::find::{Depth, FoundFeed, Search, find};
use super::visit::{Credentials, Visitor, typed_address};
use super::write::{Writing, name_of};
use crate::cli::output;
use crate::cli::{Global, Outcome, control};
use crate::config::edit::{NewFeed, choose_id};
use crate::domain::FeedId;

#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
    /// The address of a feed, or of a page that has one; https where no scheme is given
    url: String,
    /// The feed's id in the configuration [default: made of its title]
    #[arg(long, value_name = "ID")]
    id: Option<FeedId>,
    /// Its name in messages [default: what the feed calls itself]
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A fixed interval, like 5m
    #[arg(long, value_name = "TIME")]
    interval: Option<String>,
    /// The user name of HTTP Basic authentication
    #[arg(long, value_name = "USER")]
    basic_user: Option<String>,
    /// The environment variable that holds the password
    #[arg(long, value_name = "NAME", requires = "basic_user")]
    basic_password_env: Option<String>,
    /// The file that holds the password
    #[arg(long, value_name = "FILE", requires = "basic_user", conflicts_with = "basic_password_env")]
    basic_password_file: Option<String>,
    /// The environment variable that holds a bearer token
    #[arg(long, value_name = "NAME", conflicts_with_all = ["basic_user", "bearer_file"])]
    bearer_env: Option<String>,
    /// The file that holds a bearer token
    #[arg(long, value_name = "FILE", conflicts_with = "basic_user")]
    bearer_file: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl AddArgs {
    /// The keys that say where the credentials are.
    fn credentials(&self) -> Vec<(&'static str, String)> {
        [
            ("basic_user", &self.basic_user),
            ("basic_password_env", &self.basic_password_env),
            ("basic_password_file", &self.basic_password_file),
            ("bearer_env", &self.bearer_env),
            ("bearer_file", &self.bearer_file),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.clone()?)))
        .collect()
    }

    /// The feed under an address, as it is to be written.
    fn feed(&self, id: FeedId, url: &Url, title: Option<String>) -> NewFeed {
        NewFeed {
            id,
            url: url.to_string(),
            title: self.title.clone().or(title),
            tags: self.tags.clone(),
            interval: self.interval.clone(),
            lang: None,
            credentials: self.credentials(),
        }
    }
}

/// Why nothing was added.
enum Refusal {
    Use(String),
    Wrong(String),
}

/// Finds the feed behind an address and writes it to the configuration.
pub(super) async fn run(global: &Global, args: &AddArgs) -> anyhow::Result<Outcome> {
    let writing = Writing::begin(global)?;
    match add(args, writing).await? {
        Ok(()) => {
            control::put_in_force(global).await;
            Ok(Outcome::Fine)
        }
        Err(Refusal::Use(problem)) => {
            output::complain(&format!("wirewatch: {}", output::clean(&problem)));
            Ok(Outcome::WrongUse)
        }
        Err(Refusal::Wrong(problem)) => {
            output::complain(&format!("wirewatch: {}", output::clean(&problem)));
            Ok(Outcome::Wrong)
        }
    }
}

async fn add(args: &AddArgs, writing: Writing) -> anyhow::Result<Result<(), Refusal>> {
    let typed = match typed_address(&args.url) {
        Ok(url) => url,
        Err(problem) => return Ok(Err(Refusal::Use(format!("{}: {problem}", args.url)))),
    };
    if let Some(id) = args.id.as_ref().filter(|id| writing.has_id(id.as_str())) {
        return Ok(Err(Refusal::Wrong(format!("there is a feed `{id}` already; choose another --id"))));
    }
    if let Some(known) = writing.configured(&typed) {
        return Ok(Err(already(&typed, &known)));
    }
    let id = |title: Option<&str>, url: &Url| {
        args.id.clone().unwrap_or_else(|| choose_id(title, url, |id| writing.has_id(id)))
    };
    // Read by the rules of the configuration first: they check what was typed and fetch the credentials.
    let draft = args.feed(id(args.title.as_deref(), &typed), &typed, None);
    let settings = writing.settings_with(std::slice::from_ref(&draft))?;
    let drafted = settings.feeds.get(&draft.id);
    let credentials = Credentials { headers: Vec::new(), auth: drafted.and_then(|feed| feed.auth.clone()) };
    if credentials.auth.is_none() && !draft.credentials.is_empty() {
        let problem = "the credential cannot be read here; without it the feed cannot be looked at";
        return Ok(Err(Refusal::Wrong(problem.to_owned())));
    }
    let visitor = Visitor::of(&settings)?;
    let search = match find(&visitor, &typed, &credentials, Depth::First).await {
        Ok(search) => search,
        Err(problem) => return Ok(Err(Refusal::Wrong(format!("{typed}: {problem}")))),
    };
    let Some(found) = search.feeds.first() else { return Ok(Err(Refusal::Wrong(nothing(&typed, &search)))) };
    let url = Url::parse(&found.url)?;
    if let Some(known) = writing.configured(&url) {
        return Ok(Err(already(&url, &known)));
    }
    if credentials.auth.is_some() && url.origin() != typed.origin() {
        let problem = format!(
            "{typed} leads to the feed {url} of another site, which is not to get these credentials; \
             if it is, add that address itself"
        );
        return Ok(Err(Refusal::Wrong(problem)));
    }
    let title = found.title.clone().map(|title| name_of(&title));
    let feed = args.feed(id(args.title.as_deref().or(title.as_deref()), &url), &url, title);
    let path = writing.write(std::slice::from_ref(&feed))?;
    tell(args, &feed, found, &path)?;
    Ok(Ok(()))
}

fn already(url: &Url, known: &FeedId) -> Refusal {
    Refusal::Wrong(format!("{url} is polled already, as the feed `{known}`"))
}

fn nothing(url: &Url, search: &Search) -> String {
    let mut text = format!("no feed was found behind {url}");
    for (offered, problem) in &search.failed {
        text = format!("{text}; the page offers {offered}, but: {problem}");
    }
    format!("{text}; if you know the feed's own address, add that")
}

fn tell(args: &AddArgs, feed: &NewFeed, found: &FoundFeed, path: &str) -> anyhow::Result<()> {
    if args.json {
        return Ok(output::print_json(&json!({
            "id": feed.id, "url": feed.url, "title": feed.title, "tags": feed.tags, "entries": found.entries,
            "found": found.found, "file": path,
        }))?);
    }
    let title = feed.title.as_deref().unwrap_or("(untitled)");
    output::print(&format!(
        "added the feed `{}`: {}\n  {}, {} entries\n  written to {path}\n",
        feed.id,
        output::clean(title),
        output::clean(&feed.url),
        found.entries,
    ))?;
    Ok(())
}
