//! The silences in force, their queries compiled.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

use crate::domain::TopicId;
use crate::domain::silence::{ReadySilence, Silence, Silences};
use crate::domain::topic::{ConceptSpec, Matcher, TopicRule, TopicSpec};
use crate::matching::{self, Level};
use crate::ports::reads::SilencesInForce;

/// Compiles silences, and keeps them until they or the configuration change.
#[derive(Debug, Default)]
pub struct Silencer(Mutex<Arc<Silences>>);

impl Silencer {
    /// The silences, ready to be asked.
    pub fn ready(&self, in_force: SilencesInForce, concepts: &[ConceptSpec]) -> Arc<Silences> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that end by themselves are asked for the time; nothing of them has to be compiled anew.
        if kept.version != in_force.version {
            let ready = in_force.silences.into_iter().map(|silence| prepare(silence, concepts)).collect();
            *kept = Arc::new(Silences { version: in_force.version, ready });
        }
        Arc::clone(&kept)
    }
}

fn prepare(silence: Silence, concepts: &[ConceptSpec]) -> ReadySilence {
    let query = silence.matcher.query.as_deref().and_then(|query| match compile(query, concepts) {
        Ok(matcher) => Some(matcher),
        Err(problem) => {
            warn!("the silence {} mutes nothing any more: its query {problem}", silence.id);
            None
        }
    });
    ReadySilence { silence, query }
}

/// Compiles the query of a silence.
///
/// # Errors
/// What is wrong with it, one sentence.
pub fn compile(query: &str, concepts: &[ConceptSpec]) -> Result<Arc<dyn Matcher>, String> {
    let id = TopicId::parse("silence").map_err(|problem| problem.to_string())?;
    let topic = TopicSpec { id, rule: TopicRule::Query(query.to_owned()), exclude: Vec::new() };
    let compiled = matching::compile(concepts, &[topic]);
    match compiled.diagnostics.iter().find(|found| found.level == Level::Error) {
        Some(found) => Err(format!("is wrong: {}", found.message)),
        None => Ok(Arc::new(compiled.set)),
    }
}
