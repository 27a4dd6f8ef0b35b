//! Topics about articles of the invented language, and how they are written as queries.

use std::collections::HashSet;

use fastrand::Rng;
use wirewatch::domain::TopicId;
use wirewatch::domain::topic::{TopicRule, TopicSpec};

use super::language::{Article, Language, NAMES, WORDS, han, name, word};

/// Names that are only in topics.
const UNHEARD: usize = 400_000;
/// Words of lower rank are in no topic.
const TELLING: f64 = 120.0;
/// Phrases are not of these alone.
const FREQUENT: usize = 60;
/// How many of a hundred topics are about names that are in the news.
const HEARD_OF: u8 = 2;

/// What a topic asks for, before it becomes a query of some engine.
pub(super) struct Wanted {
    pub(super) facets: Vec<Vec<String>>,
    pub(super) exclude: Option<String>,
}

pub(super) fn topics(language: &Language, count: usize) -> Vec<Wanted> {
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

pub(super) fn specs(wanted: &[Wanted], mixed: bool) -> Vec<TopicSpec> {
    let spec = |(number, wanted)| TopicSpec {
        id: TopicId::parse(&format!("t{number}")).expect("an id"),
        rule: TopicRule::Query(query(wanted, number, mixed)),
        exclude: vec![],
    };
    wanted.iter().enumerate().map(spec).collect()
}

/// What the articles and topics are like.
pub(super) fn describe(articles: &[Article], wanted: &[Wanted]) {
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
