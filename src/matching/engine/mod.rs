//! The engine: topics compiled into one immutable structure that finds those an article matches.

mod about;
mod alphabets;
mod bits;
mod compile;
mod concepts;
mod doubts;
mod eval;
mod explain;
mod frequency;
mod globs;
mod hashed;
mod index;
mod loose;
mod pairs;
mod plan;
mod program;
mod report;
mod scan;
mod set;
mod surfaces;
mod terms;
mod words;

pub(crate) use compile::Compiler;
pub(crate) use doubts::swallowing;
pub(crate) use explain::explain;
pub use explain::{Clause, Explanation, PassedOver, Why};
pub use frequency::Frequencies;
pub use set::TopicSet;
