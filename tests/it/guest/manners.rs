//! Rules of politeness: what was asked for is heeded, what was learnt is remembered.

use super::court::{Answer, Body, Evidence, ROUNDS, Scenario, Verdict, ensure};

pub(super) fn scenarios() -> Vec<Scenario> {
    [validators(), freshness(), hints(), refusals(), redirects()].into_iter().flatten().collect()
}

/// A server that answers 304 to the right question.
pub(super) fn validating(
    name: &'static str,
    answer: &'static str,
    question: &'static str,
    value: &'static str,
) -> Scenario {
    let script = move |_, seen: &super::court::Seen, _| {
        if seen.header(question) == Some(value) {
            Answer::empty(304)
        } else {
            Answer::feed("a").with(answer, value)
        }
    };
    let judge = move |e: &Evidence| {
        ensure(e.seen.len() > ROUNDS / 2, "stays away")?;
        let echoes = e.seen.iter().skip(1).all(|seen| seen.header(question) == Some(value));
        ensure(echoes, "does not give back what it was given")
    };
    Scenario::new(name, script, judge).conditional()
}

/// What the n-th request must say in If-None-Match.
fn asks(e: &Evidence, n: usize, etag: Option<&str>) -> Verdict {
    let seen = e.seen.get(n).ok_or("stays away")?;
    let said = seen.header("if-none-match");
    ensure(said == etag, &format!("says {said:?} instead of {etag:?} at visit {n}"))
}

fn validators() -> Vec<Scenario> {
    vec![
        validating("etag", "ETag", "if-none-match", "W/\"a, \"\"b\""),
        validating("etag-bare", "ETag", "if-none-match", "not-quoted"),
        validating("modified", "Last-Modified", "if-modified-since", "Mon, 23 Nov 2026 07:00:00 GMT"),
        validating("modified-odd", "Last-Modified", "if-modified-since", "Monday, 23-Nov-26 7:00:00 +0000"),
        Scenario::new(
            "both",
            |_, _, _| Answer::feed("a").with("ETag", "\"a\"").with("Last-Modified", "x"),
            |e| {
                let both = |s: &super::court::Seen| {
                    s.header("if-none-match").is_some() && s.header("if-modified-since").is_some()
                };
                ensure(e.seen.len() > 1 && e.seen[1..].iter().all(both), "does not send both validators")
            },
        )
        .conditional(),
        Scenario::new(
            "cleared",
            |n, _, _| if n == 0 { Answer::feed("a").with("ETag", "\"a\"") } else { Answer::feed("b") },
            |e| asks(e, 1, Some("\"a\"")).and_then(|()| asks(e, 2, None)),
        ),
        Scenario::new(
            "renewed-by-304",
            |n, _, _| match n {
                0 => Answer::feed("a").with("ETag", "\"a\""),
                _ => Answer::empty(304).with("ETag", "\"b\""),
            },
            |e| asks(e, 1, Some("\"a\"")).and_then(|()| asks(e, 2, Some("\"b\""))),
        )
        .conditional(),
        Scenario::new(
            "always-new-etag",
            |n, _, _| Answer::feed("a").with("ETag", format!("\"{n}\"")),
            |e| (1..5).try_for_each(|n| asks(e, n, Some(&format!("\"{}\"", n - 1)))),
        )
        .conditional(),
        Scenario::new(
            "304-unasked",
            |_, _, _| Answer::empty(304),
            |e| {
                asks(e, 1, None)?;
                ensure(e.rounds("/feed").windows(2).all(|two| two[0] < two[1]), "asks again at once")
            },
        ),
        poisoned("poisoned-by-a-page", || {
            Answer::new(200, Body::Whole(b"<!doctype html><title>Maintenance</title>".to_vec()))
        }),
        poisoned("poisoned-by-nothing", || Answer::empty(200)),
        poisoned("poisoned-by-a-cut-answer", || Answer::new(200, Body::Short(super::court::feed("b")))),
        poisoned("poisoned-by-cut-gzip", || {
            let body = super::menace::gzip(&super::court::feed("b"));
            Answer::new(200, Body::Whole(body[..body.len() - 9].to_vec())).with("Content-Encoding", "gzip")
        }),
        poisoned("poisoned-by-a-cut-document", || {
            let body = super::court::feed("b");
            Answer::new(200, Body::Whole(body[..body.len() - 12].to_vec()))
        }),
    ]
}

