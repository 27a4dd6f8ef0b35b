//! What the matcher costs by number of topics, beside what one would write without an index, and beside the least that any
//! program has to do. `benches/matcher.rs` says what the figures mean.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "figures for people"
)]

mod language;
mod others;
mod topics;

use std::hint::black_box;

use fastrand::Rng;
use language::Language;
use topics::{Wanted, specs};
use wirewatch::domain::article::Document;
use wirewatch::domain::topic::Matcher as _;
use wirewatch::matching::{Frequencies, compile};

pub(crate) use language::Article;

/// How long one contestant runs at a time, in nanoseconds of CPU time: long enough for the kernel's accounts to be right.
const TURN: u64 = 60_000_000;

/// What is measured, and how thoroughly.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Numbers of topics.
    pub(crate) sizes: Vec<usize>,
    /// How many turns each contestant gets.
    pub(crate) turns: usize,
    /// Whether the comparisons run, too.
    pub(crate) others: bool,
    /// Tells how many bytes are in use, where that can be told.
    pub(crate) in_use: fn() -> Option<usize>,
}

/// One who reads articles and counts the topics that match.
struct Contestant<'c> {
    what: &'static str,
    one: Box<dyn FnMut(&Article) -> usize + 'c>,
    /// How many of the articles it is asked about.
    articles: usize,
    built: f64,
    tuned: f64,
    bytes: Option<usize>,
    /// The best turn in microseconds an article, of short ones and of long ones.
    best: [f64; 2],
    matches: usize,
}

impl<'c> Contestant<'c> {
    fn new(what: &'static str, articles: usize, one: impl FnMut(&Article) -> usize + 'c) -> Self {
        let best = [f64::MAX; 2];
        Self { what, one: Box::new(one), articles, built: 0.0, tuned: 0.0, bytes: None, best, matches: 0 }
    }

    /// Reads articles for one turn.
    fn turn(&mut self, kind: usize, articles: &[Article]) {
        let articles = &articles[..self.articles.min(articles.len())];
        let (mut spent, mut done) = (0, 0);
        while spent < TURN {
            let before = cpu();
            let matches = articles.iter().map(&mut self.one).sum();
            spent += cpu() - before;
            done += articles.len();
            if kind == 0 {
                self.matches = matches;
            }
        }
        self.best[kind] = self.best[kind].min(spent as f64 / 1000.0 / done as f64);
    }
}

/// Which topics, and how they are arranged.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Mixed,
    /// Without a sample of articles: what is rare is guessed.
    Guessed,
}

/// Prints a table for all sizes.
pub(crate) fn measure(plan: &Plan) {
    let language = Language::new();
    let mut rng = Rng::with_seed(3);
    let mut articles = |count: usize, words: usize| -> Vec<Article> {
        (0..count).map(|number| language.article(words, number, &mut rng)).collect()
    };
    let (short, long, sample) = (articles(2_000, 200), articles(500, 800), articles(2_000, 300));
    let wanted = topics::topics(&language, plan.sizes.iter().copied().max().unwrap_or(0));
    topics::describe(&short, &wanted);
    println!();
    println!(
        "| topics | what | µs, 200 words | ratio | µs, 800 words | matches an article | built in s | tuned in s | bytes a topic |"
    );
    println!("| --: | --- | --: | --: | --: | --: | --: | --: | --: |");
    for size in &plan.sizes {
        let wanted = &wanted[..*size];
        let ours = |kind| ours(wanted, kind, &sample, &short[0], plan.in_use);
        let mut all = vec![ours(Kind::Plain), ours(Kind::Mixed), ours(Kind::Guessed)];
        all.push(others::floor(wanted));
        if *size == plan.sizes[0] {
            all.push(others::boilerplate());
        }
        if plan.others {
            all.push(others::aho_corasick(wanted, plan.in_use));
            if *size <= 1_000 {
                all.push(others::regular_expressions(wanted, plan.in_use));
            }
        }
        race(&mut all, plan.turns, &short, &long);
        let base = all[0].best[0];
        for one in &all {
            print(*size, one, base, short.len());
        }
    }
}

/// Lets all run in turns, so that what else the machine does falls on all of them, and keeps the best turn of each.
fn race(all: &mut [Contestant<'_>], turns: usize, short: &[Article], long: &[Article]) {
    for turn in 0..=turns {
        for one in all.iter_mut() {
            one.turn(0, short);
            if one.articles >= long.len() {
                one.turn(1, long);
            }
            if turn == 0 {
                // The first one warms up.
                one.best = [f64::MAX; 2];
            }
        }
    }
}

fn document(article: &Article) -> Document<'_> {
    Document { title: &article.title, text: &article.text, lang: Some("en"), ..Document::default() }
}

fn ours<'c>(
    wanted: &[Wanted],
    kind: Kind,
    sample: &[Article],
    first: &Article,
    in_use: fn() -> Option<usize>,
) -> Contestant<'c> {
    let specs = specs(wanted, kind == Kind::Mixed);
    let bytes_before = in_use();
    let before = cpu();
    let compiled = compile(&[], &specs);
    let built = seconds_since(before);
    assert_eq!(compiled.set.len(), wanted.len(), "{:?}", compiled.diagnostics.first());
    let mut set = compiled.set;
    drop(compiled.diagnostics);
    let before = cpu();
    if kind != Kind::Guessed {
        set = set.tuned(&Frequencies::of(sample.iter().map(document)));
    }
    let tuned = seconds_since(before);
    // The stems of the language are looked up with the first article.
    black_box(set.matches(&document(first)));
    let bytes = bytes_each(bytes_before, in_use(), wanted.len());
    let what = match kind {
        Kind::Plain => "wirewatch",
        Kind::Mixed => "wirewatch, mixed",
        Kind::Guessed => "wirewatch, frequencies guessed",
    };
    let one = move |article: &Article| set.matches(&document(article)).len();
    Contestant { built, tuned, bytes, ..Contestant::new(what, usize::MAX, one) }
}

fn print(topics: usize, one: &Contestant<'_>, base: f64, articles: usize) {
    let Contestant { what, built, tuned, .. } = one;
    let [short, long] = one.best;
    let long = if long < f64::MAX { format!("{long:.1}") } else { "–".to_owned() };
    let bytes = one.bytes.map_or_else(|| "–".to_owned(), |bytes| bytes.to_string());
    let ratio = short / base;
    let matches = one.matches as f64 / one.articles.min(articles) as f64;
    println!(
        "| {topics} | {what} | {short:.1} | {ratio:.2} | {long} | {matches:.3} | {built:.2} | {tuned:.2} | {bytes} |"
    );
}

/// CPU time of this thread so far, in nanoseconds.
fn cpu() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).expect("time since the start")
}

fn seconds_since(before: u64) -> f64 {
    (cpu() - before) as f64 / 1e9
}

fn bytes_each(before: Option<usize>, now: Option<usize>, topics: usize) -> Option<usize> {
    Some(now?.saturating_sub(before?) / topics)
}
