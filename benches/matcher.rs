//! What the matcher costs by number of topics, beside what one would write without an index.
//!
//! `cargo bench --bench matcher` prints tables: CPU time of the one thread an article, the best of several rounds over
//! all articles after one that warms up; CPU time to compile the topics; bytes still allocated when that is done.
//! `WITHOUT_OTHERS=1` leaves the comparisons out, `TOPICS=1000,10000` asks for other sizes.
//!
//! **Articles.** 2,000 of 200 words, 500 of 800, in an invented language made to measure like English news: 5.2 bytes a
//! word with its space, 26,000 different words in 400,000 (news has fewer: some 20,000, of 5.9 bytes), frequencies
//! after Zipf and Mandelbrot, endings that the English stemmer takes off, capitals, sentences, paragraphs, names, hyphens
//! and possessives. A word is often followed by one of its few companions, so that two words in a row repeat as they do in
//! a language. One article in ten quotes a sentence of Chinese characters.
//!
//! **Topics.** Three facets of five alternatives, all three needed; 35 of 100 alternatives are phrases of two or three
//! words, 30 of 100 topics exclude a word. Terms come from other articles of the same language; the first facet is of
//! names, most of which stand in no article at all, the others of words of middling frequency. 100,000 topics look for
//! 650,000 different terms and give 0.8 alerts an article; topics made from real news looked for 540,000 and gave 1.3.
//! In the set `mixed` one topic in ten uses NEAR, Chinese phrases or wildcards as well.
//!
//! **Everything is on**: folding, stems, capitals, hyphens, offsets, and what an alert says (its places and its excerpt).
//!
//! **Beside it**, on the same articles in the same run: one case-insensitive regular expression for each facet and each
//! exclusion, as far as they are asked (1,000 topics); and one Aho-Corasick automaton over all different terms, whole words
//! only, with a Boolean test of those topics of which a first facet's term was seen. Neither knows stems or capitals.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "figures for people"
)]

use std::alloc::System;
use std::collections::{HashMap, HashSet};
use std::hint::black_box;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use fastrand::Rng;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use wirewatch::domain::TopicId;
use wirewatch::domain::article::Document;
use wirewatch::domain::topic::{Matcher as _, TopicRule, TopicSpec};
use wirewatch::matching::{Frequencies, TopicSet, compile};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many rounds the best is taken of.
const ROUNDS: usize = 5;
const WORDS: usize = 9_000;
const NAMES: usize = 3_000;
/// Names that are only in topics.
const UNHEARD: usize = 400_000;
const CONSONANTS: &[u8] = b"bdfghjklmnprstvwz";
const VOWELS: &[u8] = b"aeiou";
/// Words of lower rank are in no topic.
const TELLING: f64 = 120.0;
/// Phrases are not of these alone.
const FREQUENT: usize = 60;
/// How many of a hundred topics are about names that are in the news.
const HEARD_OF: u8 = 2;
/// Half of the words have one form, a third two, the rest four.
const ENDINGS: [&[&str]; 6] = [&[""], &[""], &[""], &["", "", "s"], &["", "", "s"], &["", "s", "ed", "ing"]];

// --- a language ----------------------------------------------------------------------------------------------------

struct Language {
    words: Vec<String>,
    names: Vec<String>,
    /// How often one of the first so many words is meant.
    up_to: Vec<f64>,
}

impl Language {
    fn new() -> Self {
        let mut rng = Rng::with_seed(11);
        let mut words: Vec<String> = Vec::with_capacity(WORDS);
        let mut known = HashSet::new();
        while words.len() < WORDS {
            // The frequent ones are short.
            let syllables = match words.len() {
                0..60 => 1,
                60..600 => 2,
                _ => 2 + usize::from(rng.u8(..3) > 0),
            };
            let word = word(&mut rng, syllables);
            if known.insert(word.clone()) {
                words.push(word);
            }
        }
        let mut sum = 0.0;
        let mut up_to = Vec::with_capacity(WORDS);
        for rank in 0..u32::try_from(WORDS).expect("a small number") {
            sum += 1.0 / (f64::from(rank) + 3.7);
            up_to.push(sum);
        }
        let names = (0..NAMES).map(|_| name(&mut rng)).collect();
        Self { words, names, up_to }
    }

    fn rank(&self, rng: &mut Rng) -> usize {
        let at = rng.f64() * self.up_to[WORDS - 1];
        self.up_to.partition_point(|up_to| *up_to < at).min(WORDS - 1)
    }