/// A bad answer with a good-looking validator, once; whoever believes it hears 304 for ever after.
fn poisoned(name: &'static str, bad: impl Fn() -> Answer + Send + Sync + 'static) -> Scenario {
    let script = move |n, seen: &super::court::Seen, _| match n {
        0 => Answer::feed("a").with("ETag", "\"good\""),
        1 => bad().with("ETag", "\"bad\""),
        _ if seen.header("if-none-match") == Some("\"bad\"") => Answer::empty(304),
        _ => Answer::feed("c").with("ETag", "\"good\""),
    };
    Scenario::new(name, script, |e| {
        let believes = e.seen.iter().any(|seen| seen.header("if-none-match") == Some("\"bad\""));
        ensure(!believes, "believes the validator of a bad answer")?;
        ensure(e.titles.iter().any(|title| title == "c"), "misses what came afterwards")
    })
}

/// No visit within so many minutes of the first answer, and one at most so many later.
pub(super) fn waits(e: &Evidence, path: &str, minutes: usize) -> Verdict {
    let rounds = e.rounds(path);
    let gap = rounds.get(1).map_or(ROUNDS, |round| round - rounds[0]);
    ensure(gap * 12 >= minutes, &format!("comes back after {} minutes instead of {minutes}", gap * 12))?;
    let late = ((minutes + 11) * 11 / 10).div_ceil(12) + 1;
    ensure(gap <= late || late >= ROUNDS, &format!("comes back only after {} minutes", gap * 12))
}

pub(super) fn fresh(
    name: &'static str,
    header: &'static str,
    value: &'static str,
    minutes: usize,
) -> Scenario {
    let script = move |_, _: &super::court::Seen, _| {
        Answer::feed("a")
            .with("ETag", "\"a\"")
            .with("Date", "Mon, 23 Nov 2026 08:00:00 GMT")
            .with(header, value)
    };
    Scenario::new(name, script, move |e| waits(e, "/feed", minutes)).conditional()
}

fn freshness() -> Vec<Scenario> {
    let ttl = "<rss version='2.0'><channel><ttl>90</ttl><item><title>a</title><guid>a</guid></item></channel></rss>";
    vec![
        fresh("max-age", "Cache-Control", "public, max-age=3600", 60),
        fresh("max-age-odd", "Cache-Control", "x-max-age=9, MAX-AGE=\"3600\"", 60),
        fresh("max-age-huge", "Cache-Control", "max-age=99999999999999999999", 180),
        fresh("max-age-zero", "Cache-Control", "max-age=0", 10),
        fresh("no-cache", "Cache-Control", "no-cache, max-age=3600", 10),
        fresh("expires", "Expires", "Mon, 23 Nov 2026 09:00:00 GMT", 60),
        Scenario::new(
            "age",
            |_, _, _| Answer::feed("a").with("Cache-Control", "max-age=7200").with("Age", "3600"),
            |e| waits(e, "/feed", 60),
        ),
        fresh("expires-never-meant", "Expires", "-1", 10),
        Scenario::new(
            "fresh-by-304",
            |n, _, _| match n {
                0 => Answer::feed("a").with("ETag", "\"a\""),
                1 => Answer::empty(304).with("Cache-Control", "max-age=3600"),
                _ => Answer::empty(304),
            },
            |e| {
                let rounds = e.rounds("/feed");
                let gap = rounds.get(2).zip(rounds.get(1)).map(|(third, second)| third - second);
                ensure(gap.is_some_and(|gap| (5..=7).contains(&gap)), "does not heed the freshness of a 304")
            },
        )
        .conditional(),
        Scenario::new(
            "ttl",
            move |_, _, _| Answer::new(200, Body::Whole(ttl.into())),
            |e| waits(e, "/feed", 90),
        ),
    ]
}

