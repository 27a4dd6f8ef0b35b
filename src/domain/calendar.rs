//! Times of the day and days of the week in a time zone, right over changes of the clock both ways.
//!
//! Everything is reckoned in wall time, day by day: a window from 22:00 to 07:00 ends when the clock on the
//! wall shows 07:00, however many hours that night has.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::Timestamp;

/// Minutes of a day; a time of day may be this, which is midnight at its end.
pub const DAY_MINUTES: u16 = 1440;

/// How many days ahead a schedule is looked up: each day of the week comes within seven.
const DAYS_AHEAD: usize = 8;

/// Days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);

    /// No day.
    pub const NONE: Self = Self(0);

    /// These and one more, from 0 for Monday to 6 for Sunday.
    #[must_use]
    pub const fn with(self, day: u8) -> Self {
        Self(self.0 | 1 << (day % 7))
    }

    /// Whether a day, from 0 for Monday, is among them.
    pub const fn has(self, day: u8) -> bool {
        self.0 & 1 << (day % 7) != 0
    }

    fn has_weekday(self, day: Weekday) -> bool {
        self.has(day.to_monday_zero_offset().unsigned_abs())
    }
}

/// A part of the day, on some days of the week, in a time zone. One that ends at or before its beginning ends
/// on the next day, whatever weekday that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days on which it begins.
    pub days: Days,
    /// The minute of the day at which it begins.
    pub from: u16,
    /// The minute of the day at which it ends, at most [`DAY_MINUTES`].
    pub to: u16,
    /// Whose clock.
    pub zone: TimeZone,
    /// As the user wrote it.
    pub text: String,
}

impl Window {
    /// When it ends, if `now` is within it.
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let today = date(now, &self.zone)?;
        let begun = [today.yesterday().ok(), Some(today)].into_iter().flatten();
        begun
            .filter(|day| self.days.has_weekday(day.weekday()))
            .filter_map(|day| self.on(day))
            .find_map(|(start, end)| (start <= now && now < end).then_some(end))
    }

    /// The window that begins on a day. Where the clock goes back over its end, it ends at the second time.
    fn on(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let end_day = if self.to <= self.from { day.tomorrow().ok()? } else { day };
        let start = self.zone.to_ambiguous_timestamp(wall(day, self.from)?).compatible().ok()?;
        let end = self.zone.to_ambiguous_timestamp(wall(end_day, self.to)?).later().ok()?;
        Some((instant(start), instant(end)))
    }
}

/// Times of the day, on some days of the week, in a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// On which days.
    pub days: Days,
    /// At which minutes of the day, ascending.
    pub times: Vec<u16>,
    /// Whose clock.
    pub zone: TimeZone,
    /// As the user wrote it.
    pub text: String,
}

impl Schedule {
    /// Whether every hour is among its times.
    fn is_hourly(&self) -> bool {
        (0..DAY_MINUTES / 60).all(|hour| self.times.iter().any(|minute| minute / 60 == hour))
    }

