//! Matching speed by number of topics, beside what one would write without an index.
//!
//! Method. Articles are made from an invented vocabulary of 60,000 words with Zipf frequencies, English suffixes and
//! sentence punctuation. A topic has three facets of five alternatives; a third of the alternatives are phrases of two
//! or three words that stand in some article, three topics in ten exclude a word. The first facet is an entity: names
//! that hardly any article has, but for one topic in twenty. In the set `mixed` a tenth of the topics use NEAR, Han phrases or wildcards instead.
//! Everything is on: folding, stems, capitals rule, offsets. One thread, warm caches: `cargo bench --bench matcher`.
//!
//! Beside it, in the same run and on the same articles: one regular expression per facet (1,000 topics), and one
//! Aho-Corasick automaton over all literals with Boolean evaluation by bit sets. They match less well (no stems).

use std::hint::black_box;

use aho_corasick::{AhoCorasick, MatchKind};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fastrand::Rng;
use wirewatch::domain::TopicId;
use wirewatch::domain::article::Document;
use wirewatch::domain::topic::{Matcher as _, TopicRule, TopicSpec};
use wirewatch::matching::{TopicSet, compile};

const VOCABULARY: usize = 60_000;
const ARTICLES: usize = 400;
const SYLLABLES: [&str; 24] = [
    "ba", "cor", "den", "fal", "gri", "hon", "jas", "kel", "lum", "mar", "nor", "pel", "quin", "ras", "sol",
    "tan", "ur", "vel", "wes", "yor", "zan", "tri", "sta", "ple",
];
const SUFFIXES: [&str; 8] = ["", "", "", "s", "ed", "ing", "ation", "er"];

/// Words and articles, the same for every run.
struct World {
    rng: Rng,
    words: Vec<String>,
}

impl World {
    fn new() -> Self {
        let mut rng = Rng::with_seed(7);
        let mut words: Vec<String> = (0..VOCABULARY).map(|_| word(&mut rng)).collect();
        words.sort_unstable();
        words.dedup();
        rng.shuffle(&mut words);
        Self { rng, words }
    }

    /// A word by Zipf's law.
    fn frequent(&mut self) -> String {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank"
        )]
        let rank = ((self.words.len() as f64).powf(self.rng.f64()) - 1.0) as usize;
        let suffix = SUFFIXES[self.rng.usize(..SUFFIXES.len())];
        format!("{}{suffix}", self.words[rank.min(self.words.len() - 1)])
    }

    /// A word of middling frequency, such as topics are made of.
    fn telling(&mut self) -> String {
        let rank = self.rng.usize(300..self.words.len());
        self.words[rank].clone()
    }

    fn article(&mut self, length: usize) -> String {
        let mut text = String::new();
        for at in 0..length {
            let word = self.frequent();
            let mark = if at % 17 == 16 {
                ". "
            } else if at % 9 == 8 {
                ", "
            } else {
                " "
            };
            text.push_str(&word);
            text.push_str(mark);
        }
        text
    }
}

fn word(rng: &mut Rng) -> String {
    (0..rng.usize(2..4)).map(|_| SYLLABLES[rng.usize(..SYLLABLES.len())]).collect()
}

/// What a topic asks for, before it becomes a query of some engine.
struct Wanted {
    facets: Vec<Vec<String>>,
    exclude: Option<String>,
}

fn topics(world: &mut World, articles: &[String], count: usize) -> Vec<Wanted> {
    let phrase = |world: &mut World| {
        let words: Vec<&str> = articles[world.rng.usize(..articles.len())].split_whitespace().collect();
        let at = world.rng.usize(..words.len() - 3);
        let length = world.rng.usize(2..4);
        words[at..at + length].join(" ").replace(['.', ','], "")
    };
    (0..count)
        .map(|number| {
            let facets = (0..3)
                .map(|facet| {
                    let mut alternative = |index: usize| match (facet, index) {
                        (0, _) => format!("{}{number}x{index}", world.telling()),
                        _ if world.rng.u8(..100) < 35 => phrase(world),
                        _ => world.telling(),
                    };
                    let mut all: Vec<String> = (0..5).map(&mut alternative).collect();
                    // Now and then an entity that is in the news.
                    if facet == 0 && number.is_multiple_of(20) {
                        all.push(world.telling());
                    }
                    all
                })
                .collect();
            let exclude = (world.rng.u8(..10) < 3).then(|| world.telling());
            Wanted { facets, exclude }
        })
        .collect()
}

fn query(wanted: &Wanted, number: usize, mixed: bool) -> String {
    let group = |alternatives: &[String]| {
        let quoted: Vec<String> = alternatives.iter().map(|term| format!("\"{term}\"")).collect();
        format!("({})", quoted.join(" OR "))
    };
    let groups: Vec<String> = wanted.facets.iter().map(|facet| group(facet)).collect();
    let mut query = match (mixed && number.is_multiple_of(10), number / 10 % 3) {
        (true, 0) => format!("{} AND {} NEAR/10 {}", groups[0], groups[1], groups[2]),
        (true, 1) => format!("({} OR 朝鲜军队 OR 北朝鮮兵) AND {} AND {}", groups[0], groups[1], groups[2]),
        (true, _) => {
            format!("{} AND ({} OR {}*) AND {}", groups[0], groups[1], &wanted.facets[1][0], groups[2])
        }
        _ => groups.join(" AND "),
    };
    if let Some(word) = &wanted.exclude {
        query = format!("{query} NOT {word}");
    }
    query
}

