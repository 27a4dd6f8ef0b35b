//! What is said of a match: score, spans, excerpt.

use rustc_hash::FxHashMap;

use super::eval::{EVERYWHERE, Evaluation, LEAD, Mark};
use super::program::{NodeId, Scored, Topic};
use crate::domain::topic::{FacetShare, Field, Match, Span};

/// The most spans that go into a message.
const MAX_SPANS: usize = 50;
/// About how many characters an excerpt has.
const EXCERPT: usize = 240;
/// An excerpt is cut at a word's end where fewer characters than these are lost.
const CUT: usize = 24;
/// Half of what a facet needs for a share of one half: one mention in the lead.
const HALF: f64 = 2.0;

impl Evaluation<'_> {
    /// What made `topic` match; nothing where its score is too low.
    pub(crate) fn report(&self, topic: &Topic) -> Option<Match> {
        let (score, facets) = match &topic.scored {
            None => (None, None),
            Some(scored) => {
                let (score, shares) = self.score(scored);
                if score < scored.threshold {
                    return None;
                }
                (Some(score), Some(shares))
            }
        };
        let mut marks = self.best_marks(topic.root);
        marks.truncate(MAX_SPANS);
        let spans = self.places(&marks);
        let excerpt = self.excerpt(&spans);
        Some(Match { score, facets, spans, excerpt })
    }

    /// The places that made a step true, in reading order; of overlapping ones of one concept the longest.
    pub(crate) fn best_marks(&self, root: NodeId) -> Vec<Mark> {
        let mut marks = Vec::new();
        self.marks(root, EVERYWHERE, None, None, &mut marks);
        // Equal places stay in the order of the query, so that other topics make no difference.
        marks.sort_by_key(|mark| (mark.span.start, std::cmp::Reverse(mark.span.end)));
        let mut kept: Vec<Mark> = Vec::new();
        let mut ends: FxHashMap<Option<u32>, u32> = FxHashMap::default();
        for mark in marks {
            // What begins no earlier and ends no later than another one lies within it.
            let end = ends.entry(mark.concept).or_insert(0);
            if mark.span.end > *end && kept.last().is_none_or(|last| last.span != mark.span) {
                *end = mark.span.end;
                kept.push(mark);
            }
        }
        kept
    }

    // --- score -------------------------------------------------------------------------------------------------

    /// The score from 0 to 100 and each facet's share from 0 to 1.
    ///
    /// A mention weighs 4 in the headline, 2 in the lead and up to 1 elsewhere, less in long texts; a facet's share
    /// rises with the sum and never reaches 1; the score is the geometric mean of the shares, so no facet can be
    /// made up for by another.
    pub(crate) fn score(&self, scored: &Scored) -> (u8, Vec<FacetShare>) {
        let shares: Vec<f64> = scored.facets.iter().map(|(node, _)| self.share(*node)).collect();
        #[expect(clippy::cast_precision_loss, reason = "a handful of facets")]
        let power = 1.0 / shares.len().max(1) as f64;
        let mean = shares.iter().product::<f64>().powf(power);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        let score = (100.0 * mean).round() as u8;
        let shares = scored.facets.iter().zip(shares).map(|((_, query), share)| FacetShare {
            query: query.clone(),
            share: (share * 100.0).round() / 100.0,
        });
        (score, shares.collect())
    }

    fn share(&self, facet: NodeId) -> f64 {
        if !self.is_true(facet, EVERYWHERE) {
            return 0.0;
        }
        let mut marks = Vec::new();
        self.marks(facet, EVERYWHERE, None, None, &mut marks);
        // A place counts once, for its longest and weightiest term.
        marks.sort_by(|a, b| {
            let key = |mark: &Mark| (mark.span.start, std::cmp::Reverse(mark.span.end));
            key(a).cmp(&key(b)).then(self.boost(b).total_cmp(&self.boost(a)))
        });
        let mut weight = 0.0;
        let mut end = 0;
        for mark in &marks {
            if mark.span.start >= end {
                weight += self.boost(mark) * self.weight(mark);
                end = mark.span.end;
            }
        }
        // A facet that is all conditions (lang:ko) or exclusions holds, and neither adds nor takes away.
        if marks.is_empty() { 1.0 } else { weight / (weight + HALF) }
    }

    fn boost(&self, mark: &Mark) -> f64 {
        self.program.boosts.get(&mark.leaf).map_or(1.0, |boost| f64::from(*boost))
    }

    fn weight(&self, mark: &Mark) -> f64 {
        let body = self.scratch.body;
        if mark.span.start < body {
            4.0
        } else if mark.span.start < body + LEAD {
            2.0
        } else {
            (200.0 / f64::from(self.scratch.body_words().max(1))).min(1.0)
        }
    }

    // --- places ------------------------------------------------------------------------------------------------

    /// Marks as places in the article's headline and text.
    pub(crate) fn places(&self, marks: &[Mark]) -> Vec<Span> {
        let mut title = Points::new(self.document.title);
        let mut body = Points::new(self.document.text);
        marks.iter().map(|mark| self.span(mark, &mut title, &mut body)).collect()
    }

    fn span<'p>(&self, mark: &Mark, title: &mut Points<'p>, body: &mut Points<'p>) -> Span {
        let (in_body, start, _) = self.scratch.place(mark.span.start);
        let (_, _, end) = self.scratch.place(mark.span.end - 1);
        let (field, points) = if in_body { (Field::Body, body) } else { (Field::Title, title) };
        let text = points.text[start as usize..end as usize].to_owned();
        let leaf = self.program.leaf(mark.leaf);
        Span {
            concept: mark.concept.map(|concept| self.program.concepts[concept as usize].clone()),
            term: self.program.term(leaf).to_owned(),
            field,
            start: points.count(start as usize),
            end: points.count(end as usize),
            text,
        }
    }

    /// One line of text around the place that says most.
    pub(crate) fn excerpt(&self, spans: &[Span]) -> String {
        let body: Vec<&Span> = spans.iter().filter(|span| span.field == Field::Body).collect();
        let length = u32::try_from(EXCERPT).unwrap_or(u32::MAX);
        // Where most different terms stand together; the first such place.
        let mut terms = Vec::new();
        let best = body.iter().enumerate().rev().max_by_key(|(at, first)| {
            let near = body[*at..].iter().take_while(|span| span.end <= first.start + length * 2 / 3);
            terms.clear();
            terms.extend(near.map(|span| (&span.concept, &span.term)));
            terms.sort_unstable();
            terms.dedup();
            terms.len()
        });
        match best {
            Some((_, first)) => around(self.document.text, first.start as usize),
            None if spans.is_empty() => around(self.document.text, 0),
            None => around(self.document.title, 0),
        }
    }
}