    /// The rank of a word that likes to stand behind the one of `rank`.
    fn companion(&self, rank: usize, rng: &mut Rng) -> usize {
        let choice = [0, 0, 0, 1, 1, 2, 3, 4][rng.usize(..8)];
        self.rank(&mut Rng::with_seed((rank * 8 + choice) as u64))
    }

    /// A word in one of its forms.
    fn form(&self, rank: usize, rng: &mut Rng) -> String {
        let endings = if rank < 60 { &[""] } else { ENDINGS[rank % ENDINGS.len()] };
        format!("{}{}", self.words[rank], endings[rng.usize(..endings.len())])
    }

    fn sentence(&self, length: usize, rng: &mut Rng, out: &mut Vec<String>) {
        let mut before = None;
        for at in 0..length {
            if rng.u8(..100) < 3 {
                let at = (rng.f64() * rng.f64() * NAMES as f64) as usize;
                out.push(self.names[at].clone());
                before = None;
                continue;
            }
            let rank = match before {
                Some(before) if rng.u8(..100) < 45 => self.companion(before, rng),
                _ => self.rank(rng),
            };
            before = Some(rank);
            let mut word = self.form(rank, rng);
            if at == 0 {
                word = capital(&word);
            }
            match rng.u16(..400) {
                0 => word.push_str("'s"),
                1 => word = format!("{word}-{}", self.words[self.rank(rng)]),
                2 => word = format!("\"{word}\""),
                3 => word = rng.u32(2..3_000).to_string(),
                _ => {}
            }
            out.push(word);
        }
    }

    fn article(&self, length: usize, number: usize, rng: &mut Rng) -> Article {
        let mut words = Vec::new();
        self.sentence(8, rng, &mut words);
        let title = words.join(" ");
        let mut text = String::new();
        let mut left = length - words.len();
        let mut sentences = 0;
        while left > 0 {
            words.clear();
            self.sentence(rng.usize(8..30).min(left), rng, &mut words);
            left -= words.len();
            for (at, word) in words.iter().enumerate() {
                text.push_str(word);
                text.push_str(match (at + 1 == words.len(), rng.u8(..15)) {
                    (true, _) => ".",
                    (false, 0) => ", ",
                    _ => " ",
                });
            }
            sentences += 1;
            if sentences == 3 && number.is_multiple_of(10) {
                text.push(' ');
                text.extend((0..24).map(|_| han(rng)));
                text.push('。');
            }
            text.push_str(if sentences % 3 == 0 { "\n\n" } else { " " });
        }
        Article { title, text }
    }
}

struct Article {
    title: String,
    text: String,
}

fn word(rng: &mut Rng, syllables: usize) -> String {
    let letter = |of: &[u8], rng: &mut Rng| char::from(of[rng.usize(..of.len())]);
    (0..syllables).flat_map(|_| [letter(CONSONANTS, rng), letter(VOWELS, rng)]).collect()
}

fn name(rng: &mut Rng) -> String {
    let syllables = rng.usize(2..4);
    capital(&word(rng, syllables))
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

fn han(rng: &mut Rng) -> char {
    char::from_u32(0x4e00 + rng.u32(..400) * 7).expect("a character")
}

// --- topics --------------------------------------------------------------------------------------------------------

/// What a topic asks for, before it becomes a query of some engine.
struct Wanted {
    facets: Vec<Vec<String>>,
    exclude: Option<String>,
}

fn topics(language: &Language, count: usize) -> Vec<Wanted> {
    let mut rng = Rng::with_seed(5);
    let unheard: Vec<String> =
        (0..UNHEARD).map(|_| format!("{}x{}", name(&mut rng), word(&mut rng, 1))).collect();
    let elsewhere: Vec<Article> = (0..4_000).map(|_| language.article(400, 1, &mut rng)).collect();
    let elsewhere: Vec<Vec<&str>> =
        elsewhere.iter().map(|article| article.text.split([' ', '\n']).collect()).collect();
    let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase()) && !word.is_empty();
    let frequent: HashSet<&str> = language.words[..FREQUENT].iter().map(String::as_str).collect();
    let phrase = |rng: &mut Rng| loop {
        let words = &elsewhere[rng.usize(..elsewhere.len())];
        let at = rng.usize(..words.len() - 3);
        let row = &words[at..at + rng.usize(2..4)];
        if row.iter().all(|word| plain(word)) && row.iter().any(|word| !frequent.contains(word)) {
            return row.join(" ");
        }
    };
    // Each tenfold of ranks is as likely as the next.
    let telling = |rng: &mut Rng| {
        let rank = TELLING * (WORDS as f64 / TELLING).powf(rng.f64());
        language.form((rank as usize).min(WORDS - 1), rng)
    };
    let entity = |rng: &mut Rng, heard: bool| {
        let one = |rng: &mut Rng| {
            if heard {
                language.names[rng.usize(NAMES / 4..NAMES)].clone()
            } else {
                unheard[rng.usize(..UNHEARD)].clone()
            }
        };
        if rng.u8(..100) < 35 { format!("{} {}", one(rng), one(rng)) } else { one(rng) }
    };
    let wanted = |_| {
        let facet = |number: usize, rng: &mut Rng| -> Vec<String> {
            let heard = rng.u8(..100) < HEARD_OF;
            let term = |rng: &mut Rng| match number {
                0 => entity(rng, heard),
                _ if rng.u8(..100) < 35 => phrase(rng),
                _ => telling(rng),
            };
            (0..5).map(|_| term(rng)).collect()
        };
        let facets = (0..3).map(|number| facet(number, &mut rng)).collect();
        Wanted { facets, exclude: (rng.u8(..10) < 3).then(|| telling(&mut rng)) }
    };
    (0..count).map(wanted).collect()
}

