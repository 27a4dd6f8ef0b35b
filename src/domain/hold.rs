//! Whether an alert goes to a webhook at once or waits, for how long, and together with what.
//!
//! What waits is never dropped: it goes with others in one message when its time has come.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Timestamp;
use super::calendar::{Schedule, Window};
use super::delivery::Rate;
use super::topic::Severity;

/// From which severity on an alert passes quiet hours where nobody said.
const PASS: Pass = Pass::From(Severity::Critical);

/// How many windows of quiet hours may follow one upon another before an alert goes in one of them.
const WINDOWS_IN_A_ROW: usize = 64;

/// What passes quiet hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Alerts of this severity and above.
    From(Severity),
    /// Nothing.
    Nothing,
}

impl Pass {
    const fn lets(self, severity: Severity) -> bool {
        match self {
            Self::From(least) => severity as u8 >= least as u8,
            Self::Nothing => false,
        }
    }
}

/// What a topic asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicHold {
    /// How many messages it may make; what goes beyond waits until there is room, and goes as one.
    pub rate: Option<Rate>,
    /// How long its first alert waits for others. With either of the two a topic is grouped by itself.
    pub group_wait: Option<Duration>,
    /// The least time between two of its messages.
    pub group_interval: Option<Duration>,
    /// When nothing of it is sent.
    pub quiet: Vec<Window>,
    /// What passes quiet hours, its own and those of its webhooks.
    pub quiet_pass: Option<Pass>,
}

/// What a webhook asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookHold {
    /// How long the first alert waits for others, of whatever topic.
    pub group_wait: Duration,
    /// The least time between two messages.
    pub group_interval: Duration,
    /// When nothing is sent to it.
    pub quiet: Vec<Window>,
    /// What passes these quiet hours.
    pub quiet_pass: Option<Pass>,
    /// When it is sent all that came since the last time.
    pub digest: Option<Schedule>,
}

impl TopicHold {
    /// Whether its alerts may go together in one message.
    pub fn holds(&self) -> bool {
        self.rate.is_some()
            || self.group_wait.is_some_and(|wait| !wait.is_zero())
            || self.group_interval.is_some_and(|interval| !interval.is_zero())
            || !self.quiet.is_empty()
    }
}

impl WebhookHold {
    /// Whether alerts may go to it together in one message.
    pub fn holds(&self) -> bool {
        !self.group_wait.is_zero()
            || !self.group_interval.is_zero()
            || !self.quiet.is_empty()
            || self.digest.is_some()
    }
}

/// What holds the alerts of a topic on their way to a webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldPolicy {
    /// What the topic asks for.
    pub topic: TopicHold,
    /// What the webhook asks for.
    pub webhook: WebhookHold,
}

/// Together with what an alert waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// All that waits for the webhook.
    Webhook,
    /// What waits of its topic.
    Topic,
}

/// Why an alert waits. Where several wait together, the last of their reasons in this order is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hold {
    /// Others may follow.
    Grouped,
    /// Its topic made too many messages.
    Rate,
    /// It is night, or Sunday.
    QuietHours,
    /// Its webhook is sent everything at certain times.
    Digest,
}

impl Hold {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Grouped, Self::Rate, Self::QuietHours, Self::Digest];

    /// The word for it, in messages (`data.reason`), listings and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grouped => "grouped",
            Self::Rate => "rate",
            Self::QuietHours => "quiet_hours",
            Self::Digest => "digest",
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Hold {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|hold| hold.as_str() == word).ok_or(())
    }
}

/// What was sent and what waits, as far as a decision needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// When the group that is gathering now goes.
    pub group_opens: Option<Timestamp>,
    /// When the last group went.
    pub group_released_at: Option<Timestamp>,
    /// When what went beyond the rate goes.
    pub rate_opens: Option<Timestamp>,
    /// When the message was made that, counted from the last, is the one the rate allows for.
    pub rate_nth_last: Option<Timestamp>,
}