fn set(wanted: &[Wanted], mixed: bool) -> TopicSet {
    let specs: Vec<TopicSpec> = wanted
        .iter()
        .enumerate()
        .map(|(number, wanted)| TopicSpec {
            id: TopicId::parse(&format!("t{number}")).expect("an id"),
            rule: TopicRule::Query(query(wanted, number, mixed)),
            exclude: vec![],
        })
        .collect();
    let compiled = compile(&[], &specs);
    assert_eq!(compiled.set.len(), wanted.len(), "{:?}", compiled.diagnostics.first());
    compiled.set
}

fn document(text: &str) -> Document<'_> {
    let (title, text) = text.split_at(text.find(". ").map_or(0, |at| at + 2));
    Document {
        title,
        text,
        lang: Some("en"),
        url: None,
        authors: &[],
        feeds: &[],
        tags: &[],
        boilerplate: &[],
    }
}

#[expect(clippy::print_stderr, reason = "what the times stand beside")]
fn matching(criterion: &mut Criterion) {
    let mut world = World::new();
    let short: Vec<String> = (0..ARTICLES).map(|_| world.article(200)).collect();
    let long: Vec<String> = (0..ARTICLES / 4).map(|_| world.article(800)).collect();
    let wanted = topics(&mut world, &short, 100_000);
    for count in [1_000, 10_000, 100_000] {
        for mixed in [false, true] {
            let before = resident();
            let set = set(&wanted[..count], mixed);
            let name = if mixed { "mixed" } else { "plain" };
            let hits: usize = short.iter().map(|text| set.matches(&document(text)).len()).sum();
            let per_topic = resident().saturating_sub(before) / count;
            eprintln!(
                "{count} topics, {name}: {hits} matches in {ARTICLES} articles; {per_topic} bytes of memory a topic"
            );
            for (length, articles) in [(200, &short), (800, &long)] {
                let mut group = criterion.benchmark_group(format!("{length} words"));
                group.throughput(Throughput::Elements(1));
                let mut at = 0;
                group.bench_function(BenchmarkId::new(name, count), |bench| {
                    bench.iter(|| {
                        at = (at + 1) % articles.len();
                        black_box(set.matches(&document(&articles[at])))
                    });
                });
            }
        }
        // The automaton of 100,000 topics takes a minute to build.
        if std::env::var_os("WITHOUT_OTHERS").is_none() {
            aho_corasick(criterion, &short, &wanted[..count]);
        }
    }
    regular_expressions(criterion, &short, &wanted[..1_000]);
}

/// Memory in use by this process, in bytes; Linux only, else zero.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn aho_corasick(criterion: &mut Criterion, articles: &[String], wanted: &[Wanted]) {
    let mut literals: Vec<String> = Vec::new();
    let mut facets: Vec<Vec<usize>> = Vec::new();
    for topic in wanted {
        for facet in &topic.facets {
            facets.push((literals.len()..literals.len() + facet.len()).collect());
            literals.extend(facet.iter().cloned());
        }
    }
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(&literals)
        .expect("an automaton");
    let mut group = criterion.benchmark_group("200 words");
    let mut at = 0;
    group.bench_function(BenchmarkId::new("aho-corasick and Boolean", wanted.len()), |bench| {
        bench.iter(|| {
            at = (at + 1) % articles.len();
            let mut seen = vec![false; literals.len()];
            for found in automaton.find_overlapping_iter(&articles[at]) {
                seen[found.pattern().as_usize()] = true;
            }
            let holds =
                |facets: &[Vec<usize>]| facets.iter().all(|facet| facet.iter().any(|term| seen[*term]));
            black_box(facets.chunks(3).filter(|facets| holds(facets)).count())
        });
    });
}

fn regular_expressions(criterion: &mut Criterion, articles: &[String], wanted: &[Wanted]) {
    let regexes: Vec<Vec<regex_automata::meta::Regex>> = wanted
        .iter()
        .map(|topic| {
            let regex = |facet: &Vec<String>| {
                let pattern = format!(r"(?i)\b(?:{})\b", facet.join("|"));
                regex_automata::meta::Regex::new(&pattern).expect("a pattern")
            };
            topic.facets.iter().map(regex).collect()
        })
        .collect();
    let mut group = criterion.benchmark_group("200 words");
    group.sample_size(10);
    let mut at = 0;
    group.bench_function(BenchmarkId::new("a regex per facet", wanted.len()), |bench| {
        bench.iter(|| {
            at = (at + 1) % articles.len();
            let text = articles[at].as_str();
            let holds =
                |facets: &Vec<regex_automata::meta::Regex>| facets.iter().all(|facet| facet.is_match(text));
            black_box(regexes.iter().filter(|facets| holds(facets)).count())
        });
    });
}

criterion_group!(benches, matching);
criterion_main!(benches);
