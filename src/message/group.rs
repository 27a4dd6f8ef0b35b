//! How many alerts go into one message.

use crate::domain::alert::AlertContent;
use crate::domain::delivery::Format;

/// The most alerts in one message that shows each of them.
const WHOLE: usize = 50;

/// The most bytes of such alerts, as JSON; receivers take a megabyte, and some no more than 256 KiB.
const WHOLE_BYTES: usize = 200 * 1024;

/// The most alerts in one message for people: it shows the first and counts the rest, and nobody wants more
/// messages that say so.
const COUNTED: usize = 1000;

/// How many of `alerts` go into each message of one format, in order: as few messages as there can be.
///
/// Messages for programs hold every alert whole, so that there are more of them; messages for people show as many
/// alerts as the service takes and count the rest.
pub fn parcels(format: Format, alerts: &[AlertContent]) -> Vec<usize> {
    let whole = match format {
        // A template may show each.
        Format::Standard | Format::Cloudevents | Format::Alertmanager | Format::Template => true,
        Format::Slack
        | Format::Discord
        | Format::Teams
        | Format::Telegram
        | Format::Ntfy
        | Format::Mattermost
        | Format::Googlechat
        | Format::Matrix
        | Format::Pagerduty
        | Format::Gotify
        | Format::Pushover => false,
    };
    if !whole {
        return alerts.chunks(COUNTED).map(<[AlertContent]>::len).collect();
    }
    let mut parcels = Vec::new();
    let (mut count, mut bytes) = (0, 0);
    for alert in alerts {
        let size = serde_json::to_vec(alert).map_or(WHOLE_BYTES, |json| json.len());
        if count == WHOLE || count > 0 && bytes + size > WHOLE_BYTES {
            parcels.push(count);
            (count, bytes) = (0, 0);
        }
        count += 1;
        bytes += size;
    }
    parcels.extend((count > 0).then_some(count));
    parcels
}