/// Counts code points up to byte offsets that mostly ascend.
#[derive(Debug)]
struct Points<'t> {
    text: &'t str,
    byte: usize,
    point: usize,
}

impl<'t> Points<'t> {
    const fn new(text: &'t str) -> Self {
        Self { text, byte: 0, point: 0 }
    }

    fn count(&mut self, byte: usize) -> u32 {
        if byte < self.byte {
            (self.byte, self.point) = (0, 0);
        }
        self.point += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        u32::try_from(self.point).unwrap_or(u32::MAX)
    }
}

/// The text around a code point, on one line, cut at words.
fn around(text: &str, point: usize) -> String {
    let from = point.saturating_sub(EXCERPT / 3);
    let behind = |text: &str, points: usize| text.char_indices().nth(points).map(|(at, _)| at);
    let mut slice = &text[behind(text, from).unwrap_or(text.len())..];
    let end = behind(slice, EXCERPT);
    slice = &slice[..end.unwrap_or(slice.len())];
    let space = |(_, c): &(usize, char)| c.is_whitespace();
    if from > 0 {
        // Not in the middle of a word, where words are spaced.
        let lead = slice.char_indices().take(CUT).find(space);
        slice = &slice[lead.map_or(0, |(at, c)| at + c.len_utf8())..];
    }
    if end.is_some() {
        let tail = slice.char_indices().rev().take(CUT - 1).find(space);
        slice = &slice[..tail.map_or(slice.len(), |(at, _)| at)];
    }
    let mut line = String::with_capacity(slice.len() + 8);
    let mut words = slice.split_whitespace();
    line.push_str(if from > 0 { "… " } else { "" });
    line.push_str(words.next().unwrap_or_default());
    for word in words {
        line.push(' ');
        line.push_str(word);
    }
    line.push_str(if end.is_some() { " …" } else { "" });
    line
}