/// A document that asks its readers for something.
pub(super) fn asking(name: &'static str, wish: &'static str, minutes: usize) -> Scenario {
    let document = format!(
        "<rss version='2.0' xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'><channel>{wish}<item><title>a</title>\
         <guid>a</guid></item></channel></rss>"
    );
    Scenario::new(
        name,
        move |_, _, _| Answer::new(200, Body::Whole(document.clone().into_bytes())),
        move |e| waits(e, "/feed", minutes),
    )
}

fn hints() -> Vec<Scenario> {
    vec![
        asking(
            "update-period",
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>16</sy:updateFrequency>",
            90,
        ),
        // It is eight o'clock (GMT) on a Monday.
        asking("skip-hours", "<skipHours><hour>8</hour><hour>9</hour></skipHours>", 120),
        asking("skip-days", "<skipDays><day>Monday</day></skipDays>", 180),
        Scenario::new(
            "skip-everything",
            |_, _, _| {
                let hours: String =
                    (0..24).map(|hour| format!("<hour>{hour}</hour>")).collect::<Vec<_>>().concat();
                let item = "<item><title>a</title><guid>a</guid></item>";
                let text = format!(
                    "<rss version='2.0'><channel><skipHours>{hours}</skipHours>{item}</channel></rss>"
                );
                Answer::new(200, Body::Whole(text.into_bytes()))
            },
            |e| {
                ensure(
                    e.rounds("/feed").len() > ROUNDS / 2,
                    "takes a feed at its word that wants no visits at all",
                )
            },
        ),
        Scenario::new(
            "same-body",
            |_, _, _| Answer::feed("a").with("Cache-Control", "max-age=3000"),
            |e| {
                ensure(e.titles == ["a"], "takes the same article for another")?;
                waits(e, "/feed", 50)
            },
        ),
    ]
}

pub(super) fn refused(
    name: &'static str,
    status: u16,
    retry_after: &'static str,
    minutes: usize,
) -> Scenario {
    let script = move |_, _: &super::court::Seen, _| {
        let answer = Answer::empty(status).with("Date", "Mon, 23 Nov 2026 08:00:00 GMT");
        if retry_after.is_empty() { answer } else { answer.with("Retry-After", retry_after) }
    };
    Scenario::new(name, script, move |e| waits(e, "/feed", minutes))
}

/// A failure again and again: each wait is at least as long as the last, and soon there are few visits.
fn failing(name: &'static str, status: u16, most: usize) -> Scenario {
    Scenario::new(
        name,
        move |_, _, _| Answer::empty(status),
        move |e| {
            let rounds = e.rounds("/feed");
            let gaps: Vec<usize> = rounds.windows(2).map(|two| two[1] - two[0]).collect();
            ensure(gaps.is_sorted(), &format!("waits {gaps:?} rounds between failures"))?;
            ensure(rounds.len() > 1, "gives up at once")?;
            ensure(rounds.len() <= most, &format!("comes {} times for nothing", rounds.len()))
        },
    )
}

