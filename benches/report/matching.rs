//! Matching by number of topics, the short form of `benches/matcher.rs`, which also tells the bytes a topic needs.

#[path = "../matching/mod.rs"]
mod matcher;

pub(crate) fn measure() {
    println!("\n## Matching: CPU time an article by number of topics\n");
    matcher::measure(&matcher::Plan {
        sizes: vec![1_000, 10_000, 100_000],
        turns: 4,
        others: true,
        in_use: || None,
    });
}
