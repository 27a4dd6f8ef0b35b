//! The configuration and its topics, checked together: every mistake of either with its place.

use std::collections::BTreeSet;

use super::names;
use crate::config::settings::{TopicSettings, TopicTest};
use crate::config::{
    self, ConceptPart, Level, LoadRequest, Loaded, Looked, Problem, Report, SourceMap, TextPlace, TopicPart,
};
use crate::domain::TopicId;
use crate::domain::article::Document;
use crate::domain::boilerplate::in_any_feed;
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

/// Reads the configuration, compiles its topics and runs their tests; topics also where the files have other mistakes.
///
/// # Errors
/// Everything that is wrong, warnings included.
pub(super) fn check(request: &LoadRequest) -> Result<Checked, Report> {
    let Looked { mut report, meant, lacks_tables } = config::look(request);
    let Some((settings, sources)) = meant else { return Err(report) };
    let specs: Vec<_> = settings.topics.values().map(|topic| topic.spec.clone()).collect();
    let compiled = matching::compile(&settings.concepts, &specs);
    let broken = report.has_errors();
    let spoilt = |diagnostic: &&Diagnostic| match diagnostic.code {
        // What is missing may stand where a file is broken, and what is empty was refused already.
        "E08" => lacks_tables,
        "E15" => broken,
        _ => broken && diagnostic.level == matching::Level::Warning,
    };
    let wrong: BTreeSet<String> = errors(&report).filter_map(Problem::file).collect();
    for diagnostic in compiled.diagnostics.iter().filter(|it| !spoilt(it)) {
        report.push(problem(&sources, diagnostic));
    }
    if !broken {
        for doubt in names::doubts(&settings, &sources) {
            report.push(doubt);
        }
    }
    let usable: BTreeSet<&TopicId> = compiled.set.ids().collect();
    let file = |place: TextPlace| sources.place(&place).file().map(|file| file.path().display().to_string());
    let is_sound = |place| file(place).is_none_or(|file| !wrong.contains(&file));
    // With a concept amiss, or half a topic, a failing test says nothing.
    let concepts =
        settings.concepts.iter().all(|own| is_sound(TextPlace::Concept(own.id.clone(), ConceptPart::Name)));
    let tested = settings.topics.iter().filter(|(id, _)| {
        concepts && usable.contains(id) && is_sound(TextPlace::Topic((*id).clone(), TopicPart::Name))
    });
    for (id, topic) in tested {
        for failed in failed_tests(&compiled.set, id, topic, &sources) {
            report.push(failed);
        }
    }
    let report = report.sorted();
    if report.has_errors() {
        return Err(report);
    }
    Ok(Checked {
        loaded: Loaded { settings, warnings: Report::default(), sources },
        matcher: compiled.set,
        report,
    })
}

fn errors(report: &Report) -> impl Iterator<Item = &Problem> {
    report.problems().iter().filter(|problem| problem.level == Level::Error)
}

/// A diagnostic of the matcher, placed in the file its text came from.
fn problem(sources: &SourceMap, diagnostic: &Diagnostic) -> Problem {
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
    let place =
        text.map_or(config::Place::Nowhere, |text| sources.locate(&text, diagnostic.start, diagnostic.end));
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
    sources: &'a SourceMap,
) -> impl Iterator<Item = Problem> + 'a {
    topic.tests.iter().enumerate().filter_map(move |(index, test)| {
        let found = matches(matcher, id, test);
        if found == test.expect_match {
            return None;
        }
        let place = sources.place(&TextPlace::Topic(id.clone(), TopicPart::Test(index)));
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
        boilerplate: &in_any_feed(&test.text),
    };
    matcher.matches(&document).iter().any(|found| found.topic == *id)
}
