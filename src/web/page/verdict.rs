//! Whether everything is well, and what is not. Pure.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::ports::hand::WebhookHealth;
use crate::ports::reads::FeedHealth;
use crate::ports::watch::Survey;

use super::words::{count, span};

/// A delivery that waits for longer than this is worth a word: the first retries should have brought it through.
const WAITS_LONG: Duration = Duration::from_secs(15 * 60);

/// How serious something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Nothing is wrong.
    Fine,
    /// wirewatch copes; somebody should look at leisure.
    Warning,
    /// Alerts do not get through.
    Bad,
}

impl Level {
    /// The word for it, for style sheets.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// Something that is not well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Concern {
    pub(super) level: Level,
    pub(super) text: String,
    /// Where to read more.
    pub(super) link: Option<&'static str>,
}

/// What is known besides the survey.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment<'a> {
    /// Which loop is stuck.
    pub(super) stuck: Option<&'a str>,
    pub(super) disk_full: bool,
    /// The last reload was refused.
    pub(super) refused: bool,
    pub(super) feeds: usize,
    pub(super) topics: usize,
}

/// What is not well, the worst first.
pub(super) fn concerns(survey: &Survey, moment: &Moment<'_>, now: Timestamp) -> Vec<Concern> {
    let mut found = Vec::new();
    let mut note = |level, text: String, link| found.push(Concern { level, text, link });
    if let Some(stuck) = moment.stuck {
        note(Level::Bad, format!("The {stuck} has not looked for work; a restart mends that."), None);
    }
    if moment.disk_full {
        let text =
            "The disk is full. Polling and sending wait until there is room; nothing is lost.".to_owned();
        note(Level::Bad, text, None);
    }
    for webhook in &survey.webhooks {
        let why = webhook.last_error.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        let id = &webhook.id;
        match webhook.state {
            WebhookHealth::Failing => note(
                Level::Bad,
                format!("Webhook {id} is failing{why}. Its deliveries are held until it is back."),
                Some("/#webhooks"),
            ),
            WebhookHealth::Disabled => note(
                Level::Bad,
                format!("Webhook {id} is disabled{why}. `wirewatch webhooks enable {id}` brings it back."),
                Some("/#webhooks"),
            ),
            WebhookHealth::Left if webhook.held > 0 => {
                let waits = count(webhook.held, "delivery waits", "deliveries wait");
                note(
                    Level::Warning,
                    format!("{waits} for webhook {id}, which left the configuration."),
                    None,
                );
            }
            // What was given up is told below, and what goes on failing is said to be.
            WebhookHealth::Ok
            | WebhookHealth::Unwell
            | WebhookHealth::Paused
            | WebhookHealth::Left
            | WebhookHealth::New => {}
        }
    }
    if moment.refused {
        let text = "The last reload was refused; the configuration before it is in force.".to_owned();
        note(Level::Warning, text, Some("/#configuration"));
    }
    let dead = survey.deliveries_in(DeliveryState::Dead);
    if dead > 0 {
        let text = format!("{} given up.", count(dead, "delivery was", "deliveries were"));
        note(Level::Warning, text, Some("/deliveries?state=dead"));
    }
    if let Some(waits) = survey.oldest_pending.map(|at| now.since(at)).filter(|waits| *waits > WAITS_LONG) {
        let text = format!("A delivery has been waiting for {}.", span(waits));
        note(Level::Warning, text, Some("/deliveries?state=pending"));
    }
    for (state, one, many, link) in [
        (FeedHealth::Failing, "feed is failing", "feeds are failing", "/feeds?state=failing"),
        (FeedHealth::Gone, "feed is gone for good", "feeds are gone for good", "/feeds?state=gone"),
        (FeedHealth::Quiet, "feed has fallen silent", "feeds have fallen silent", "/feeds?state=quiet"),
    ] {
        let feeds = survey.feeds_in(state);
        if feeds > 0 {
            note(Level::Warning, format!("{}.", count(feeds, one, many)), Some(link));
        }
    }
    if moment.feeds == 0 {
        note(Level::Warning, "The configuration names no feed.".to_owned(), Some("/#configuration"));
    }
    if moment.topics == 0 {
        note(Level::Warning, "The configuration names no topic.".to_owned(), Some("/#configuration"));
    }
    found.sort_by_key(|concern| std::cmp::Reverse(concern.level));
    found
}

/// The worst of them.
pub(super) fn level(concerns: &[Concern]) -> Level {
    concerns.iter().map(|concern| concern.level).max().unwrap_or(Level::Fine)
}

/// In a few words.
pub(super) const fn headline(level: Level) -> &'static str {
    match level {
        Level::Fine => "All is well",
        Level::Warning => "Worth a look",
        Level::Bad => "Something is wrong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::WebhookId;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const SOUND: Moment<'_> = Moment { stuck: None, disk_full: false, refused: false, feeds: 3, topics: 1 };

    fn texts(survey: &Survey, moment: &Moment<'_>) -> Vec<String> {
        concerns(survey, moment, NOW).into_iter().map(|concern| concern.text).collect()
    }

    #[test]
    fn nothing_wrong_is_nothing_said() {
        assert_eq!(concerns(&Survey::default(), &SOUND, NOW), []);
        assert_eq!(level(&[]), Level::Fine);
        let young = Survey { oldest_pending: Some(NOW.minus(WAITS_LONG)), ..Survey::default() };
        assert_eq!(concerns(&young, &SOUND, NOW), []);
    }

    #[test]
    fn what_is_wrong_is_said_the_worst_first() {
        let survey = Survey {
            feeds: vec![(FeedHealth::Ok, 5), (FeedHealth::Failing, 1), (FeedHealth::Quiet, 2)],
            deliveries: vec![(WebhookId::parse("desk").unwrap(), DeliveryState::Dead, 3)],
            oldest_pending: Some(NOW.minus(2 * WAITS_LONG)),
            ..Survey::default()
        };
        let moment = Moment { disk_full: true, refused: true, stuck: Some("poller"), ..SOUND };
        assert_eq!(
            texts(&survey, &moment),
            [
                "The poller has not looked for work; a restart mends that.",
                "The disk is full. Polling and sending wait until there is room; nothing is lost.",
                "The last reload was refused; the configuration before it is in force.",
                "3 deliveries were given up.",
                "A delivery has been waiting for 30 min.",
                "1 feed is failing.",
                "2 feeds have fallen silent.",
            ]
        );
        assert_eq!(level(&concerns(&survey, &moment, NOW)), Level::Bad);
        assert_eq!(
            texts(&Survey::default(), &Moment::default()),
            ["The configuration names no feed.", "The configuration names no topic."]
        );
    }
}
