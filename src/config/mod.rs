//! The configuration: found, read in layers, checked as a whole, resolved into [`Settings`].
//!
//! [`load()`] is the way in. Each file is read by itself, so that every mistake in it has a place;
//! what is right becomes a layer, and the `config` crate merges the layers; what they mean together
//! is checked last. All that is wrong is in one [`Report`].

mod calendar;
mod check;
pub mod edit;
mod hide;
pub mod keys;
mod layers;
mod load;
mod locate;
mod read;
mod report;
mod resolve;
mod schema;
pub mod secret;
pub mod settings;
mod source;
pub mod units;

pub(crate) use check::wanted;
pub use load::{
    Credentials, LoadRequest, Loaded, Variables, daemon_settings, defaults, files_hash, find, load,
};
pub(crate) use load::{Looked, look};
pub use locate::{ConceptPart, SourceMap, TextPlace, TopicPart};
pub use report::{Level, Problem, Report};
pub use schema::schema;
pub use settings::Settings;
pub use source::{Place, SourceFile};
