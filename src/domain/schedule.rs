//! When a feed is polled next, and why then.
//!
//! Every wish of the publisher is a lower bound; all bounds together are clamped to `max_interval`;
//! jitter only ever makes a poll later.

use std::time::Duration;

use super::Timestamp;
use super::feed::PublisherHints;

/// The interval settings that hold for one feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntervalPolicy {
    /// Where adaptation starts.
    pub start: Duration,
    /// Never more often than this.
    pub min: Duration,
    /// Caps adaptation, back-off and publishers' wishes.
    pub max: Duration,
    /// The user's own interval for this feed: no adaptation.
    pub fixed: Option<Duration>,
}

/// A poll is spread by up to this share of its interval.
const JITTER_SHARE: f64 = 0.1;

/// Polls per typical gap between two articles: an article waits at most a quarter of the gap.
const POLLS_PER_GAP: u32 = 4;

/// Polls over a silence: a feed silent for a day is visited hourly, one silent for a week every seven hours.
const POLLS_PER_SILENCE: u32 = 24;

/// How many of a document's newest entries tell its rhythm.
const RHYTHM_ENTRIES: usize = 20;

/// How fast refusals (401, 403) and other failures back off.
const DENIED_FACTOR: u32 = 4;
const FAILURE_FACTOR: u32 = 2;

/// Why the next poll is when it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPoll {
    /// When.
    pub at: Timestamp,
    /// Why then, for people.
    pub reason: String,
}

/// Learns an interval from the instants a document's entries were published at; `None` with fewer than three.
pub fn rhythm(published: &[Timestamp]) -> Option<Duration> {
    let mut newest: Vec<Timestamp> = published.to_vec();
    newest.sort_unstable_by(|a, b| b.cmp(a));
    newest.truncate(RHYTHM_ENTRIES);
    if newest.len() < 3 {
        return None;
    }
    let mut gaps: Vec<Duration> = newest.windows(2).map(|pair| pair[0].since(pair[1])).collect();
    gaps.sort_unstable();
    Some(gaps[gaps.len() / 2] / POLLS_PER_GAP)
}

/// A feed is quiet after so many of its usual gaps without an article.
const QUIET_GAPS: u32 = 10;

/// And never sooner than this: weekends and holidays are no news.
const QUIET_AT_LEAST: Duration = Duration::from_secs(3 * 86_400);

/// After how long without an article a feed of this rhythm is quiet; unknown for one that has none yet.
pub fn quiet_after(learnt: Option<Duration>) -> Option<Duration> {
    Some(learnt?.saturating_mul(POLLS_PER_GAP * QUIET_GAPS).max(QUIET_AT_LEAST))
}

/// Whether a feed was quiet at an instant.
pub fn is_quiet(learnt: Option<Duration>, last_new_at: Option<Timestamp>, at: Timestamp) -> bool {
    let silence = last_new_at.map(|last| at.since(last));
    silence.zip(quiet_after(learnt)).is_some_and(|(silence, limit)| silence >= limit)
}

/// The feed's own interval now: its rhythm, stretched over a silence, within the policy's limits.
pub fn own_interval(
    policy: IntervalPolicy,
    learnt: Option<Duration>,
    last_new_at: Option<Timestamp>,
    now: Timestamp,
) -> Duration {
    if let Some(fixed) = policy.fixed {
        return fixed.max(policy.min);
    }
    let silence = last_new_at.map_or(Duration::ZERO, |at| now.since(at));
    learnt
        .unwrap_or(policy.start)
        .max(silence / POLLS_PER_SILENCE)
        .clamp(policy.min, policy.max.max(policy.min))
}

/// Decides the next poll after a good one.
pub fn after_success(
    policy: IntervalPolicy,
    own: Duration,
    fresh_for: Option<Duration>,
    hints: &PublisherHints,
    now: Timestamp,
    jitter: f64,
) -> NextPoll {
    let cap = policy.max.max(policy.min);
    let candidates = [
        (
            own,
            if policy.fixed.is_some() { "the interval set for this feed" } else { "the feed's own rhythm" },
        ),
        (fresh_for.unwrap_or_default().min(cap), "the publisher's cache headers"),
        (hints.min_interval.unwrap_or_default().min(cap), "the interval the feed asks for (ttl, sy:update)"),
    ];
    let mut chosen = candidates[0];
    for candidate in &candidates[1..] {
        if candidate.0 > chosen.0 {
            chosen = *candidate;
        }
    }
    let (wait, reason) = chosen;
    let at = now.plus(wait).plus(spread(wait, jitter));
    let allowed = skip_hours_and_days(at, hints, now.plus(cap));
    let reason = if allowed == at { reason } else { "the hours the feed asks to skip" };
    NextPoll { at: allowed, reason: reason.to_owned() }
}

