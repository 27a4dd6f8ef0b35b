//! A small plot: a bar for each day.

use maud::{Markup, html};

use crate::domain::Timestamp;

use super::words::{count, grouped};

/// Days in a plot, today included.
pub(super) const DAYS: usize = 14;

/// Milliseconds of a day.
pub(super) const DAY: i64 = 86_400_000;

const STEP: usize = 8;
const BAR: usize = 6;
const HEIGHT: u64 = 28;

/// The midnight (UTC) that today began at.
pub(super) fn midnight(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.as_millis().div_euclid(DAY).saturating_mul(DAY))
}

/// The midnight that the first day of a plot begins at.
pub(super) fn first_day(now: Timestamp) -> Timestamp {
    let before = (DAYS as u64 - 1).saturating_mul(DAY.unsigned_abs());
    midnight(now).minus(std::time::Duration::from_millis(before))
}

/// Bars, the last one for today. What it shows is also said in words.
pub(super) fn plot(counts: &[u64], from: Timestamp) -> Markup {
    let most = counts.iter().copied().max().unwrap_or_default();
    let total = counts.iter().sum();
    let words = format!(
        "{} in {} days; the most in one day: {}",
        count(total, "alert", "alerts"),
        counts.len(),
        grouped(most)
    );
    let width = counts.len() * STEP;
    html! {
        svg.plot role="img" aria-label=(words) width=(width) height=(HEIGHT + 2) viewBox=(format!("0 0 {width} {}", HEIGHT + 2)) {
            @for (day, n) in counts.iter().enumerate() {
                @let tall = height(*n, most);
                rect.bar.none[*n == 0] x=(day * STEP + 1) y=(HEIGHT - tall) width=(BAR) height=(tall) {
                    title { (date(from, day)) ": " (count(*n, "alert", "alerts")) }
                }
            }
            line.axis x1="0" x2=(width) y1=(HEIGHT) y2=(HEIGHT) {}
        }
    }
}

/// At least three where there is anything; one, a trace, where there is nothing.
fn height(n: u64, most: u64) -> u64 {
    let share = u128::from(n) * u128::from(HEIGHT) / u128::from(most.max(1));
    if n == 0 { 1 } else { u64::try_from(share).unwrap_or(HEIGHT).clamp(3, HEIGHT) }
}

/// `2026-11-23`.
fn date(from: Timestamp, day: usize) -> String {
    let at = Timestamp::from_millis(
        from.as_millis().saturating_add(DAY.saturating_mul(i64::try_from(day).unwrap_or(0))),
    );
    at.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_ends_today_and_says_what_it_shows() {
        let now = Timestamp::parse_rfc3339("2026-11-23T13:00:00Z").unwrap();
        let from = first_day(now);
        assert_eq!(from.to_string(), "2026-11-10T00:00:00Z");
        assert_eq!(date(from, DAYS - 1), "2026-11-23");
        let mut counts = vec![0; DAYS];
        counts[12] = 40;
        counts[13] = 1;
        let svg = plot(&counts, from).into_string();
        assert!(svg.contains("aria-label=\"41 alerts in 14 days; the most in one day: 40\""), "{svg}");
        assert!(svg.contains("<title>2026-11-22: 40 alerts</title>"), "{svg}");
        assert_eq!(
            (height(0, 40), height(1, 40), height(40, 40), height(u64::MAX, u64::MAX)),
            (1, 3, HEIGHT, HEIGHT)
        );
    }
}
