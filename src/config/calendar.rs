//! Quiet hours and digests as people write them: `Mon-Fri 22:00-07:00 Europe/Berlin`, `daily 08:00`.

use jiff::tz::TimeZone;

use crate::domain::calendar::{DAY_MINUTES, Days, Schedule, Window};

/// What quiet hours look like, for messages.
pub(super) const QUIET_HELP: &str = "write from when to when, on which days if not on all, and whose clock: \"Mon-Fri 22:00-07:00 Europe/Berlin\"";

/// What a digest looks like, for messages.
pub(super) const DIGEST_HELP: &str = "write on which days, when, and whose clock: \"daily 08:00\", \"weekdays 08:00,16:00 Asia/Seoul\", \"hourly\"";

/// What a time zone looks like, for messages.
pub(super) const ZONE_HELP: &str =
    "write the name it has in the IANA database: \"Europe/Berlin\", \"Asia/Seoul\", \"UTC\"";

/// The names of days, Monday first.
const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The fewest letters of a day's name.
const SHORT: usize = 3;

/// Reads a time zone.
///
/// # Errors
/// When there is none of this name.
pub(super) fn parse_zone(name: &str) -> Result<TimeZone, String> {
    // Whatever looks like a path is one to those who keep zones in files.
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    if !plain || name.starts_with('/') {
        return Err(format!("`{}` is no time zone", shorten(name)));
    }
    TimeZone::get(name).map_err(|_unknown| format!("`{}` is no time zone", shorten(name)))
}

/// Reads quiet hours; `zone` is whose clock counts where they name none.
///
/// # Errors
/// What is wrong with them, in plain words.
pub(super) fn parse_window(text: &str, zone: &TimeZone) -> Result<Window, String> {
    let Parts { days, times, zone } = Parts::of(text, zone)?;
    let (from, to) = times.split_once('-').ok_or("the end is missing: 22:00-07:00")?;
    let (from, to) = (parse_minute(from)?, parse_minute(to)?);
    if from == DAY_MINUTES {
        return Err("24:00 is an end; midnight as a beginning is 00:00".to_owned());
    }
    if from == to {
        return Err("they begin and end at the same time; a whole day is 00:00-24:00".to_owned());
    }
    Ok(Window { days, from, to, zone, text: text.trim().to_owned() })
}

/// Reads when a digest goes; `zone` is whose clock counts where it names none.
///
/// # Errors
/// What is wrong with it, in plain words.
pub(super) fn parse_schedule(text: &str, zone: &TimeZone) -> Result<Schedule, String> {
    let written = text.trim();
    let words: Vec<&str> = written.split_whitespace().collect();
    if let ["hourly", rest @ ..] = words.as_slice() {
        let zone = match rest {
            [] => zone.clone(),
            [name] => parse_zone(name)?,
            [_, more, ..] => return Err(format!("`{}` says nothing here", shorten(more))),
        };
        let times = (0..24).map(|hour| hour * 60).collect();
        return Ok(Schedule { days: Days::ALL, times, zone, text: written.to_owned() });
    }
    let joined = written.replace(", ", ",");
    let Parts { days, times, zone } = Parts::of(&joined, zone)?;
    let mut minutes: Vec<u16> = times.split(',').map(parse_minute).collect::<Result<_, _>>()?;
    if minutes.contains(&DAY_MINUTES) {
        return Err("midnight is 00:00".to_owned());
    }
    minutes.sort_unstable();
    minutes.dedup();
    Ok(Schedule { days, times: minutes, zone, text: written.to_owned() })
}

/// `[DAYS] TIMES [ZONE]`.
struct Parts<'a> {
    days: Days,
    times: &'a str,
    zone: TimeZone,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str, zone: &TimeZone) -> Result<Self, String> {
        let mut words = text.split_whitespace().peekable();
        let days = match words.next_if(|word| !word.contains(':')) {
            Some(word) => parse_days(word)?,
            None => Days::ALL,
        };
        let times = words.next().ok_or("the time of day is missing")?;
        let zone = match words.next() {
            Some(name) => parse_zone(name)?,
            None => zone.clone(),
        };
        match words.next() {
            Some(more) => Err(format!("`{}` says nothing here", shorten(more))),
            None => Ok(Self { days, times, zone }),
        }
    }
}

fn parse_days(text: &str) -> Result<Days, String> {
    let mut days = Days::NONE;
    for part in text.to_ascii_lowercase().split(',') {
        let (first, last) = match part {
            "daily" => (0, 6),
            "weekdays" => (0, 4),
            "weekends" => (5, 6),
            one => {
                let (first, last) = one.split_once('-').unwrap_or((one, one));
                (parse_day(first)?, parse_day(last)?)
            }
        };
        // Fri-Mon goes over the week's end.
        let count = (last + 7 - first) % 7;
        days = (0..=count).fold(days, |days, step| days.with((first + step) % 7));
    }
    Ok(days)
}

fn parse_day(name: &str) -> Result<u8, String> {
    let found = (0_u8..).zip(NAMES).find(|(_, day)| name.len() >= SHORT && day.starts_with(name));
    found.map(|(day, _)| day).ok_or_else(|| format!("`{}` is no day of the week", shorten(name)))
}