/// When an alert goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// At once.
    Now,
    /// Later.
    At {
        /// Then.
        at: Timestamp,
        /// For this reason.
        hold: Hold,
        /// Together with what.
        lane: Lane,
        /// The reason for people.
        why: String,
    },
}

impl HoldPolicy {
    /// Whether it never holds anything.
    pub fn is_free(&self) -> bool {
        let Self { topic, webhook } = self;
        topic.rate.is_none()
            && self.grouping().is_none()
            && topic.quiet.is_empty()
            && webhook.quiet.is_empty()
            && webhook.digest.is_none()
    }

    /// What is grouped, and how: the topic's own grouping stands before the webhook's.
    pub fn grouping(&self) -> Option<(Lane, Duration, Duration)> {
        let Self { topic, webhook } = self;
        let (lane, wait, interval) = if topic.group_wait.is_some() || topic.group_interval.is_some() {
            (Lane::Topic, topic.group_wait.unwrap_or_default(), topic.group_interval.unwrap_or_default())
        } else {
            (Lane::Webhook, webhook.group_wait, webhook.group_interval)
        };
        (!wait.is_zero() || !interval.is_zero()).then_some((lane, wait, interval))
    }

    /// The end of the quiet hours, of topic or webhook, in which an alert of this severity would wait at `now`;
    /// windows that follow upon one another count as one.
    fn quiet_until(&self, severity: Severity, now: Timestamp) -> Option<Release> {
        let Self { topic, webhook } = self;
        let topic_pass = topic.quiet_pass.unwrap_or(PASS);
        let webhook_pass = topic.quiet_pass.or(webhook.quiet_pass).unwrap_or(PASS);
        let own = topic.quiet.iter().filter(|_| !topic_pass.lets(severity)).map(|w| (Lane::Topic, w));
        let all = webhook.quiet.iter().filter(|_| !webhook_pass.lets(severity));
        let windows: Vec<(Lane, &Window)> = own.chain(all.map(|w| (Lane::Webhook, w))).collect();
        let (until, last) = follow(&windows, now).last()?;
        let (lane, window) = last;
        Some(Release::At {
            at: until,
            hold: Hold::QuietHours,
            lane,
            why: format!("quiet hours ({})", window.text),
        })
    }
}

