//! Durations and sizes as people write them: `1h30m`, `250ms`, `10MiB`.

use std::fmt::Write as _;
use std::time::Duration;

use crate::domain::delivery::Rate;

/// Units of durations, longest first, with their milliseconds.
const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Units of sizes, largest first, with their bytes.
const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// What a duration looks like, for messages.
pub const DURATION_HELP: &str =
    "write a number and a unit of ms, s, m, h, d: \"90s\", \"15m\", \"1h30m\", \"7d\"";

/// What a size looks like, for messages.
pub const SIZE_HELP: &str = "write bytes as a number, or a number and a unit of KiB, MiB, GiB: \"10MiB\"";

/// Reads a duration such as `90s`, `1h30m` or `0s`: units from long to short, each at most once.
///
/// # Errors
/// What is wrong with it, in plain words.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("a duration is missing".into());
    }
    let mut total: u64 = 0;
    // Units go down: the index of the next one that may follow.
    let mut next_unit = 0;
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let unit_length = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_length);
        if unit.is_empty() {
            return Err(if after.starts_with('.') {
                "a duration has no decimal point".into()
            } else {
                "the unit is missing".into()
            });
        }
        let index = DURATION_UNITS
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(|| format!("`{}` is no unit of time", shorten(unit)))?;
        if index < next_unit {
            return Err("units go from long to short, each once".into());
        }
        next_unit = index + 1;
        total = number
            .checked_mul(DURATION_UNITS[index].1)
            .and_then(|part| total.checked_add(part))
            .ok_or("the duration is too long")?;
        rest = after;
    }
    Ok(Duration::from_millis(total))
}

/// Reads a size such as `10MiB` or `4096`, in bytes.
///
/// # Errors
/// What is wrong with it, in plain words.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a size is missing".into());
    }
    let (number, unit) = split_number(text)?;
    let unit = unit.trim_start();
    let bytes = if unit.is_empty() {
        1
    } else if let Some((_, bytes)) = SIZE_UNITS.iter().find(|(name, _)| *name == unit) {
        *bytes
    } else {
        return Err(if unit.starts_with('.') {
            "a size has no decimal point".into()
        } else {
            format!("`{}` is no unit of size", shorten(unit))
        });
    };
    number.checked_mul(bytes).ok_or_else(|| "the size is too large".into())
}

/// What a rate looks like, for messages.
pub const RATE_HELP: &str =
    "write how many in how much time, \"60/min\", \"1/s\", \"500/h\", or \"off\" for no limit";

/// Reads a rate such as `60/min`; nothing for `off`.
///
/// # Errors
/// What is wrong with it, in plain words.
pub fn parse_rate(text: &str) -> Result<Option<Rate>, String> {
    if text.trim() == "off" {
        return Ok(None);
    }
    let (count, unit) = text.split_once('/').ok_or("the `/` is missing")?;
    let (count, rest) = split_number(count.trim())?;
    let seconds = match unit.trim() {
        _ if !rest.is_empty() => return Err("a whole number stands before the `/`".into()),
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        unit => return Err(format!("`{}` is no unit of time", shorten(unit))),
    };
    match u32::try_from(count) {
        Ok(0) => Err("none at all would never be sent".into()),
        Ok(count) if count <= 100_000 => Ok(Some(Rate { count, per: Duration::from_secs(seconds) })),
        Ok(_) | Err(_) => Err("the number is too large".into()),
    }
}

/// Writes a duration as [`parse_duration`] reads it.
pub fn show_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".into();
    }
    let mut out = String::new();
    for (unit, millis) in DURATION_UNITS {
        if rest >= millis {
            write!(out, "{}{unit}", rest / millis).expect("writing to a string cannot fail");
            rest %= millis;
        }
    }
    out
}

/// Writes a size as [`parse_size`] reads it.
pub fn show_size(bytes: u64) -> String {
    let (unit, size) = SIZE_UNITS
        .into_iter()
        .find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size))
        .unwrap_or(("B", 1));
    if size == 1 { bytes.to_string() } else { format!("{}{unit}", bytes / size) }
}

fn split_number(text: &str) -> Result<(u64, &str), String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if digits == 0 {
        return Err("a number is missing".into());
    }
    let (number, rest) = text.split_at(digits);
    let number = number.parse().map_err(|_ignored| "the number is too large")?;
    Ok((number, rest))
}

fn shorten(unit: &str) -> String {
    unit.chars().take(12).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_read_as_people_write_them() {
        let spacing = |text: &str| parse_rate(text).map(|rate| rate.map(Rate::spacing));
        assert_eq!(spacing("60/min"), Ok(Some(Duration::from_secs(1))));
        assert_eq!(spacing(" 4 / s"), Ok(Some(Duration::from_millis(250))));
        assert_eq!(spacing("off"), Ok(None));
        for wrong in ["", "60", "0/s", "1.5/s", "1/week", "/s", "-1/s", "99999999999999999999/s", "200000/s"]
        {
            assert!(spacing(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("90s", 90_000),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("1d2h3m4s5ms", 93_784_005),
            (" 5m ", 300_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, why) in [
            ("", "a duration is missing"),
            ("5", "the unit is missing"),
            ("m", "a number is missing"),
            ("-5m", "a number is missing"),
            ("1.5h", "a duration has no decimal point"),
            ("5 m", "the unit is missing"),
            ("5min", "`min` is no unit of time"),
            ("30m1h", "units go from long to short, each once"),
            ("1m1m", "units go from long to short, each once"),
            ("99999999999999999999s", "the number is too large"),
            ("9999999999999999d", "the duration is too long"),
        ] {
            assert_eq!(parse_duration(text), Err(why.into()), "{text}");
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, bytes) in
            [("0", 0), ("4096", 4096), ("4096B", 4096), ("10MiB", 10 << 20), ("1 GiB", 1 << 30)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for (text, why) in [
            ("10MB", "`MB` is no unit of size"),
            ("1.5MiB", "a size has no decimal point"),
            ("MiB", "a number is missing"),
            ("99999999999GiB", "the size is too large"),
        ] {
            assert_eq!(parse_size(text), Err(why.into()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_shown_duration_reads_back(millis in 0_u64..10_000_000_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
        }

        #[test]
        fn a_shown_size_reads_back(bytes: u64) {
            prop_assert_eq!(parse_size(&show_size(bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_makes_them_panic(text in ".{0,40}") {
            drop((parse_duration(&text), parse_size(&text)));
        }
    }
}
