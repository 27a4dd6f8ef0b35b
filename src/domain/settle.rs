//! What an attempt means for its delivery.

use std::time::Duration;

use super::Timestamp;
use super::delivery::{ClaimedDelivery, PostOutcome, RetryPolicy, Settlement};

/// What an answer means, where the status alone does not say (Telegram's `ok:false` in a 200, …).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Accepted,
    /// Too many at once (429): nothing more to this webhook for a while.
    Throttled {
        /// How long, where the body says so; `Retry-After` is the caller's to read.
        after: Option<Duration>,
        /// One sentence for people.
        why: String,
    },
    /// It did not work this time: 3xx, 408, 425, 5xx and whatever is not known.
    Failed {
        /// One sentence for people.
        why: String,
    },
    /// The credentials are wrong (401, 403): no delivery to this webhook will work until a person acts.
    Unauthorized {
        /// One sentence for people.
        why: String,
    },
    /// This message will never be taken (other 4xx).
    Refused {
        /// One sentence for people.
        why: String,
    },
    /// The destination is no more: 410, and what Slack, Discord and Telegram answer in its place.
    Gone {
        /// One sentence for people.
        why: String,
    },
}

impl Verdict {
    /// One sentence for people; nothing when all is well.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Accepted => None,
            Self::Throttled { why, .. }
            | Self::Failed { why }
            | Self::Unauthorized { why }
            | Self::Refused { why }
            | Self::Gone { why } => Some(why),
        }
    }

    /// Whether sending the same bytes again can never work.
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Gone { .. })
    }
}

/// A refusal that will not change is tried once more, in case it was the receiver's mistake.
const TRIES_OF_A_PERMANENT_REFUSAL: u32 = 2;

/// Decides what the outcome of an attempt means: delivered, once more, or given up.
///
/// 2xx is success; a redirect is a failure (Standard Webhooks); 410 ends the delivery and disables the
/// webhook; other 4xx that cannot heal get one more try; everything else is retried on the policy's
/// schedule, `Retry-After` obeyed up to its cap, until `give_up_after`. `jitter` is 0 to 1.
pub fn settle(
    delivery: &ClaimedDelivery,
    outcome: &PostOutcome,
    verdict: &Verdict,
    policy: &RetryPolicy,
    now: Timestamp,
    jitter: f64,
) -> Settlement {
    let retry_after = match outcome {
        PostOutcome::Answered { retry_after, .. } => *retry_after,
        PostOutcome::Failed { .. } => None,
    };
    let asked = match verdict {
        Verdict::Accepted => return Settlement::Delivered,
        Verdict::Gone { .. } => return Settlement::Dead { reason: "gone", disable_webhook: true },
        Verdict::Refused { .. } if delivery.round_attempt >= TRIES_OF_A_PERMANENT_REFUSAL => {
            return Settlement::Dead { reason: "refused", disable_webhook: false };
        }
        Verdict::Throttled { after, .. } => retry_after.or(*after),
        Verdict::Refused { .. } | Verdict::Failed { .. } | Verdict::Unauthorized { .. } => retry_after,
    };
    let made = usize::try_from(delivery.round_attempt).unwrap_or(usize::MAX);
    let next = policy.retries.get(made.saturating_sub(1));
    // A probe uses up no retry, so it cannot use up the last one.
    let Some(wait) = next.or(policy.retries.last().filter(|_| delivery.probe)) else {
        return Settlement::Dead { reason: "exhausted", disable_webhook: false };
    };
    let wait = wait.mul_f64(1.0 + policy.jitter.max(0.0) * jitter.clamp(0.0, 1.0));
    let at = now.plus(wait.max(asked.unwrap_or_default().min(policy.retry_after_max)));
    let tried_last = if delivery.probe { now } else { at };
    if tried_last > delivery.round_started_at.plus(policy.give_up_after) {
        return Settlement::Dead { reason: "exhausted", disable_webhook: false };
    }
    let pause_webhook = asked.is_some() || matches!(verdict, Verdict::Throttled { .. });
    Settlement::RetryAt { at, pause_webhook }
}