/// The windows an instant is within, one upon another: the end of each, and which it is; at most
/// [`WINDOWS_IN_A_ROW`].
fn follow<'a>(
    windows: &[(Lane, &'a Window)],
    now: Timestamp,
) -> impl Iterator<Item = (Timestamp, (Lane, &'a Window))> {
    let mut until = now;
    std::iter::from_fn(move || {
        let within = windows.iter().filter_map(|which| Some((which.1.end(until)?, *which)));
        let last = within.max_by_key(|(end, _)| *end)?;
        until = last.0;
        Some(last)
    })
    .take(WINDOWS_IN_A_ROW)
}

/// Whether these windows leave no time of the week, each by its own clock.
pub fn always_quiet<'a>(windows: impl Iterator<Item = &'a Window>) -> bool {
    let windows: Vec<(Lane, &Window)> = windows.map(|window| (Lane::Topic, window)).collect();
    // Any instant: what never ends holds every one.
    follow(&windows, Timestamp::EPOCH).count() == WINDOWS_IN_A_ROW
}

/// Decides when an alert goes to a webhook.
///
/// A webhook with a digest gets everything with it. Else what goes beyond the topic's rate waits until the rate
/// allows for one more message, and what is grouped until its group goes: `group_wait` after its first alert, and
/// `group_interval` after the group before. Nothing goes in quiet hours but what passes them.
pub fn hold(policy: &HoldPolicy, severity: Severity, now: Timestamp, history: &History) -> Release {
    let digest = || {
        let schedule = policy.webhook.digest.as_ref()?;
        let why = format!("digest ({})", schedule.text);
        Some(Release::At { at: schedule.next_after(now)?, hold: Hold::Digest, lane: Lane::Webhook, why })
    };
    let release = digest()
        .or_else(|| over_the_rate(policy, now, history))
        .or_else(|| grouped(policy, now, history))
        .unwrap_or(Release::Now);
    let at = match &release {
        Release::Now => now,
        Release::At { at, .. } => *at,
    };
    policy.quiet_until(severity, at).unwrap_or(release)
}

fn over_the_rate(policy: &HoldPolicy, now: Timestamp, history: &History) -> Option<Release> {
    let rate = policy.topic.rate?;
    let room_at = history.rate_nth_last.map(|at| at.plus(rate.per)).filter(|at| *at > now);
    let at = history.rate_opens.or(room_at)?;
    let why = format!("more than {rate} of its topic");
    Some(Release::At { at, hold: Hold::Rate, lane: Lane::Topic, why })
}

fn grouped(policy: &HoldPolicy, now: Timestamp, history: &History) -> Option<Release> {
    let (lane, wait, interval) = policy.grouping()?;
    let after_the_last = history.group_released_at.map(|at| at.plus(interval));
    let at = history.group_opens.unwrap_or_else(|| now.plus(wait).max(after_the_last.unwrap_or(now)));
    if at <= now && history.group_opens.is_none() {
        return None;
    }
    let of = match lane {
        Lane::Topic => "of its topic",
        Lane::Webhook => "for its webhook",
    };
    Some(Release::At { at, hold: Hold::Grouped, lane, why: format!("grouped with what else comes {of}") })
}

/// Decides anew, under another policy, about an alert that waits for `hold` until `until`. What was to go by now
/// and is still meant to goes; what nothing holds any more goes, too.
pub fn hold_again(
    policy: &HoldPolicy,
    severity: Severity,
    (hold, until): (Hold, Timestamp),
    now: Timestamp,
) -> Release {
    let keeps = match hold {
        Hold::Digest => policy.webhook.digest.is_some() && until <= now,
        Hold::Rate => policy.webhook.digest.is_none() && policy.topic.rate.is_some(),
        Hold::Grouped => policy.webhook.digest.is_none() && policy.grouping().is_some(),
        Hold::QuietHours => false,
    };
    if !keeps {
        return self::hold(policy, severity, now, &History::default());
    }
    let gathering = History { group_opens: Some(until), rate_opens: Some(until), ..History::default() };
    let kept = match hold {
        Hold::Rate => over_the_rate(policy, now, &gathering),
        Hold::Grouped => grouped(policy, now, &gathering),
        Hold::Digest | Hold::QuietHours => None,
    };
    policy.quiet_until(severity, until.max(now)).or(kept).unwrap_or(Release::Now)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::calendar::Days;

    const NIGHT: &str = "22:00-07:00";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(&format!("2026-11-26T{text}Z")).expect("an instant")
    }

    fn night() -> Window {
        let (from, to) = (22 * 60, 7 * 60);
        Window { days: Days::ALL, from, to, zone: TimeZone::UTC, text: NIGHT.to_owned() }
    }

    fn minutes(count: u64) -> Duration {
        Duration::from_secs(60 * count)
    }

    /// When an alert goes that came then, and why it waits.
    fn goes(policy: &HoldPolicy, severity: Severity, now: &str, history: &History) -> String {
        match hold(policy, severity, at(now), history) {
            Release::Now => "now".to_owned(),
            Release::At { at, hold, lane, .. } => format!("{at} {hold} {lane:?}"),
        }
    }

    #[test]
    fn without_a_wish_everything_goes_at_once() {
        let policy = HoldPolicy::default();
        assert!(policy.is_free());
        assert_eq!(goes(&policy, Severity::Low, "23:00:00", &History::default()), "now");
    }

    #[test]
    fn a_group_goes_after_its_wait_and_the_next_after_the_interval() {
        let webhook =
            WebhookHold { group_wait: minutes(1), group_interval: minutes(10), ..WebhookHold::default() };
        let policy = HoldPolicy { webhook, ..HoldPolicy::default() };
        let goes = |now, history| goes(&policy, Severity::Normal, now, &history);
        assert_eq!(goes("12:00:00", History::default()), "2026-11-26T12:01:00Z grouped Webhook");
        let open = History { group_opens: Some(at("12:01:00")), ..History::default() };
        assert_eq!(goes("12:00:50", open), "2026-11-26T12:01:00Z grouped Webhook");
        let gone = History { group_released_at: Some(at("12:01:00")), ..History::default() };
        assert_eq!(goes("12:02:00", gone), "2026-11-26T12:11:00Z grouped Webhook");
        assert_eq!(goes("12:10:30", gone), "2026-11-26T12:11:30Z grouped Webhook");
        assert_eq!(goes("13:00:00", gone), "2026-11-26T13:01:00Z grouped Webhook");
    }

    #[test]
    fn an_interval_alone_lets_the_first_go_at_once() {
        let topic = TopicHold { group_interval: Some(minutes(10)), ..TopicHold::default() };
        let policy = HoldPolicy { topic, ..HoldPolicy::default() };
        assert_eq!(goes(&policy, Severity::Normal, "12:00:00", &History::default()), "now");
        let gone = History { group_released_at: Some(at("12:00:00")), ..History::default() };
        assert_eq!(goes(&policy, Severity::Normal, "12:01:00", &gone), "2026-11-26T12:10:00Z grouped Topic");
    }

    #[test]
    fn a_topic_goes_its_own_way() {
        let webhook = WebhookHold { group_wait: minutes(1), ..WebhookHold::default() };
        let topic = TopicHold { group_wait: Some(Duration::ZERO), ..TopicHold::default() };
        assert!(HoldPolicy { topic, webhook }.is_free());
    }

    #[test]
    fn what_goes_beyond_the_rate_waits_for_room() {
        let rate = Some(Rate { count: 3, per: minutes(60) });
        let policy =
            HoldPolicy { topic: TopicHold { rate, ..TopicHold::default() }, ..HoldPolicy::default() };
        let goes = |now, history| goes(&policy, Severity::High, now, &history);
        assert_eq!(goes("12:00:00", History::default()), "now");
        let full = History { rate_nth_last: Some(at("11:30:00")), ..History::default() };
        assert_eq!(goes("12:00:00", full), "2026-11-26T12:30:00Z rate Topic");
        assert_eq!(goes("12:30:00", full), "now");
        let open = History { rate_opens: Some(at("12:30:00")), ..History::default() };
        assert_eq!(goes("12:29:00", open), "2026-11-26T12:30:00Z rate Topic");
    }

    #[test]
    fn quiet_hours_hold_all_but_what_passes() {
        let webhook = WebhookHold { quiet: vec![night()], ..WebhookHold::default() };
        let mut policy = HoldPolicy { webhook, ..HoldPolicy::default() };
        let none = History::default();
        let held = "2026-11-27T07:00:00Z quiet_hours Webhook";
        assert_eq!(goes(&policy, Severity::High, "21:59:59", &none), "now");
        assert_eq!(goes(&policy, Severity::High, "22:00:00", &none), held);
        assert_eq!(goes(&policy, Severity::Critical, "22:00:00", &none), "now", "critical passes by itself");
        policy.webhook.quiet_pass = Some(Pass::Nothing);
        assert_eq!(goes(&policy, Severity::Critical, "22:00:00", &none), held);
        policy.topic.quiet_pass = Some(Pass::From(Severity::Normal));
        assert_eq!(goes(&policy, Severity::Normal, "22:00:00", &none), "now", "the topic knows better");
        assert_eq!(goes(&policy, Severity::Low, "22:00:00", &none), held);
    }

    #[test]
    fn windows_that_follow_upon_one_another_are_one() {
        let mut morning = night();
        (morning.from, morning.to) = (7 * 60, 9 * 60);
        let webhook = WebhookHold { quiet: vec![night()], ..WebhookHold::default() };
        let topic = TopicHold { quiet: vec![morning.clone()], ..TopicHold::default() };
        let policy = HoldPolicy { topic, webhook };
        let goes = |now| goes(&policy, Severity::High, now, &History::default());
        assert_eq!(goes("23:00:00"), "2026-11-27T09:00:00Z quiet_hours Topic");
        let mut ever = night();
        (ever.from, ever.to) = (0, 0);
        let quiet = vec![ever];
        let policy = HoldPolicy { webhook: WebhookHold { quiet, ..WebhookHold::default() }, ..policy };
        assert_ne!(
            hold(&policy, Severity::Low, at("12:00:00"), &History::default()),
            Release::Now,
            "it ends"
        );
    }

    #[test]
    fn a_digest_takes_everything_and_minds_quiet_hours() {
        let digest = |hour: u16| Schedule {
            days: Days::ALL,
            times: vec![hour * 60],
            zone: TimeZone::UTC,
            text: "daily".to_owned(),
        };
        let webhook = WebhookHold { digest: Some(digest(8)), quiet: vec![night()], ..WebhookHold::default() };
        let mut policy = HoldPolicy { webhook, ..HoldPolicy::default() };
        let none = History::default();
        let held = "2026-11-27T08:00:00Z digest Webhook";
        assert_eq!(goes(&policy, Severity::Critical, "23:00:00", &none), held);
        policy.webhook.digest = Some(digest(5));
        let held = "2026-11-27T07:00:00Z quiet_hours Webhook";
        assert_eq!(goes(&policy, Severity::Normal, "23:00:00", &none), held);
    }

    #[test]
    fn another_policy_decides_anew() {
        let quiet = HoldPolicy {
            webhook: WebhookHold { quiet: vec![night()], ..WebhookHold::default() },
            ..HoldPolicy::default()
        };
        let again = |policy: &HoldPolicy, hold, until, now| match hold_again(
            policy,
            Severity::Normal,
            (hold, at(until)),
            at(now),
        ) {
            Release::Now => "now".to_owned(),
            Release::At { at, hold, .. } => format!("{at} {hold}"),
        };
        let free = HoldPolicy::default();
        for hold in Hold::ALL {
            assert_eq!(
                again(&free, hold, "23:00:00", "12:00:00"),
                "now",
                "{hold}: nothing holds it any more"
            );
        }
        let later = "2026-11-27T07:00:00Z quiet_hours";
        assert_eq!(again(&quiet, Hold::QuietHours, "07:00:00", "22:30:00"), later);
        assert_eq!(again(&quiet, Hold::QuietHours, "07:00:00", "12:00:00"), "now");
        let grouped = HoldPolicy {
            webhook: WebhookHold { group_wait: minutes(60), ..WebhookHold::default() },
            ..HoldPolicy::default()
        };
        // To read the configuration again does not make it wait longer.
        assert_eq!(again(&grouped, Hold::Grouped, "12:10:00", "12:00:00"), "2026-11-26T12:10:00Z grouped");
        let digest =
            Some(Schedule { days: Days::ALL, times: vec![600], zone: TimeZone::UTC, text: String::new() });
        let digest =
            HoldPolicy { webhook: WebhookHold { digest, ..WebhookHold::default() }, ..HoldPolicy::default() };
        assert_eq!(again(&digest, Hold::Digest, "08:00:00", "07:00:00"), "2026-11-26T10:00:00Z digest");
        assert_eq!(again(&digest, Hold::Digest, "08:00:00", "08:30:00"), "now", "it was to go by now");
    }
}
