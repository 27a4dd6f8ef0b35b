//! What is right by itself and wrong together.

use std::collections::BTreeMap;

use super::Resolver;
use crate::config::settings::{TopicSettings, WebhookSettings};
use crate::config::source::Place;
use crate::domain::calendar::Window;
use crate::domain::hold::always_quiet;
use crate::domain::{TopicId, WebhookId};
use crate::message::{Telling, Template};

impl Resolver<'_> {
    /// Alerts that would wait for ever, and messages that would say nothing.
    pub(super) fn together(
        &mut self,
        topics: &BTreeMap<TopicId, TopicSettings>,
        webhooks: &BTreeMap<WebhookId, WebhookSettings>,
        operations: &[WebhookId],
    ) {
        for (id, topic) in topics.iter().filter(|(_, topic)| !topic.hold.quiet.is_empty()) {
            let named = topic.webhooks.iter().filter_map(|name| webhooks.get_key_value(name));
            for (name, webhook) in named {
                let both: Vec<&Window> = topic.hold.quiet.iter().chain(&webhook.hold.quiet).collect();
                let alone = always_quiet(topic.hold.quiet.iter()) || always_quiet(webhook.hold.quiet.iter());
                if !alone && always_quiet(both.into_iter()) {
                    let message = format!(
                        "the quiet hours of the topic `{id}` and of the webhook `{name}` together never end: nothing would ever be sent"
                    );
                    let help = "leave a time of the week at which what was held can go";
                    self.error("contradiction", self.place_of("topics", id.as_str()), message, help);
                }
            }
        }
        for (name, webhook) in webhooks {
            let Some(Ok(template)) = webhook.template.as_deref().map(Template::parse) else { continue };
            let groups = webhook.hold.holds()
                || topics.values().any(|topic| topic.webhooks.contains(name) && topic.hold.holds());
            let place = self.place_of("webhooks", name.as_str());
            if groups && !template.tells(Telling::Group) {
                let message = format!(
                    "the template of `{name}` shows no headline where several alerts go in one message, which they do here"
                );
                let help = "`text` says it all in words, `alerts` is a list: {{ text }}, or \
                            {% for alert in alerts %}{{ alert.title }}{% endfor %}";
                self.error("bad-template", place.clone(), message, help);
            }
            if operations.contains(name) && !template.tells(Telling::Operations) {
                let message = format!("the template of `{name}` says nothing of operational events");
                let help = "`text` says it all in words; `subject` and `message` are the feed or webhook, and what happened";
                self.error("bad-template", place, message, help);
            }
        }
    }

    fn place_of(&self, table: &'static str, id: &str) -> Place {
        self.merged.ids.get(&(table, id.to_owned())).cloned().unwrap_or(Place::Nowhere)
    }
}
