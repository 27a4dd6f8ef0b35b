//! What the matcher costs by number of topics, beside what one would write without an index.
//!
//! `cargo bench --bench matcher` prints a table: CPU time of the one thread an article, the best of several turns, which all
//! that are compared take one after the other, so that the rest of the machine's work falls on each of them; CPU time to
//! compile the topics; bytes still allocated when that is done. `WITHOUT_OTHERS=1` leaves the comparisons out,
//! `TOPICS=1000,10000` asks for other sizes, `TURNS=3` for fewer turns. `cargo bench --bench report -- matching` is a short
//! form of it.
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
//! only, with a Boolean test of those topics of which a first facet's term was seen. Neither knows stems or capitals. And the
//! least that there is to do: words split and looked up in a hash map of all that topics ask for, and nothing made of it.

mod matching;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let asked = |name| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let number = |text: &str| text.parse().expect("a number");
    matching::measure(&matching::Plan {
        sizes: asked("TOPICS")
            .map_or_else(|| vec![1_000, 10_000, 100_000], |sizes| sizes.split(',').map(number).collect()),
        turns: asked("TURNS").map_or(8, |turns| number(&turns)),
        others: asked("WITHOUT_OTHERS").is_none(),
        in_use: || {
            let stats = ALLOCATOR.stats();
            stats.bytes_allocated.checked_sub(stats.bytes_deallocated)
        },
    });
}