fn query(wanted: &Wanted, number: usize, mixed: bool) -> String {
    let mut rng = Rng::with_seed(number as u64);
    let mut groups: Vec<Vec<String>> =
        wanted.facets.iter().map(|facet| facet.iter().map(|term| format!("\"{term}\"")).collect()).collect();
    let kind = (mixed && number.is_multiple_of(10)).then_some(number / 10 % 3);
    if kind == Some(1) {
        for _ in 0..2 {
            let length = rng.usize(2..5);
            groups[0].push((0..length).map(|_| han(&mut rng)).collect());
        }
    }
    if kind == Some(2) {
        let word = |rng: &mut Rng| wanted.facets[1][rng.usize(..5)].replace(' ', "");
        let (one, other) = (word(&mut rng), word(&mut rng));
        groups[1].push(format!("{}*", &one[..one.len().min(5)]));
        groups[2].push(format!("*{}", &other[other.len().saturating_sub(6)..]));
    }
    let groups: Vec<String> = groups.iter().map(|group| format!("({})", group.join(" OR "))).collect();
    let query = match kind {
        Some(0) => format!("{} AND {} NEAR/10 {}", groups[0], groups[1], groups[2]),
        _ => groups.join(" AND "),
    };
    match &wanted.exclude {
        Some(word) => format!("{query} AND NOT {word}"),
        None => query,
    }
}

fn specs(wanted: &[Wanted], mixed: bool) -> Vec<TopicSpec> {
    let spec = |(number, wanted)| TopicSpec {
        id: TopicId::parse(&format!("t{number}")).expect("an id"),
        rule: TopicRule::Query(query(wanted, number, mixed)),
        exclude: vec![],
    };
    wanted.iter().enumerate().map(spec).collect()
}

// --- measuring -----------------------------------------------------------------------------------------------------

/// CPU time of this thread so far, in nanoseconds; Linux only.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel's accounts");
    text.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

/// Microseconds an article: the best of several rounds over all of them, and what the rounds counted.
fn time(articles: &[Article], mut one: impl FnMut(&Article) -> usize) -> (f64, usize) {
    let mut best = f64::MAX;
    let mut count = 0;
    for round in 0..=ROUNDS {
        // A round takes long enough for the kernel's accounts to be right.
        let mut spent = 0;
        let mut done = 0;
        while spent < 150_000_000 {
            let before = cpu();
            count = articles.iter().map(&mut one).sum();
            spent += cpu() - before;
            done += articles.len();
        }
        if round > 0 {
            best = best.min(spent as f64 / 1000.0 / done as f64);
        }
    }
    (best, count)
}

struct Row {
    topics: usize,
    what: &'static str,
    short: f64,
    long: Option<f64>,
    matches: usize,
    build: f64,
    tune: f64,
    bytes: usize,
}

fn document(article: &Article) -> Document<'_> {
    Document { title: &article.title, text: &article.text, lang: Some("en"), ..Document::default() }
}

/// Which topics, and how they are arranged.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    /// Without a sample of articles: what is rare is guessed.
    Guessed,
    Mixed,
}

