//! What only shows when topics and feeds are seen together: names of feeds and tags that do not exist, intervals that
//! publishers do not allow.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::units::show_duration;
use crate::config::{ConceptPart, Problem, Settings, SourceMap, TextPlace, TopicPart};
use crate::domain::topic::{ConceptSource, TopicRule};
use crate::matching::query::ast::{Body, Expr, Kind, Part, Term};
use crate::matching::query::{parse, print};
use crate::ports::reads::FeedRow;

/// Fields that name a feed, or a tag, which none has.
pub(super) fn doubts(settings: &Settings, sources: &SourceMap) -> Vec<Problem> {
    let feeds: BTreeSet<String> = settings.feeds.keys().map(|id| id.as_str().to_lowercase()).collect();
    let tags: BTreeSet<String> =
        settings.feeds.values().flat_map(|feed| &feed.tags).map(|tag| tag.to_lowercase()).collect();
    let mut found = Vec::new();
    for (place, query) in queries(settings) {
        // Nearly no query has such a field.
        if !query.contains(':') && !query.contains('：') {
            continue;
        }
        let mut named = Vec::new();
        fields(&parse(query).0, None, &mut named);
        for (part, value) in named {
            let (known, what) = if part == Part::Feed { (&feeds, "feed") } else { (&tags, "tag") };
            let written = print(&value);
            let plain = written.trim_matches(['"', '=', '^']).trim().to_lowercase();
            if plain.contains(['*', '?']) || known.contains(&plain) {
                continue;
            }
            let near = known.iter().min_by_key(|own| strsim::damerau_levenshtein(own, &plain));
            let help = near.map_or_else(
                || format!("no feed has a {what} yet; see `wirewatch feeds list`"),
                |near| format!("did you mean {}:{near}? `wirewatch feeds list` shows them", part.word()),
            );
            let called = if part == Part::Feed { "id" } else { "tag" };
            let message = format!("no feed has the {called} `{plain}`, so this never matches");
            let place = sources.locate(&place, value.span.start, value.span.end);
            found.push(Problem::warning("unknown-name", place, message).help(help));
        }
    }
    found
}

/// Every query of the configuration, with its place. Terms of lists have no fields.
fn queries(settings: &Settings) -> Vec<(TextPlace, &str)> {
    let mut out = Vec::new();
    for concept in &settings.concepts {
        if let ConceptSource::Query(query) = &concept.source {
            out.push((TextPlace::Concept(concept.id.clone(), ConceptPart::Query), query.as_str()));
        }
    }
    for (id, topic) in &settings.topics {
        let at = |part| TextPlace::Topic(id.clone(), part);
        match &topic.spec.rule {
            TopicRule::Query(query) => out.push((at(TopicPart::Query), query)),
            TopicRule::Facets { facets, .. } => {
                out.extend(
                    facets
                        .iter()
                        .enumerate()
                        .map(|(index, facet)| (at(TopicPart::Facet(index)), facet.as_str())),
                );
            }
            TopicRule::Keywords(_) => {}
        }
        let exclude = topic.spec.exclude.iter().enumerate();
        out.extend(exclude.map(|(index, query)| (at(TopicPart::Exclude(index)), query.as_str())));
    }
    out
}

/// The values that `feed:` and `tag:` ask for.
fn fields(expr: &Expr, inside: Option<Part>, out: &mut Vec<(Part, Expr)>) {
    match &expr.kind {
        Kind::Or(parts) | Kind::And(parts) => parts.iter().for_each(|part| fields(part, inside, out)),
        Kind::Not(inner) | Kind::Count(_, _, inner) => fields(inner, inside, out),
        Kind::Near { left, right, .. } | Kind::NotIn(left, right) => {
            fields(left, inside, out);
            fields(right, inside, out);
        }
        Kind::In(part @ (Part::Feed | Part::Tag), inner) => fields(inner, Some(*part), out),
        Kind::In(_, inner) => fields(inner, None, out),
        Kind::Term(Term { body: Body::Word(_) | Body::Phrase { .. }, .. }) => {
            out.extend(inside.map(|part| (part, expr.clone())));
        }
        Kind::Term(_) | Kind::Concept(_) | Kind::Broken => {}
    }
}

/// Intervals that are shorter than what the publisher allows, as far as the last polls showed.
pub(super) fn hasty(settings: &Settings, feeds: &[FeedRow], sources: &SourceMap) -> Vec<Problem> {
    let hasty = feeds.iter().filter_map(|feed| {
        let interval = settings.feeds.get(&feed.id)?.interval?;
        let reason = feed.next_poll_reason.as_deref()?;
        let asked = reason.starts_with("the publisher's") || reason.starts_with("the interval the feed asks");
        let wait = feed.next_poll_at?.since(feed.last_poll_at?);
        // A little is jitter.
        let longer = asked && feed.failures == 0 && wait > interval.mul_f64(1.2);
        longer.then(|| {
            let wait = Duration::from_secs(wait.as_secs().div_ceil(60) * 60);
            let (interval, wait) = (show_duration(interval), show_duration(wait));
            let message = format!(
                "the feed `{}` is polled about every {wait}, not every {interval}: that is {reason}",
                feed.id
            );
            let place = sources.interval(&feed.id);
            Problem::warning("hasty-interval", place, message)
                .help("remove `interval`, or write one that the publisher allows; it is honoured either way")
        })
    });
    hasty.collect()
}
