//! The configuration and its topics, checked together: every mistake of either with its place.

use crate::config::settings::{TopicSettings, TopicTest};
use crate::config::{self, ConceptPart, Level, LoadRequest, Loaded, Problem, Report, TextPlace, TopicPart};
use crate::domain::TopicId;
use crate::domain::article::Document;
use crate::domain::topic::Matcher as _;
use crate::matching::{self, Diagnostic, TopicSet};

/// A configuration that can be run.
#[derive(Debug)]
pub(super) struct Checked {
    /// What the files say.
    pub(super) loaded: Loaded,
    /// All topics, compiled.
    pub(super) matcher: TopicSet,
    /// What is legal but surely not meant.
    pub(super) report: Report,
}

/// Reads the configuration, compiles its topics and runs their tests.
///
/// # Errors
/// Everything that is wrong, warnings included.
pub(super) fn check(request: &LoadRequest) -> Result<Checked, Report> {
    let mut loaded = config::load(request)?;
    let specs: Vec<_> = loaded.settings.topics.values().map(|topic| topic.spec.clone()).collect();
    let compiled = matching::compile(&loaded.settings.concepts, &specs);
    let mut report = std::mem::take(&mut loaded.warnings);
    for diagnostic in &compiled.diagnostics {
        report.push(problem(&loaded, diagnostic));
    }
    for (id, topic) in &loaded.settings.topics {
        for failed in failed_tests(&compiled.set, id, topic, &loaded) {
            report.push(failed);
        }
    }
    let report = report.sorted();
    if report.has_errors() { Err(report) } else { Ok(Checked { loaded, matcher: compiled.set, report }) }
}

/// A diagnostic of the matcher, placed in the file its text came from.
fn problem(loaded: &Loaded, diagnostic: &Diagnostic) -> Problem {
    let text = match &diagnostic.place {
        matching::Place::Concept { id, index } => {
            let part = index.map_or(ConceptPart::Query, ConceptPart::Term);
            Some(TextPlace::Concept(id.clone(), part))
        }
        matching::Place::Topic { id, part } => {
            let part = match part {
                matching::TopicPart::Keyword(index) => TopicPart::Keyword(*index),
                matching::TopicPart::Query => TopicPart::Query,
                matching::TopicPart::Facet(index) => TopicPart::Facet(*index),
                matching::TopicPart::Exclude(index) => TopicPart::Exclude(*index),
            };
            Some(TextPlace::Topic(id.clone(), part))
        }
        matching::Place::Query => None,
    };
    let place = text.map_or(config::Place::Nowhere, |text| {
        loaded.sources.locate(&text, diagnostic.start, diagnostic.end)
    });
    let level = match diagnostic.level {
        matching::Level::Error => Level::Error,
        matching::Level::Warning => Level::Warning,
    };
    Problem {
        level,
        code: diagnostic.code,
        place,
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
    }
}

fn failed_tests<'a>(
    matcher: &'a TopicSet,
    id: &'a TopicId,
    topic: &'a TopicSettings,
    loaded: &'a Loaded,
) -> impl Iterator<Item = Problem> + 'a {
    topic.tests.iter().enumerate().filter_map(move |(index, test)| {
        let found = matches(matcher, id, test);
        if found == test.expect_match {
            return None;
        }
        let place = loaded.sources.place(&TextPlace::Topic(id.clone(), TopicPart::Test(index)));
        let (expected, got) = if found { ("no match", "it matches") } else { ("match", "it does not match") };
        let message = format!("topic {id} fails its own test: expected {expected:?}, but {got}");
        let text: String =
            test.title.iter().chain([&test.text]).map(String::as_str).collect::<Vec<_>>().join(" / ");
        Some(Problem::error("topic-test", place, message).help(format!("the text is: {text}")))
    })
}

fn matches(matcher: &TopicSet, id: &TopicId, test: &TopicTest) -> bool {
    let authors: Vec<String> = test.author.iter().cloned().collect();
    let feeds: Vec<String> = test.feed.iter().cloned().collect();
    let document = Document {
        title: test.title.as_deref().unwrap_or_default(),
        text: &test.text,
        lang: test.lang.as_deref(),
        url: test.url.as_deref(),
        authors: &authors,
        feeds: &feeds,
        tags: &test.tags,
        boilerplate: &[],
    };
    matcher.matches(&document).iter().any(|found| found.topic == *id)
}
