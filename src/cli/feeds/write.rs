//! Writing feeds to the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use url::Url;

use crate::cli::Global;
use crate::cli::wire::BadConfiguration;
use crate::config::edit::{Fragment, NewFeed, same_feed, with_feeds};
use crate::config::{self, Credentials, LoadRequest, Settings};
use crate::domain::FeedId;

/// The most bytes of a title that is written.
const TITLE_BYTES: usize = 200;

/// The configuration about to get more feeds; other commands that write wait.
pub(super) struct Writing {
    fragment: Fragment,
    request: LoadRequest,
    pub(super) settings: Settings,
    /// Which feed has which address.
    addresses: BTreeMap<String, FeedId>,
}

impl Writing {
    /// Reads the configuration as it is.
    ///
    /// # Errors
    /// [`BadConfiguration`] when there is none or it is wrong: it is mended first, then added to.
    pub(super) fn begin(global: &Global) -> anyhow::Result<Self> {
        let request = LoadRequest::of_process(global.config.clone(), Credentials::Optional);
        let main = config::find(&request).map_err(|report| BadConfiguration::new(&report))?;
        let fragment =
            Fragment::open(&main).with_context(|| format!("cannot write beside {}", main.display()))?;
        let loaded = config::load(&request).map_err(|report| BadConfiguration::new(&report))?;
        let settings = loaded.settings;
        let addresses = settings
            .feeds
            .iter()
            .filter_map(|(id, feed)| Some((same_feed(&Url::parse(&feed.url).ok()?), id.clone())));
        Ok(Self { fragment, request, addresses: addresses.collect(), settings })
    }

    /// Whether an id is taken, be it in another spelling.
    pub(super) fn has_id(&self, id: &str) -> bool {
        let fold = |id: &str| id.to_ascii_lowercase().replace('_', "-");
        self.settings.feeds.keys().any(|known| fold(known.as_str()) == fold(id))
    }

    /// The feed that has this address.
    pub(super) fn configured(&self, url: &Url) -> Option<FeedId> {
        self.addresses.get(&same_feed(url)).cloned()
    }

    /// What the configuration is with these feeds.
    ///
    /// # Errors
    /// [`BadConfiguration`] when they do not fit into it.
    pub(super) fn settings_with(&self, feeds: &[NewFeed]) -> anyhow::Result<Settings> {
        let text = self.text_with(feeds)?;
        let mut request = self.request.clone();
        request.pending = Some((self.fragment.path().to_owned(), text));
        let loaded = config::load(&request).map_err(|report| BadConfiguration::new(&report))?;
        Ok(loaded.settings)
    }

    /// Writes the feeds; answers with the file's name.
    ///
    /// # Errors
    /// As [`Self::settings_with`], and when the file cannot be written.
    pub(super) fn write(self, feeds: &[NewFeed]) -> anyhow::Result<String> {
        self.settings_with(feeds)?;
        let text = self.text_with(feeds)?;
        let path: PathBuf = self.fragment.path().to_owned();
        self.fragment.write(&text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.display().to_string())
    }

    fn text_with(&self, feeds: &[NewFeed]) -> anyhow::Result<String> {
        let path = self.fragment.path().display();
        with_feeds(&self.fragment.text(), feeds).with_context(|| format!("cannot add to {path}"))
    }
}

/// A title as it is written: a line, not too long.
pub(super) fn name_of(title: &str) -> String {
    title[..title.floor_char_boundary(TITLE_BYTES)].trim_end().to_owned()
}
