//! An invented language made to measure like English news, and articles in it.

use std::collections::HashSet;

use fastrand::Rng;

pub(super) const WORDS: usize = 9_000;
pub(super) const NAMES: usize = 3_000;
const CONSONANTS: &[u8] = b"bdfghjklmnprstvwz";
const VOWELS: &[u8] = b"aeiou";
/// Half of the words have one form, a third two, the rest four.
const ENDINGS: [&[&str]; 6] = [&[""], &[""], &[""], &["", "", "s"], &["", "", "s"], &["", "s", "ed", "ing"]];

pub(super) struct Language {
    pub(super) words: Vec<String>,
    pub(super) names: Vec<String>,
    /// How often one of the first so many words is meant.
    up_to: Vec<f64>,
}

impl Language {
    pub(super) fn new() -> Self {
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
    pub(super) fn form(&self, rank: usize, rng: &mut Rng) -> String {
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

    pub(super) fn article(&self, length: usize, number: usize, rng: &mut Rng) -> Article {
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

pub(crate) struct Article {
    pub(crate) title: String,
    pub(crate) text: String,
}

pub(super) fn word(rng: &mut Rng, syllables: usize) -> String {
    let letter = |of: &[u8], rng: &mut Rng| char::from(of[rng.usize(..of.len())]);
    (0..syllables).flat_map(|_| [letter(CONSONANTS, rng), letter(VOWELS, rng)]).collect()
}

pub(super) fn name(rng: &mut Rng) -> String {
    let syllables = rng.usize(2..4);
    capital(&word(rng, syllables))
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

pub(super) fn han(rng: &mut Rng) -> char {
    char::from_u32(0x4e00 + rng.u32(..400) * 7).expect("a character")
}
