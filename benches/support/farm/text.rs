//! The documents of the farm: every article is a pure function of seed, feed and number, so that the same options serve
//! the same bytes after a restart.

use std::fmt::Write as _;

use fastrand::Rng;
use wirewatch::domain::Timestamp;

use super::Options;

/// Different words in all texts.
const VOCABULARY: usize = 4_000;

/// Sentences that texts are strung together from; each article leads with one of its own, so that no two are the same.
const SENTENCES: usize = 8_192;

const SYLLABLES: [&str; 24] = [
    "ba", "cor", "den", "fal", "gri", "hon", "jas", "kel", "lum", "mar", "nor", "pel", "quin", "ras", "sol",
    "tan", "ur", "vel", "wes", "yor", "zan", "tri", "sta", "ple",
];

/// Writes documents.
#[derive(Debug)]
pub(crate) struct Author {
    words: Vec<String>,
    sentences: Vec<(String, usize)>,
}

impl Author {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let word = |rng: &mut Rng| -> String {
            (0..rng.usize(1..4)).map(|_| SYLLABLES[rng.usize(..SYLLABLES.len())]).collect()
        };
        let words: Vec<String> = (0..VOCABULARY).map(|_| word(&mut rng)).collect();
        let mut author = Self { words, sentences: Vec::new() };
        author.sentences = (0..SENTENCES)
            .map(|_| {
                let count = rng.usize(8..21);
                let mut sentence = String::new();
                author.sentence(&mut sentence, &mut rng, count);
                (sentence, count)
            })
            .collect();
        author
    }

    /// The document of a feed that has published so many articles: the newest `options.items` of them.
    pub(crate) fn document(
        &self,
        options: &Options,
        feed: u32,
        published: u32,
        at: impl Fn(u32) -> Timestamp,
    ) -> String {
        let site = format!("http://127.0.0.{}:{}", options.host(feed), options.port);
        let mut out = String::with_capacity(64 << 10);
        out.push_str(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" \
             xmlns:atom=\"http://www.w3.org/2005/Atom\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
             xmlns:content=\"http://purl.org/rss/1.0/modules/content/\">\n  <channel>\n",
        );
        write!(
            out,
            "    <title>Feed {feed}</title>\n    <link>{site}/site/{feed}</link>\n    \
             <atom:link href=\"{site}/feed/{feed}\" rel=\"self\" type=\"application/rss+xml\"/>\n    \
             <description>A feed of the farm</description>\n    <language>en</language>\n"
        )
        .expect("a String grows");
        for number in (published - options.items.min(published)..published).rev() {
            self.article(&mut out, options, &site, (feed, number), at(number));
        }
        out.push_str("  </channel>\n</rss>\n");
        out
    }

    fn article(
        &self,
        out: &mut String,
        options: &Options,
        site: &str,
        (feed, number): (u32, u32),
        at: Timestamp,
    ) {
        let mut rng = Rng::with_seed(options.seed ^ (u64::from(feed) << 32 | u64::from(number)));
        out.push_str("    <item>\n      <title>");
        if rng.f64() < options.keyword_rate {
            out.push_str(&options.keyword);
            out.push(' ');
        }
        let length = rng.usize(5..11);
        self.headline(out, &mut rng, length);
        write!(
            out,
            "</title>\n      <link>{site}/item/{feed}/{number}</link>\n      \
             <guid isPermaLink=\"false\">tag:farm.test,2026:{feed}/{number}</guid>\n      <pubDate>{}</pubDate>\n      \
             <dc:creator>",
            date(at)
        )
        .expect("a String grows");
        self.headline(out, &mut rng, 2);
        out.push_str("</dc:creator>\n      <category>");
        out.push_str(self.word(&mut rng));
        out.push_str("</category>\n      <description>&lt;p&gt;");
        self.text(out, &mut rng, options.description_words, None);
        out.push_str("&lt;/p&gt;</description>\n");
        if options.content_words > 0 {
            out.push_str("      <content:encoded><![CDATA[<p><strong>");
            self.sentence(out, &mut rng, 12);
            out.push_str("</strong></p>\n");
            self.text(out, &mut rng, options.content_words.saturating_sub(12), Some(("<p>", "</p>\n")));
            writeln!(
                out,
                "<p><a href=\"{site}/item/{feed}/{number}?src=feed&more=1\">Read on</a></p>]]></content:encoded>"
            ).expect("a String grows");
        }
        out.push_str("    </item>\n");
    }

    /// At least so many words, in paragraphs of some seventy where asked; the first sentence is the article's own.
    fn text(&self, out: &mut String, rng: &mut Rng, words: usize, paragraph: Option<(&str, &str)>) {
        let mut own = String::new();
        self.sentence(&mut own, rng, 12);
        let (mut sentence, mut length): (&str, usize) = (&own, 12);
        let (mut written, mut in_paragraph) = (0, 0);
        while written < words {
            if let (Some((open, _)), 0) = (paragraph, in_paragraph) {
                out.push_str(open);
            }
            out.push_str(sentence);
            out.push(' ');
            written += length;
            in_paragraph += length;
            if let (Some((_, close)), true) = (paragraph, in_paragraph > 70) {
                out.push_str(close);
                in_paragraph = 0;
            }
            let (next, count) = &self.sentences[rng.usize(..self.sentences.len())];
            (sentence, length) = (next, *count);
        }
        if let (Some((_, close)), true) = (paragraph, in_paragraph > 0) {
            out.push_str(close);
        }
    }

    fn word(&self, rng: &mut Rng) -> &str {
        &self.words[rng.usize(..self.words.len())]
    }

    fn sentence(&self, out: &mut String, rng: &mut Rng, words: usize) {
        for at in 0..words {
            if at == 0 {
                capitalised(out, self.word(rng));
            } else {
                out.push_str(if at % 7 == 6 { ", " } else { " " });
                out.push_str(self.word(rng));
            }
        }
        out.push('.');
    }

    fn headline(&self, out: &mut String, rng: &mut Rng, words: usize) {
        for at in 0..words {
            if at > 0 {
                out.push(' ');
            }
            capitalised(out, self.word(rng));
        }
    }
}

fn capitalised(out: &mut String, word: &str) {
    let (first, rest) = word.split_at(1);
    out.push_str(&first.to_ascii_uppercase());
    out.push_str(rest);
}

/// An instant as RSS writes it.
fn date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    jiff::fmt::rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default()
}