fn refusals() -> Vec<Scenario> {
    vec![
        refused("429-seconds", 429, "3600", 60),
        refused("429-date", 429, "Mon, 23 Nov 2026 09:00:00 GMT", 60),
        refused("429-garbage", 429, "soon", 10),
        refused("429-past", 429, "Mon, 23 Nov 2020 09:00:00 GMT", 10),
        refused("503-seconds", 503, "3600", 60),
        refused("503-date", 503, "Mon, 23 Nov 2026 09:00:00 GMT", 60),
        refused("500-seconds", 500, "3600", 60),
        refused("503-huge", 503, "99999999999999999999", 180),
        Scenario::new(
            "many-feeds-on-a-host",
            |_, seen, _| Answer::feed(&seen.path),
            |e| ensure(e.rounds("/feed/5").len() > ROUNDS / 2, "neglects feeds on a busy host"),
        )
        .with_others(5),
        Scenario::new(
            "429-for-the-host",
            |n, _, _| if n == 0 { Answer::empty(429).with("Retry-After", "3600") } else { Answer::feed("a") },
            |e| {
                let too_soon = e.seen.iter().filter(|seen| seen.round < 5).count();
                ensure(
                    too_soon <= 1,
                    &format!("comes {too_soon} times within the hour it was asked to stay away"),
                )
            },
        )
        .with_others(3),
        failing("500", 500, 6),
        failing("404", 404, 6),
        failing("403", 403, 4),
        failing("401", 401, 4),
        failing("204", 204, 6),
        Scenario::new(
            "recovers",
            |n, _, _| match n {
                0..=2 => Answer::empty(502),
                _ => Answer::feed("a"),
            },
            |e| {
                let rounds = e.rounds("/feed");
                let last = rounds.len().checked_sub(2).map(|n| rounds[n + 1] - rounds[n]);
                ensure(rounds.len() > 5 && last == Some(1), "does not come back to its rhythm")
            },
        ),
        Scenario::new(
            "410",
            |n, _, _| if n == 0 { Answer::feed("a") } else { Answer::empty(410) },
            |e| ensure(e.seen.len() == 2, &format!("comes {} times though it is gone", e.seen.len())),
        ),
    ]
}

/// `/feed` answers with this status and leads to `/new`, which is a feed.
fn moved(name: &'static str, status: u16, remembered: bool) -> Scenario {
    let script = move |_, seen: &super::court::Seen, _| match seen.path.as_str() {
        "/new" => Answer::feed("a"),
        _ => Answer::empty(status).with("Location", "/new"),
    };
    Scenario::new(name, script, move |e| {
        let (old, new) = (e.rounds("/feed").len(), e.rounds("/new").len());
        ensure(new > ROUNDS / 2 && e.titles == ["a"], "does not follow")?;
        ensure(!remembered || old == 1, &format!("asks the old address {old} times"))?;
        ensure(remembered || old == new, "takes a detour for a move")
    })
}

fn redirects() -> Vec<Scenario> {
    vec![
        moved("301", 301, true),
        moved("308", 308, true),
        moved("302", 302, false),
        moved("303", 303, false),
        moved("307", 307, false),
        Scenario::new(
            "301-then-302",
            |_, seen, _| match seen.path.as_str() {
                "/feed" => Answer::empty(301).with("Location", "/kept"),
                "/kept" => Answer::empty(302).with("Location", "/passing"),
                "/passing" => Answer::empty(301).with("Location", "/end"),
                _ => Answer::feed("a"),
            },
            |e| {
                ensure(e.rounds("/feed").len() == 1, "forgets the permanent part of the way")?;
                let (kept, passing) = (e.rounds("/kept").len(), e.rounds("/passing").len());
                ensure(kept == passing && kept > ROUNDS / 2, "remembers what is not permanent")
            },
        ),
        Scenario::new(
            "301-taken-back",
            |_, seen, _| match (seen.path.as_str(), seen.round) {
                ("/feed", 0) => Answer::empty(301).with("Location", "/new"),
                ("/new", 0) => Answer::feed("a"),
                ("/new", _) => Answer::empty(404),
                _ => Answer::feed("b"),
            },
            |e| {
                let last = e.titles.iter().any(|title| title == "b");
                ensure(last, "never asks again where it was told to ask")?;
                ensure(e.rounds("/new").len() >= 3, "gives a move up at its first failure")
            },
        ),
        Scenario::new(
            "301-to-a-page",
            |n, seen, _| match seen.path.as_str() {
                "/feed" if n < 2 => Answer::empty(301).with("Location", "/login"),
                "/feed" => Answer::feed("a"),
                _ => {
                    Answer::new(200, Body::Whole(b"<html><title>Pay for the network</title></html>".to_vec()))
                }
            },
            |e| {
                ensure(e.rounds("/login").len() == 1, "believes a page that says that the feed moved there")?;
                ensure(e.titles == ["a"], "lost the feed")
            },
        ),
    ]
}