fn ours(wanted: &[Wanted], kind: Kind, sample: &[Article], short: &[Article], long: &[Article]) -> Row {
    let specs = specs(wanted, kind == Kind::Mixed);
    let region = Region::new(ALLOCATOR);
    let before = cpu();
    let compiled = compile(&[], &specs);
    let build = (cpu() - before) as f64 / 1e9;
    assert_eq!(compiled.set.len(), wanted.len(), "{:?}", compiled.diagnostics.first());
    let mut set: TopicSet = compiled.set;
    drop(compiled.diagnostics);
    let before = cpu();
    if kind != Kind::Guessed {
        set = set.tuned(&Frequencies::of(sample.iter().map(document)));
    }
    let tune = (cpu() - before) as f64 / 1e9;
    // The stems of the language are looked up with the first article.
    black_box(set.matches(&document(&short[0])));
    let change = region.change();
    let bytes = (change.bytes_allocated - change.bytes_deallocated) / wanted.len();
    let one = |article: &Article| set.matches(&document(article)).len();
    let (short, matches) = time(short, one);
    let (long, _) = time(long, one);
    let what = match kind {
        Kind::Plain => "wirewatch",
        Kind::Guessed => "wirewatch, frequencies guessed",
        Kind::Mixed => "wirewatch, mixed",
    };
    Row { topics: wanted.len(), what, short, long: Some(long), matches, build, tune, bytes }
}

// --- beside it -----------------------------------------------------------------------------------------------------

fn aho_corasick(wanted: &[Wanted], articles: &[Article], long: &[Article]) -> Row {
    let mut ids: HashMap<&str, u32> = HashMap::new();
    let mut literals: Vec<&str> = Vec::new();
    let region = Region::new(ALLOCATOR);
    let before = cpu();
    let mut id = |term| {
        *ids.entry(term).or_insert_with(|| {
            literals.push(term);
            u32::try_from(literals.len() - 1).expect("fewer terms")
        })
    };
    let mut topics: Vec<[Vec<u32>; 4]> = Vec::new();
    for topic in wanted {
        let mut own: [Vec<u32>; 4] = Default::default();
        for (facet, terms) in own.iter_mut().zip(&topic.facets) {
            facet.extend(terms.iter().map(|term| id(term.as_str())));
        }
        own[3].extend(topic.exclude.iter().map(|term| id(term.as_str())));
        topics.push(own);
    }
    let mut access: Vec<Vec<u32>> = vec![Vec::new(); literals.len()];
    for (number, topic) in (0..).zip(&topics) {
        for term in &topic[0] {
            access[*term as usize].push(number);
        }
    }
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(&literals)
        .expect("an automaton");
    let build = (cpu() - before) as f64 / 1e9;
    let change = region.change();
    let bytes = (change.bytes_allocated - change.bytes_deallocated) / wanted.len();
    let mut seen = vec![false; literals.len()];
    let mut found: Vec<u32> = Vec::new();
    let mut one = |article: &Article| {
        found.clear();
        for text in [&article.title, &article.text] {
            let letter = |at: Option<usize>| {
                at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_alphanumeric)
            };
            for hit in automaton.find_overlapping_iter(text) {
                let term = hit.pattern().as_usize();
                if !seen[term] && !letter(hit.start().checked_sub(1)) && !letter(Some(hit.end())) {
                    seen[term] = true;
                    found.push(hit.pattern().as_u32());
                }
            }
        }
        let any = |terms: &[u32]| terms.iter().any(|term| seen[*term as usize]);
        let mut candidates: Vec<u32> =
            found.iter().flat_map(|term| access[*term as usize].iter().copied()).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let holds = |topic: &&u32| {
            let [_, two, three, not] = &topics[**topic as usize];
            any(two) && any(three) && !any(not)
        };
        let matches = candidates.iter().filter(holds).count();
        for term in &found {
            seen[*term as usize] = false;
        }
        matches
    };
    let (short, matches) = time(articles, &mut one);
    let (long, _) = time(long, &mut one);
    Row {
        topics: wanted.len(),
        what: "aho-corasick and Boolean",
        short,
        long: Some(long),
        matches,
        build,
        tune: 0.0,
        bytes,
    }
}

