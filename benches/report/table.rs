//! Tables in Markdown.

/// Prints a heading, what it says, and the head of a table.
pub(crate) fn head(title: &str, columns: &[&str]) {
    println!("\n## {title}\n\n| {} |", columns.join(" | "));
    println!("| --- |{}", " --: |".repeat(columns.len() - 1));
}

/// Prints a row.
pub(crate) fn row(name: &str, values: &[String]) {
    println!("| {name} | {} |", values.join(" | "));
}

/// How many times as much, and whether that is within a goal.
pub(crate) fn ratio(ours: f64, bound: f64) -> String {
    format!("{:.2}", ours / bound)
}

/// Bytes in MiB.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1_048_576.0)
}

/// Microseconds in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn millis(micros: u64) -> String {
    format!("{:.2}", micros as f64 / 1000.0)
}
