//! What attempts say about the webhook they went to: whether it is failing, back again, or to be given up.
//!
//! A webhook that fails too often in a row is *tripped*: what waits for it is held, and one delivery at a
//! time, the oldest, probes whether it is back. A probe that fails uses up none of the retries of the
//! delivery it was made with, and the others are not tried at all.

use std::time::Duration;

use super::Timestamp;
use super::settle::Verdict;

/// How a webhook has been doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// Attempts that failed in a row.
    pub failures: u32,
    /// When the first of them ended.
    pub failing_since: Option<Timestamp>,
    /// Since when it is tripped, if it is.
    pub tripped_at: Option<Timestamp>,
    /// Probes that failed since then.
    pub probes: u32,
    /// When the next one may go out.
    pub probe_at: Option<Timestamp>,
}

/// When webhooks are tripped and given up; part of `[delivery]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Failures in a row that trip a webhook.
    pub trip_after: u32,
    /// The wait before the first probe; each one that fails doubles it.
    pub probe_interval: Duration,
    /// The longest wait between probes.
    pub probe_interval_max: Duration,
    /// A webhook at which everything failed for so long is disabled.
    pub disable_after: Duration,
}

/// What an attempt says about its webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It works.
    Good,
    /// It does not.
    Bad,
    /// It works, and asked to be left alone for a while.
    Neither,
}

/// What an outcome says about the webhook.
pub const fn sign(verdict: &Verdict) -> Sign {
    match verdict {
        Verdict::Accepted => Sign::Good,
        Verdict::Throttled { .. } => Sign::Neither,
        // One refusal may be the message's fault; several in a row, with nothing accepted between them, are not, and
        // what comes next is better held than thrown at it.
        Verdict::Refused { .. }
        | Verdict::Failed { .. }
        | Verdict::Unauthorized { .. }
        | Verdict::Gone { .. } => Sign::Bad,
    }
}

/// What is to be told of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It was tripped.
    Failing,
    /// It was tripped and works again.
    Recovered,
    /// Everything failed for too long: it is to be disabled.
    Disabled,
}

/// Where an attempt that ended at `now` leaves its webhook. `jitter` is 0 to 1.
pub fn observe(
    before: Streak,
    sign: Sign,
    probe: bool,
    policy: &BreakerPolicy,
    now: Timestamp,
    jitter: f64,
) -> (Streak, Option<News>) {
    let wait = |probes: u32| {
        let doubled =
            policy.probe_interval.saturating_mul(1 << probes.min(30)).min(policy.probe_interval_max);
        // A tenth, so that many webhooks of one host do not come at once.
        Some(now.plus(doubled.mul_f64(1.0 + 0.1 * jitter.clamp(0.0, 1.0))))
    };
    match sign {
        Sign::Good => (Streak::default(), before.tripped_at.map(|_| News::Recovered)),
        Sign::Neither if probe => (Streak { probe_at: wait(before.probes), ..before }, None),
        Sign::Neither => (before, None),
        Sign::Bad => {
            let since = before.failing_since.unwrap_or(now);
            let mut after =
                Streak { failures: before.failures.saturating_add(1), failing_since: Some(since), ..before };
            let often = after.failures >= policy.trip_after;
            if often && now.since(since) >= policy.disable_after {
                return (after, Some(News::Disabled));
            }
            if after.tripped_at.is_some() {
                if probe {
                    after.probes = before.probes.saturating_add(1);
                    after.probe_at = wait(after.probes);
                }
                return (after, None);
            }
            if !often {
                return (after, None);
            }
            after.tripped_at = Some(now);
            after.probe_at = wait(0);
            (after, Some(News::Failing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BreakerPolicy = BreakerPolicy {
        trip_after: 3,
        probe_interval: Duration::from_secs(60),
        probe_interval_max: Duration::from_secs(200),
        disable_after: Duration::from_secs(5000),
    };

    /// Follows signs, each at a second, a probe marked; answers the news by the second.
    fn story(signs: &[(i64, Sign, bool)]) -> (Streak, Vec<(i64, News)>) {
        let mut streak = Streak::default();
        let mut news = Vec::new();
        for (at, sign, probe) in signs {
            let step = observe(streak, *sign, *probe, &POLICY, Timestamp::from_secs(*at), 0.0);
            streak = step.0;
            news.extend(step.1.map(|told| (*at, told)));
        }
        (streak, news)
    }

    use Sign::{Bad, Good, Neither};

    #[test]
    fn three_failures_in_a_row_trip_and_a_success_closes() {
        assert_eq!(story(&[(1, Bad, false), (2, Bad, false), (3, Good, false)]), (Streak::default(), vec![]));
        let (streak, news) = story(&[(1, Bad, false), (2, Bad, false), (3, Bad, false)]);
        assert_eq!(news, [(3, News::Failing)]);
        assert_eq!(streak.probe_at, Some(Timestamp::from_secs(63)));
        let told = story(&[(1, Bad, false), (2, Bad, false), (3, Bad, false), (63, Good, true)]);
        assert_eq!(told, (Streak::default(), vec![(3, News::Failing), (63, News::Recovered)]));
    }

    #[test]
    fn probes_grow_apart_up_to_a_limit_and_only_probes_count() {
        let mut signs = vec![(1, Bad, false), (2, Bad, false), (3, Bad, false), (4, Bad, false)];
        assert_eq!(story(&signs).0.probe_at, Some(Timestamp::from_secs(63)));
        signs.push((63, Bad, true));
        assert_eq!(story(&signs).0.probe_at, Some(Timestamp::from_secs(183)));
        signs.push((183, Bad, true));
        assert_eq!(story(&signs).0.probe_at, Some(Timestamp::from_secs(383)));
        signs.push((383, Bad, true));
        assert_eq!(story(&signs).0.probe_at, Some(Timestamp::from_secs(583)));
    }

    #[test]
    fn what_fails_for_days_is_disabled_and_what_is_throttled_is_not() {
        let (_, news) = story(&[(1, Bad, false), (4999, Bad, false), (5001, Bad, false)]);
        assert_eq!(news, [(5001, News::Disabled)]);
        let throttled: Vec<_> = (1..50).map(|at| (at, Neither, false)).collect();
        assert_eq!(story(&throttled), (Streak::default(), vec![]));
    }

    #[test]
    fn a_refusal_counts_until_something_is_accepted() {
        let refused = Verdict::Refused { why: String::new() };
        assert_eq!(sign(&refused), Bad);
        assert_eq!(story(&[(1, Bad, false), (2, Bad, false), (3, Good, false), (4, Bad, false)]).1, []);
    }
}