fn regular_expressions(wanted: &[Wanted], articles: &[Article]) -> Row {
    use regex_automata::meta::Regex;
    let region = Region::new(ALLOCATOR);
    let before = cpu();
    let regex =
        |terms: &[String]| Regex::new(&format!(r"(?i)\b(?:{})\b", terms.join("|"))).expect("a pattern");
    let topics: Vec<(Vec<Regex>, Option<Regex>)> = wanted
        .iter()
        .map(|topic| {
            let not = topic.exclude.as_ref().map(|word| regex(std::slice::from_ref(word)));
            (topic.facets.iter().map(|facet| regex(facet)).collect(), not)
        })
        .collect();
    let build = (cpu() - before) as f64 / 1e9;
    let change = region.change();
    let bytes = (change.bytes_allocated - change.bytes_deallocated) / wanted.len();
    let is_in =
        |regex: &Regex, article: &Article| regex.is_match(&article.title) || regex.is_match(&article.text);
    let (short, matches) = time(articles, |article| {
        let holds = |(facets, not): &&(Vec<Regex>, Option<Regex>)| {
            facets.iter().all(|facet| is_in(facet, article))
                && !not.as_ref().is_some_and(|not| is_in(not, article))
        };
        topics.iter().filter(holds).count()
    });
    Row {
        topics: wanted.len(),
        what: "a regex for each facet",
        short,
        long: None,
        matches,
        build,
        tune: 0.0,
        bytes,
    }
}

// --- tables --------------------------------------------------------------------------------------------------------

fn main() {
    let language = Language::new();
    let mut rng = Rng::with_seed(3);
    let short: Vec<Article> = (0..2_000).map(|number| language.article(200, number, &mut rng)).collect();
    let long: Vec<Article> = (0..500).map(|number| language.article(800, number, &mut rng)).collect();
    let sample: Vec<Article> = (0..2_000).map(|number| language.article(300, number, &mut rng)).collect();
    let asked = std::env::var_os("TOPICS").and_then(|sizes| sizes.into_string().ok());
    let sizes: Vec<usize> = match &asked {
        Some(sizes) => sizes.split(',').map(|size| size.parse().expect("a number of topics")).collect(),
        None => vec![1_000, 10_000, 100_000],
    };
    let wanted = topics(&language, sizes.iter().copied().max().unwrap_or(0));
    describe(&short, &wanted);
    println!();
    println!(
        "| topics | what | µs, 200 words | ratio | µs, 800 words | matches an article | built in s | tuned in s | bytes a topic |"
    );
    println!("|--:|---|--:|--:|--:|--:|--:|--:|--:|");
    for size in sizes {
        let ours = |kind| ours(&wanted[..size], kind, &sample, &short, &long);
        let plain = ours(Kind::Plain);
        let base = plain.short;
        print(&plain, base, short.len());
        print(&ours(Kind::Mixed), base, short.len());
        print(&ours(Kind::Guessed), base, short.len());
        if std::env::var_os("WITHOUT_OTHERS").is_none() {
            print(&aho_corasick(&wanted[..size], &short, &long), base, short.len());
            if size <= 1_000 {
                print(&regular_expressions(&wanted[..size], &short[..100]), base, 100);
            }
        }
    }
}

fn print(row: &Row, base: f64, articles: usize) {
    let Row { topics, what, short, long, matches, build, tune, bytes } = row;
    let long = long.map_or("–".to_owned(), |long| format!("{long:.1}"));
    let ratio = short / base;
    let matches = *matches as f64 / articles as f64;
    println!(
        "| {topics} | {what} | {short:.1} | {ratio:.2} | {long} | {matches:.3} | {build:.2} | {tune:.2} | {bytes} |"
    );
}

/// What the articles and topics are like.
fn describe(articles: &[Article], wanted: &[Wanted]) {
    let mut distinct: HashSet<&str> = HashSet::new();
    let (mut words, mut bytes) = (0_usize, 0_usize);
    for article in articles {
        bytes += article.title.len() + article.text.len();
        for word in article.title.split_whitespace().chain(article.text.split_whitespace()) {
            words += 1;
            distinct.insert(word.trim_matches(|c: char| !c.is_alphanumeric()));
        }
    }
    let all = wanted.iter().flat_map(|topic| topic.facets.iter().flatten());
    let terms: HashSet<&str> = all.map(String::as_str).collect();
    println!(
        "{} articles: {words} words, {} of them different, {:.2} bytes a word; {} topics look for {} different terms",
        articles.len(),
        distinct.len(),
        bytes as f64 / words as f64,
        wanted.len(),
        terms.len(),
    );
}
