//! What holds alerts: grouping, rates, quiet hours, digests.

use jiff::tz::TimeZone;

use super::Resolver;
use super::fields::Fields;
use crate::config::calendar::{parse_schedule, parse_window};
use crate::config::units::parse_rate;
use crate::domain::calendar::Window;
use crate::domain::hold::{Pass, TopicHold, WebhookHold, always_quiet};

impl Resolver<'_> {
    pub(super) fn topic_hold(&mut self, fields: &Fields<'_>, zone: &TimeZone) -> TopicHold {
        TopicHold {
            rate: fields.text("alert_rate").and_then(|rate| parse_rate(rate).ok().flatten()),
            group_wait: fields.optional_duration("group_wait"),
            group_interval: fields.optional_duration("group_interval"),
            quiet: self.quiet_hours(fields, zone),
            quiet_pass: fields.text("quiet_pass").and_then(pass),
        }
    }

    pub(super) fn webhook_hold(&mut self, fields: &Fields<'_>, zone: &TimeZone) -> WebhookHold {
        let digest = fields.text("digest").and_then(|text| parse_schedule(text, zone).ok());
        for key in ["group_wait", "group_interval"] {
            if digest.is_some() && fields.is_given(key) {
                let message = format!("`{key}` besides `digest`: everything goes with the digest");
                self.error("contradiction", fields.place(key), message, "remove one of them");
            }
        }
        WebhookHold {
            group_wait: fields.duration("group_wait"),
            group_interval: fields.duration("group_interval"),
            quiet: self.quiet_hours(fields, zone),
            quiet_pass: fields.text("quiet_pass").and_then(pass),
            digest,
        }
    }

    fn quiet_hours(&mut self, fields: &Fields<'_>, zone: &TimeZone) -> Vec<Window> {
        // What is wrong is reported already.
        let windows: Vec<Window> =
            fields.list("quiet_hours").iter().filter_map(|(text, _)| parse_window(text, zone).ok()).collect();
        if always_quiet(windows.iter()) {
            let help = "leave a time of the week at which what was held can go";
            let message = "`quiet_hours` never end: nothing would ever be sent";
            self.error("contradiction", fields.place("quiet_hours"), message, help);
        }
        windows
    }
}

fn pass(word: &str) -> Option<Pass> {
    if word == "none" { Some(Pass::Nothing) } else { word.parse().ok().map(Pass::From) }
}