    /// The first of its times after `now`. Where the clock goes forward over one, it comes as much later;
    /// where the clock goes back, it comes the first time only, unless there is one in every hour.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let mut day = date(now, &self.zone)?;
        for _ in 0..=DAYS_AHEAD {
            if self.days.has_weekday(day.weekday()) {
                let times = self.times.iter().flat_map(|minute| {
                    let at = wall(day, *minute).map(|at| self.zone.to_ambiguous_timestamp(at));
                    let first = at.and_then(|at| at.compatible().ok());
                    // An hour that comes twice has two hours' digests.
                    let again = at.filter(|_| self.is_hourly()).and_then(|at| at.later().ok());
                    [first, again].into_iter().flatten().map(instant)
                });
                // Not the first that is later: over a change of the clock their order may be another.
                if let Some(next) = times.filter(|at| *at > now).min() {
                    return Some(next);
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }
}

fn date(now: Timestamp, zone: &TimeZone) -> Option<Date> {
    let now = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?;
    Some(zone.to_datetime(now).date())
}

fn wall(day: Date, minute: u16) -> Option<DateTime> {
    if minute >= DAY_MINUTES {
        return Some(day.tomorrow().ok()?.to_datetime(Time::midnight()));
    }
    let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
    Some(day.at(hour, minute, 0, 0))
}

fn instant(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("an instant")
    }

    fn window(days: Days, from: u16, to: u16, zone: &str) -> Window {
        let zone = TimeZone::get(zone).expect("a zone");
        Window { days, from, to, zone, text: String::new() }
    }

    /// Where a window ends, for each of these instants.
    #[track_caller]
    fn check(window: &Window, cases: &[(&str, Option<&str>)]) {
        for (now, end) in cases {
            assert_eq!(window.end(at(now)), end.map(at), "{now}");
        }
    }

    #[test]
    fn a_night_ends_when_the_clock_shows_its_end() {
        let night = window(Days::ALL, 22 * 60, 7 * 60, "Europe/Berlin");
        check(
            &night,
            &[
                ("2026-11-26T20:59:59.999Z", None),
                ("2026-11-26T21:00:00Z", Some("2026-11-27T06:00:00Z")),
                ("2026-11-27T05:59:59.999Z", Some("2026-11-27T06:00:00Z")),
                ("2026-11-27T06:00:00Z", None),
                // The clock goes forward on 29 March: the night has eight hours.
                ("2026-03-28T21:00:00Z", Some("2026-03-29T05:00:00Z")),
                ("2026-03-29T04:59:00Z", Some("2026-03-29T05:00:00Z")),
                // And back on 25 October: it has ten.
                ("2026-10-24T20:00:00Z", Some("2026-10-25T06:00:00Z")),
                ("2026-10-25T05:59:00Z", Some("2026-10-25T06:00:00Z")),
            ],
        );
    }

    #[test]
    fn a_window_whose_edges_do_not_exist_or_exist_twice() {
        // 02:00 to 03:00 is skipped on 29 March, and shown twice on 25 October.
        check(
            &window(Days::ALL, 120, 180, "Europe/Berlin"),
            &[
                ("2026-03-29T00:59:59Z", None),
                ("2026-03-29T01:00:00Z", None),
                ("2026-10-25T00:00:00Z", Some("2026-10-25T02:00:00Z")),
                ("2026-10-25T01:30:00Z", Some("2026-10-25T02:00:00Z")),
                ("2026-10-25T02:00:00Z", None),
            ],
        );
        check(
            &window(Days::ALL, 22 * 60, 150, "Europe/Berlin"),
            &[
                ("2026-03-28T22:00:00Z", Some("2026-03-29T01:30:00Z")),
                // Quiet until the second 02:30.
                ("2026-10-25T00:29:00Z", Some("2026-10-25T01:30:00Z")),
                ("2026-10-25T00:31:00Z", Some("2026-10-25T01:30:00Z")),
            ],
        );
    }

    #[test]
    fn days_are_those_on_which_a_window_begins() {
        let friday = window(Days::NONE.with(4), 22 * 60, 7 * 60, "Asia/Seoul");
        check(
            &friday,
            &[
                ("2026-11-26T14:00:00Z", None),                         // Thursday 23:00
                ("2026-11-27T14:00:00Z", Some("2026-11-27T22:00:00Z")), // Friday 23:00
                ("2026-11-27T21:00:00Z", Some("2026-11-27T22:00:00Z")), // Saturday 06:00
                ("2026-11-28T14:00:00Z", None),
            ],
        );
        let saturday = window(Days::NONE.with(5), 0, DAY_MINUTES, "UTC");
        check(
            &saturday,
            &[
                ("2026-11-27T23:59:59Z", None),
                ("2026-11-28T00:00:00Z", Some("2026-11-29T00:00:00Z")),
                ("2026-11-28T23:59:59Z", Some("2026-11-29T00:00:00Z")),
                ("2026-11-29T00:00:00Z", None),
            ],
        );
    }

    #[test]
    fn a_schedule_comes_once_a_day_whatever_the_clock_does() {
        let next = |days, times: &[u16], zone, now| {
            let zone = TimeZone::get(zone).expect("a zone");
            Schedule { days, times: times.to_vec(), zone, text: String::new() }.next_after(at(now))
        };
        let eight = [8 * 60];
        for (now, expected) in [
            ("2026-11-26T06:59:59Z", "2026-11-26T07:00:00Z"),
            ("2026-11-26T07:00:00Z", "2026-11-27T07:00:00Z"),
            ("2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z"),
            ("2026-10-24T06:00:00Z", "2026-10-25T07:00:00Z"),
        ] {
            assert_eq!(next(Days::ALL, &eight, "Europe/Berlin", now), Some(at(expected)), "{now}");
        }
        // 02:30 is skipped in March, and shown twice in October.
        let skipped = next(Days::ALL, &[150], "Europe/Berlin", "2026-03-29T00:00:00Z");
        assert_eq!(skipped, Some(at("2026-03-29T01:30:00Z")));
        let first = next(Days::ALL, &[150], "Europe/Berlin", "2026-10-25T00:00:00Z");
        assert_eq!(first, Some(at("2026-10-25T00:30:00Z")));
        let second = next(Days::ALL, &[150], "Europe/Berlin", "2026-10-25T00:30:00Z");
        assert_eq!(second, Some(at("2026-10-26T01:30:00Z")));
        // An hour that comes twice has two hourly digests.
        let hours: Vec<u16> = (0..24).map(|hour| hour * 60).collect();
        let again = next(Days::ALL, &hours, "Europe/Berlin", "2026-10-25T00:15:00Z");
        assert_eq!(again, Some(at("2026-10-25T01:00:00Z")));
        let after = next(Days::ALL, &hours, "America/New_York", "2026-11-01T05:15:00Z");
        assert_eq!(after, Some(at("2026-11-01T06:00:00Z")));
        let monday = next(Days::NONE.with(0), &[480, 960], "UTC", "2026-11-23T16:00:00Z");
        assert_eq!(monday, Some(at("2026-11-30T08:00:00Z")));
    }
}