fn parse_minute(text: &str) -> Result<u16, String> {
    let wrong = || format!("`{}` is no time of day, such as 07:30", shorten(text));
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |part: &str, most: usize| {
        let plain = (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (Some(hour), Some(minute)) = (digits(hour, 2), digits(minute, 2).filter(|_| minute.len() == 2))
    else {
        return Err(wrong());
    };
    let total = hour * 60 + minute;
    if minute > 59 || total > DAY_MINUTES { Err(wrong()) } else { Ok(total) }
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::hold::always_quiet;

    #[test]
    fn quiet_hours_read_as_people_write_them() {
        let read = |text: &str| {
            let window = parse_window(text, &TimeZone::UTC).expect(text);
            let days: Vec<u8> = (0..7).filter(|day| window.days.has(*day)).collect();
            let zone = window.zone.iana_name().unwrap_or("UTC").to_owned();
            (days, window.from, window.to, zone)
        };
        let all: Vec<u8> = (0..7).collect();
        assert_eq!(read("22:00-07:00"), (all.clone(), 1320, 420, "UTC".to_owned()));
        assert_eq!(read(" 9:30-24:00  Asia/Seoul "), (all, 570, 1440, "Asia/Seoul".to_owned()));
        assert_eq!(read("Mon-Fri 22:00-07:00 Europe/Berlin").0, [0, 1, 2, 3, 4]);
        assert_eq!(read("fri-mon 00:00-12:00").0, [0, 4, 5, 6]);
        assert_eq!(read("Wednesday,sat 00:00-12:00").0, [2, 5]);
        assert_eq!(read("weekends 00:00-24:00").0, [5, 6]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("", "the time of day is missing"),
            ("22:00", "the end is missing: 22:00-07:00"),
            ("22-07", "`22` is no day of the week"),
            ("22:00-7", "`7` is no time of day, such as 07:30"),
            ("22:60-07:00", "`22:60` is no time of day, such as 07:30"),
            ("24:01-07:00", "`24:01` is no time of day, such as 07:30"),
            ("24:00-07:00", "24:00 is an end; midnight as a beginning is 00:00"),
            ("07:00-07:00", "they begin and end at the same time; a whole day is 00:00-24:00"),
            ("22:00-07:00 Mars/Olympus", "`Mars/Olympus` is no time zone"),
            ("22:00-07:00 /etc/passwd", "`/etc/passwd` is no time zone"),
            ("22:00-07:00 UTC at night", "`at` says nothing here"),
            ("Mo 22:00-07:00", "`mo` is no day of the week"),
            ("nightly 22:00-07:00", "`nightly` is no day of the week"),
        ] {
            assert_eq!(parse_window(text, &TimeZone::UTC).map(drop), Err(why.to_owned()), "{text}");
        }
        for (text, why) in [
            ("daily", "the time of day is missing"),
            ("daily 8", "`8` is no time of day, such as 07:30"),
            ("daily 24:00", "midnight is 00:00"),
            ("daily 08:00-09:00", "`08:00-09:00` is no time of day, such as 07:30"),
            ("hourly UTC now", "`now` says nothing here"),
        ] {
            assert_eq!(parse_schedule(text, &TimeZone::UTC).map(drop), Err(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn digests_read_as_people_write_them() {
        let times = |text: &str| parse_schedule(text, &TimeZone::UTC).expect(text).times;
        assert_eq!(times("daily 08:00"), [480]);
        assert_eq!(times("08:00"), [480]);
        assert_eq!(times("weekdays 16:00, 8:00,08:00 Europe/Kyiv"), [480, 960]);
        assert_eq!(times("hourly").len(), 24);
    }

    #[test]
    fn windows_that_leave_nothing_are_seen() {
        let windows = |texts: &[&str]| -> Vec<Window> {
            texts.iter().map(|text| parse_window(text, &TimeZone::UTC).expect("quiet hours")).collect()
        };
        assert!(!always_quiet([].iter()));
        assert!(always_quiet(windows(&["00:00-24:00"]).iter()));
        assert!(always_quiet(windows(&["22:00-07:00", "07:00-22:00"]).iter()));
        assert!(!always_quiet(windows(&["22:00-07:00", "07:00-21:59"]).iter()));
        assert!(!always_quiet(windows(&["weekdays 00:00-24:00", "sat 00:00-24:00"]).iter()));
        assert!(always_quiet(windows(&["22:00-07:00 America/New_York", "00:00-24:00 UTC"]).iter()));
        assert!(always_quiet(windows(&["00:00-12:00 Asia/Seoul", "00:00-12:00 Etc/GMT+3"]).iter()));
        assert!(!always_quiet(windows(&["00:00-12:00 Asia/Seoul", "00:00-11:59 Etc/GMT+3"]).iter()));
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(text in "[-0-9:,a-zA-Z/ ]{0,30}") {
            drop((parse_window(&text, &TimeZone::UTC), parse_schedule(&text, &TimeZone::UTC)));
        }
    }
}