/// Until when the whole webhook asked to be left alone, whatever becomes of the delivery that it told so.
pub fn pause(
    outcome: &PostOutcome,
    verdict: &Verdict,
    policy: &RetryPolicy,
    now: Timestamp,
) -> Option<Timestamp> {
    let header = match outcome {
        PostOutcome::Answered { retry_after, .. } => *retry_after,
        PostOutcome::Failed { .. } => None,
    };
    let asked = match verdict {
        Verdict::Accepted | Verdict::Gone { .. } => None,
        Verdict::Throttled { after, .. } => header.or(*after),
        Verdict::Refused { .. } | Verdict::Failed { .. } | Verdict::Unauthorized { .. } => header,
    };
    asked.map(|asked| now.plus(asked.min(policy.retry_after_max)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fetch::FailureKind;
    use crate::domain::{AlertId, ArticleKey, DeliveryId, MessageId, TopicId, WebhookId};

    fn delivery(round_attempt: u32) -> ClaimedDelivery {
        let article = ArticleKey::derive("link", &[b"x"]);
        let alert = AlertId::derive(&TopicId::parse("t").expect("a slug"), article);
        let webhook = WebhookId::parse("w").expect("a slug");
        let id = DeliveryId::derive(alert, &webhook);
        ClaimedDelivery {
            id,
            webhook,
            message: MessageId::derive(&[id]),
            body: Vec::new(),
            content_type: "application/json".to_owned(),
            attempt: round_attempt,
            round_attempt,
            round_started_at: Timestamp::EPOCH,
            probe: false,
        }
    }

    fn policy() -> RetryPolicy {
        RetryPolicy {
            retries: vec![Duration::from_secs(5), Duration::from_secs(30)],
            jitter: 0.2,
            retry_after_max: Duration::from_secs(3600),
            give_up_after: Duration::from_secs(7200),
        }
    }

    #[track_caller]
    fn check(attempt: u32, status: u16, retry_after: Option<u64>, expected: &Settlement) {
        let outcome = PostOutcome::Answered {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            excerpt: Vec::new(),
            took: Duration::ZERO,
        };
        let why = String::new();
        let verdict = match status {
            200..=299 => Verdict::Accepted,
            400 => Verdict::Refused { why },
            410 => Verdict::Gone { why },
            429 => Verdict::Throttled { after: None, why },
            _ => Verdict::Failed { why },
        };
        let got = settle(&delivery(attempt), &outcome, &verdict, &policy(), Timestamp::EPOCH, 0.0);
        assert_eq!(&got, expected, "attempt {attempt}, status {status}");
    }

    fn retry(secs: i64, pause_webhook: bool) -> Settlement {
        Settlement::RetryAt { at: Timestamp::from_secs(secs), pause_webhook }
    }

    fn dead(reason: &'static str) -> Settlement {
        Settlement::Dead { reason, disable_webhook: reason == "gone" }
    }

    #[test]
    fn answers_mean_what_the_standard_says() {
        check(1, 204, None, &Settlement::Delivered);
        check(1, 301, None, &retry(5, false));
        check(2, 500, None, &retry(30, false));
        check(3, 500, None, &dead("exhausted"));
        check(1, 410, None, &dead("gone"));
        check(1, 400, None, &retry(5, false));
        check(2, 400, None, &dead("refused"));
        check(1, 429, Some(60), &retry(60, true));
        check(1, 429, None, &retry(5, true));
        check(1, 503, Some(1), &retry(5, true));
        check(1, 503, None, &retry(5, false));
        check(1, 429, Some(u64::MAX), &retry(3600, true));
    }

    fn failed() -> Verdict {
        Verdict::Failed { why: String::new() }
    }

    #[test]
    fn no_answer_is_retried_with_jitter() {
        let outcome =
            PostOutcome::Failed { kind: FailureKind::Timeout, message: String::new(), took: Duration::ZERO };
        let got = settle(&delivery(1), &outcome, &failed(), &policy(), Timestamp::EPOCH, 1.0);
        assert_eq!(got, retry(6, false));
    }

    #[test]
    fn a_probe_uses_up_no_retry_but_time() {
        let outcome =
            PostOutcome::Failed { kind: FailureKind::Connect, message: String::new(), took: Duration::ZERO };
        let probe = ClaimedDelivery { probe: true, ..delivery(99) };
        let got = settle(&probe, &outcome, &failed(), &policy(), Timestamp::EPOCH, 0.0);
        assert_eq!(got, retry(30, false));
        let late = Timestamp::from_secs(7201);
        assert_eq!(settle(&probe, &outcome, &failed(), &policy(), late, 0.0), dead("exhausted"));
    }

    #[test]
    fn who_asks_for_a_pause_gets_it_also_when_the_delivery_is_given_up() {
        let answered = |status, seconds: Option<u64>| PostOutcome::Answered {
            status,
            retry_after: seconds.map(Duration::from_secs),
            excerpt: Vec::new(),
            took: Duration::ZERO,
        };
        let asks = answered(503, Some(60));
        let last = delivery(99);
        assert_eq!(settle(&last, &asks, &failed(), &policy(), Timestamp::EPOCH, 0.0), dead("exhausted"));
        let until = |outcome: &PostOutcome| pause(outcome, &failed(), &policy(), Timestamp::EPOCH);
        assert_eq!(until(&asks), Some(Timestamp::from_secs(60)));
        assert_eq!(until(&answered(503, None)), None);
    }

    #[test]
    fn a_delivery_is_given_up_in_time() {
        let outcome =
            PostOutcome::Failed { kind: FailureKind::Dns, message: String::new(), took: Duration::ZERO };
        let late = Timestamp::from_secs(7199);
        assert_eq!(settle(&delivery(1), &outcome, &failed(), &policy(), late, 0.0), dead("exhausted"));
    }
}
