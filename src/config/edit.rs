//! Adding feeds to the configuration on behalf of the command line.
//!
//! What a person wrote stays byte for byte: new tables go to the end of a fragment of their own,
//! `conf.d/feeds.toml`. The result is read by the rules of the configuration before it is written.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Table, value};
use url::Url;

use super::load::fragments_directory;
use crate::domain::FeedId;
use crate::domain::id::MAX_SLUG;

/// The fragment that commands write.
const FILE_NAME: &str = "feeds.toml";

/// What a new fragment begins with.
const HEADING: &str = "# Feeds that `wirewatch feeds add` and `wirewatch feeds import` wrote. Edit them as you like: new ones go to the end.\n";

/// The schema's file as fragments name it.
const SCHEMA: &str = "../wirewatch.schema.json";

/// How much of an id is taken from a title or an address, in characters; the rest is for a number.
const ID_LENGTH: usize = 40;

/// A feed to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFeed {
    /// The key of its table.
    pub id: FeedId,
    /// The address.
    pub url: String,
    /// The name in messages.
    pub title: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// A fixed interval, as it is written.
    pub interval: Option<String>,
    /// The language.
    pub lang: Option<String>,
    /// Where its credentials are: keys such as `bearer_file` with their values.
    pub credentials: Vec<(&'static str, String)>,
}

/// Why feeds cannot be added to a fragment.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is not TOML as it is.
    #[error("it is not TOML: {0}")]
    Toml(String),
    /// Its feeds are not written as tables.
    #[error("its `feeds` are not written as [feeds.ID] tables, so none can be put beside them")]
    Shape,
}