/// Decides the next poll after the `failures`th failure in a row.
pub fn after_failure(
    policy: IntervalPolicy,
    failures: u32,
    denied: bool,
    retry_after: Option<Duration>,
    now: Timestamp,
    jitter: f64,
) -> NextPoll {
    let cap = policy.max.max(policy.min);
    let base = policy.fixed.unwrap_or(policy.start).max(policy.min);
    let factor = if denied { DENIED_FACTOR } else { FAILURE_FACTOR };
    // Beyond 2^20 intervals every policy is at its cap.
    let doublings = failures.saturating_sub(1).min(20);
    let wait = base.saturating_mul(factor.saturating_pow(doublings)).min(cap.max(base));
    let asked = retry_after.unwrap_or_default().min(cap);
    let (wait, reason) = if asked > wait {
        (asked, "the server asked to come back then (Retry-After)".to_owned())
    } else if failures <= 1 {
        (wait, "the usual interval after a first failure".to_owned())
    } else {
        (wait, format!("backing off after {failures} failures in a row"))
    };
    NextPoll { at: now.plus(wait).plus(spread(wait, jitter)), reason }
}

fn spread(wait: Duration, jitter: f64) -> Duration {
    wait.mul_f64(JITTER_SHARE * jitter.clamp(0.0, 1.0))
}

const HOUR_MS: i64 = 3_600_000;
const ALL_HOURS: u32 = (1 << 24) - 1;
const ALL_DAYS: u8 = (1 << 7) - 1;

/// Moves `at` to the first hour the feed does not ask to skip (RSS 2.0 `skipHours`, `skipDays`; both in GMT),
/// no later than `latest`. A feed that skips every hour or every day is not taken at its word.
fn skip_hours_and_days(at: Timestamp, hints: &PublisherHints, latest: Timestamp) -> Timestamp {
    let hours = if hints.skip_hours & ALL_HOURS == ALL_HOURS { 0 } else { hints.skip_hours };
    let days = if hints.skip_days & ALL_DAYS == ALL_DAYS { 0 } else { hints.skip_days };
    if hours == 0 && days == 0 {
        return at;
    }
    let mut candidate = at;
    // A week has 168 hours; one of them is allowed.
    for _ in 0..168 {
        let hour_count = candidate.as_millis().div_euclid(HOUR_MS);
        let hour = hour_count.rem_euclid(24);
        // The epoch was a Thursday; bit 0 is Monday.
        let day = (hour_count.div_euclid(24) + 3).rem_euclid(7);
        if hours >> hour & 1 == 0 && days >> day & 1 == 0 {
            return candidate.min(latest.max(at));
        }
        candidate = Timestamp::from_millis((hour_count + 1).saturating_mul(HOUR_MS));
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: IntervalPolicy = IntervalPolicy {
        start: Duration::from_secs(900),
        min: Duration::from_secs(60),
        max: Duration::from_secs(86_400),
        fixed: None,
    };

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn the_rhythm_is_a_quarter_of_the_median_gap() {
        let hourly: Vec<_> = (0..10).map(|n| at(n * 3600)).collect();
        assert_eq!(rhythm(&hourly), Some(Duration::from_secs(900)));
        assert_eq!(rhythm(&hourly[..2]), None);
    }

    #[test]
    fn a_silent_feed_is_visited_less_and_less() {
        let day = own_interval(POLICY, Some(Duration::from_secs(300)), Some(at(0)), at(86_400));
        assert_eq!(day, Duration::from_secs(3600));
        let year = own_interval(POLICY, None, Some(at(0)), at(365 * 86_400));
        assert_eq!(year, POLICY.max);
    }

    #[test]
    fn the_longest_wish_wins_and_is_capped() {
        let hints =
            PublisherHints { min_interval: Some(Duration::from_secs(7200)), ..PublisherHints::default() };
        let own = Duration::from_secs(900);
        let next = after_success(POLICY, own, Some(Duration::from_secs(600)), &hints, at(0), 0.0);
        assert_eq!(next.at, at(7200));
        let forever = after_success(POLICY, own, Some(Duration::from_secs(u64::MAX)), &hints, at(0), 0.0);
        assert_eq!(forever.at, at(86_400));
    }

    #[test]
    fn failures_back_off_to_the_cap_and_refusals_faster() {
        let wait = |failures, denied| after_failure(POLICY, failures, denied, None, at(0), 0.0).at.as_secs();
        assert_eq!([wait(1, false), wait(2, false), wait(3, false)], [900, 1800, 3600]);
        assert_eq!([wait(1, true), wait(2, true)], [900, 3600]);
        assert_eq!(wait(u32::MAX, false), 86_400);
    }

    #[test]
    fn skipped_hours_are_skipped_unless_all_are() {
        let night = PublisherHints { skip_hours: 0b11_1111, ..PublisherHints::default() };
        let next = after_success(POLICY, Duration::from_secs(900), None, &night, at(0), 0.0);
        assert_eq!(next.at, at(6 * 3600));
        let never = PublisherHints { skip_hours: u32::MAX, skip_days: u8::MAX, ..PublisherHints::default() };
        let next = after_success(POLICY, Duration::from_secs(900), None, &never, at(0), 0.0);
        assert_eq!(next.at, at(900));
        // 1970-01-01 was a Thursday (bit 3); the next allowed instant is Friday at midnight.
        let thursday = PublisherHints { skip_days: 1 << 3, ..PublisherHints::default() };
        let next = after_success(POLICY, Duration::from_secs(900), None, &thursday, at(0), 0.0);
        assert_eq!(next.at, at(86_400));
    }

    #[test]
    fn jitter_only_makes_later() {
        let next = after_failure(POLICY, 1, false, None, at(0), 1.0);
        assert_eq!(next.at, at(990));
    }
}