/// The text of a fragment with more feeds at its end.
///
/// # Errors
/// When the fragment is not TOML, or holds feeds in a form that no table can follow.
pub fn with_feeds(text: &str, feeds: &[NewFeed]) -> Result<String, EditError> {
    let before: DocumentMut = text.parse().map_err(|problem| EditError::Toml(first_line(&problem)))?;
    if before.get("feeds").is_some_and(|feeds| !feeds.is_table()) {
        return Err(EditError::Shape);
    }
    let mut added = DocumentMut::new();
    let mut tables = Table::new();
    tables.set_implicit(true);
    for feed in feeds {
        tables.insert(feed.id.as_str(), Item::Table(table(feed)));
    }
    added.insert("feeds", Item::Table(tables));
    let added = added.to_string();
    let gap = match text {
        "" => "",
        _ if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let whole = format!("{text}{gap}{}", added.trim_start());
    let after: DocumentMut = whole.parse().map_err(|problem| EditError::Toml(first_line(&problem)))?;
    let is_there = |feed: &NewFeed| after.get("feeds").and_then(|all| all.get(feed.id.as_str())).is_some();
    if feeds.iter().all(is_there) { Ok(whole) } else { Err(EditError::Shape) }
}

fn first_line(problem: &toml_edit::TomlError) -> String {
    problem.message().lines().next().unwrap_or_default().to_owned()
}

fn table(feed: &NewFeed) -> Table {
    let mut table = Table::new();
    table.decor_mut().set_prefix("\n");
    table.insert("url", value(&feed.url));
    if let Some(title) = &feed.title {
        table.insert("title", value(title));
    }
    if !feed.tags.is_empty() {
        table.insert("tags", value(feed.tags.iter().collect::<Array>()));
    }
    for (key, text) in [("lang", &feed.lang), ("interval", &feed.interval)] {
        if let Some(text) = text {
            table.insert(key, value(text));
        }
    }
    for (key, text) in &feed.credentials {
        table.insert(key, value(text));
    }
    table
}

/// The fragment on disk, held against other commands that would write it.
#[derive(Debug)]
pub struct Fragment {
    path: PathBuf,
    /// What it holds; absent before there is one.
    text: Option<String>,
    main: PathBuf,
    /// Locked until this value goes.
    _directory: File,
}

impl Fragment {
    /// Opens `conf.d/feeds.toml` beside the main file; the directory is made where it is missing.
    ///
    /// # Errors
    /// When the directory cannot be made or read, or the file is not UTF-8.
    pub fn open(main: &Path) -> io::Result<Self> {
        let directory = fragments_directory(main);
        fs::create_dir_all(&directory)?;
        let handle = File::open(&directory)?;
        handle.lock()?;
        let path = directory.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => None,
            Err(problem) => return Err(problem),
        };
        Ok(Self { path, text, main: main.to_owned(), _directory: handle })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds, or what a new one begins with.
    pub fn text(&self) -> String {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let schema = self.path.parent().is_some_and(|directory| directory.join(SCHEMA).exists());
        let schema = if schema { format!("#:schema {SCHEMA}\n") } else { String::new() };
        format!("{schema}{HEADING}")
    }

    /// Replaces it as a whole: whoever reads it meanwhile sees the old text or the new one.
    ///
    /// # Errors
    /// When the directory or the file cannot be written.
    pub fn write(self, text: &str) -> io::Result<()> {
        // A link stays a link: what it leads to is replaced.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_error| self.path.clone());
        let directory = target.parent().unwrap_or_else(|| Path::new(""));
        let draft = directory.join(format!(".{FILE_NAME}.{}", std::process::id()));
        let written = self.write_draft(&draft, &target, text).and_then(|()| fs::rename(&draft, &target));
        if written.is_err() {
            drop(fs::remove_file(&draft));
            return written;
        }
        File::open(directory)?.sync_all()
    }

    fn write_draft(&self, draft: &Path, target: &Path, text: &str) -> io::Result<()> {
        let mut file = File::create(draft)?;
        // Whoever may read the configuration may read this; owner and group as far as we may give it away.
        let model = fs::metadata(target).or_else(|_error| fs::metadata(&self.main))?;
        fs::set_permissions(draft, model.permissions())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            drop(std::os::unix::fs::chown(draft, Some(model.uid()), Some(model.gid())));
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }
}

/// What tells two addresses of a feed apart: host, path and parameters, but neither scheme nor `www.`, nor a slash at the
/// end, nor the order of the parameters.
pub fn same_feed(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    let mut parameters: Vec<&str> = url.query().unwrap_or_default().split('&').collect();
    parameters.sort_unstable();
    format!("{}{port}{path}?{}", host.strip_prefix("www.").unwrap_or(host), parameters.join("&"))
}

/// An id for a feed that is not taken: of its title where that has letters of ASCII, else of its address.
///
/// # Panics
/// Never: the id is made of what ids are made of.
pub fn choose_id(title: Option<&str>, url: &Url, is_taken: impl Fn(&str) -> bool) -> FeedId {
    let host = url.host_str().unwrap_or_default();
    let host = ["www.", "feeds.", "feed.", "rss."]
        .iter()
        .fold(host, |host, part| host.strip_prefix(part).filter(|rest| rest.contains('.')).unwrap_or(host));
    let stem = title.map(slug).filter(|slug| slug.len() >= 3).unwrap_or_else(|| slug(host));
    let stem = if stem.is_empty() { "feed".to_owned() } else { stem };
    let mut id = stem.clone();
    let mut number = 1_u64;
    while is_taken(&id) {
        number += 1;
        id = format!("{stem}-{number}");
    }
    debug_assert!(id.len() <= MAX_SLUG);
    FeedId::parse(&id).expect("letters, digits and hyphens, shorter than an id may be")
}

/// The letters and digits of ASCII in a text, in lower case, hyphens between its words.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(text).chars() {
        match character {
            c if c.is_ascii_alphanumeric() => slug.push(c.to_ascii_lowercase()),
            // Accents, taken off their letters, and apostrophes do not part words.
            '\u{300}'..='\u{36f}' | '\'' | '\u{2019}' => {}
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    if slug.len() > ID_LENGTH {
        let end = slug[..ID_LENGTH].rfind('-').filter(|end| *end > ID_LENGTH / 2).unwrap_or(ID_LENGTH);
        slug.truncate(end);
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(id: &str) -> NewFeed {
        NewFeed {
            id: FeedId::parse(id).unwrap(),
            url: "https://a.example/feed".to_owned(),
            title: Some("A \"quoted\"\u{1b} title".to_owned()),
            tags: vec!["uk".to_owned(), "broad caster".to_owned()],
            interval: Some("5m".to_owned()),
            lang: None,
            credentials: vec![("bearer_env", "TOKEN".to_owned())],
        }
    }

    #[test]
    fn what_was_written_stays_byte_for_byte() {
        let text = "# mine\n[feeds.b]   # really\nurl='https://b.example/'\n\n[topics.x]\nkeywords = [ \"a\",\n ]\n# the end";
        let after = with_feeds(text, &[feed("a"), feed("c")]).unwrap();
        assert!(after.starts_with(text));
        insta::assert_snapshot!(&after[text.len()..], @r#"


        [feeds.a]
        url = "https://a.example/feed"
        title = "A \"quoted\"\u001B title"
        tags = ["uk", "broad caster"]
        interval = "5m"
        bearer_env = "TOKEN"

        [feeds.c]
        url = "https://a.example/feed"
        title = "A \"quoted\"\u001B title"
        tags = ["uk", "broad caster"]
        interval = "5m"
        bearer_env = "TOKEN"
        "#);
    }

    #[test]
    fn what_cannot_take_a_table_is_refused() {
        let refused = |text: &str| with_feeds(text, &[feed("a")]).unwrap_err().to_string();
        assert!(refused("feeds = { b = { url = 'https://b.example/' } }").contains("not written as"));
        assert!(refused("[feeds.a]\nurl = 'https://b.example/'\n").contains("not TOML"), "the id is there");
        assert!(refused("[feeds").contains("not TOML"));
    }

    #[test]
    fn ids_are_made_of_titles_or_hosts() {
        let id = |title: Option<&str>, url: &str, taken: &[&str]| {
            choose_id(title, &Url::parse(url).unwrap(), |id| taken.contains(&id)).to_string()
        };
        assert_eq!(id(Some("BBC News - World"), "https://x.example/", &[]), "bbc-news-world");
        assert_eq!(id(Some("L’Équipe: tout le sport"), "https://x.example/", &[]), "lequipe-tout-le-sport");
        assert_eq!(id(Some("연합뉴스"), "https://www.yna.co.kr/rss", &[]), "yna-co-kr");
        assert_eq!(id(None, "https://feeds.bbci.co.uk/x", &["bbci-co-uk"]), "bbci-co-uk-2");
        assert_eq!(id(Some("—"), "http://[::1]/", &[]), "1");
        assert_eq!(id(Some(&"word ".repeat(99)), "https://x.example/", &[]).len(), 39);
    }

    #[test]
    fn one_feed_has_many_addresses() {
        let same =
            |a: &str, b: &str| same_feed(&Url::parse(a).unwrap()) == same_feed(&Url::parse(b).unwrap());
        assert!(same("http://A.example/feed/", "https://www.a.example:443/feed"));
        assert!(same("http://a.example/feed?a=1&b=2", "http://a.example/feed?b=2&a=1"));
        assert!(!same("http://a.example/feed?a=1", "http://a.example/feed"));
        assert!(!same("http://a.example:81/feed", "http://a.example/feed"));
    }
}
