//! What listings show.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, Statement, params};

use super::articles::{key, marks, not_an_id, suppression};
use super::feeds::{instant, slug};
use crate::domain::alert::AlertContent;
use crate::domain::article::Sample;
use crate::domain::delivery::DeliveryState;
use crate::domain::poll::FAILING_AFTER;
use crate::domain::schedule;
use crate::domain::topic::Severity;
use crate::domain::{AlertId, DeliveryId, FeedId, MessageId, SilenceId, Timestamp};
use crate::ports::StoreError;
use crate::ports::reads::{
    AlertRow, AlertState, ArticleRow, DeliveryRow, FeedHealth, FeedRow, Page, StoredText,
};

pub(super) fn since(page: Page) -> i64 {
    page.since.map_or(i64::MIN, Timestamp::as_millis)
}

/// SQLite's "all" is a negative limit.
pub(super) fn limit(page: Page) -> i64 {
    if page.limit == 0 { -1 } else { i64::try_from(page.limit).unwrap_or(-1) }
}

pub(super) fn feeds(connection: &Connection) -> Result<Vec<FeedRow>, StoreError> {
    let mut rows = Vec::new();
    each_feed(connection, None, |_, row| {
        rows.push(feed_row(row)?);
        Ok(true)
    })?;
    Ok(rows)
}

/// Shows `look` every feed behind `after` in the order of ids, until it answers no.
pub(super) fn each_feed(
    connection: &Connection,
    after: Option<&FeedId>,
    mut look: impl FnMut(FeedHealth, &Row<'_>) -> rusqlite::Result<bool>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT slug, url, coalesce(set_title, title), configured, status, last_poll_at, due_at, due_reason,
             last_error, notice, failures, articles, moved_to, last_good_at, learnt_interval, last_new_at
         FROM feed WHERE slug > ?1 ORDER BY slug",
    )?;
    let mut rows = statement.query([after.map_or("", FeedId::as_str)])?;
    while let Some(row) = rows.next()? {
        if !look(feed_health(row)?, row)? {
            break;
        }
    }
    Ok(())
}

/// Whether the feed's last good poll found it silent for far longer than its rhythm.
fn quiet(row: &Row<'_>) -> rusqlite::Result<bool> {
    let learnt = row.get::<_, Option<i64>>(14)?.map(|millis| Duration::from_millis(millis.unsigned_abs()));
    let last_good_at = instant(row, 13)?;
    let last_new_at = instant(row, 15)?;
    Ok(last_good_at.is_some_and(|at| schedule::is_quiet(learnt, last_new_at, at)))
}

fn feed_health(row: &Row<'_>) -> rusqlite::Result<FeedHealth> {
    let (configured, gone): (bool, bool) = (row.get(3)?, row.get(4)?);
    Ok(match () {
        () if !configured => FeedHealth::Disabled,
        () if gone => FeedHealth::Gone,
        () if row.get::<_, u32>(10)? >= FAILING_AFTER => FeedHealth::Failing,
        () if instant(row, 13)?.is_none() => FeedHealth::New,
        () if quiet(row)? => FeedHealth::Quiet,
        () => FeedHealth::Ok,
    })
}

pub(super) fn feed_row(row: &Row<'_>) -> rusqlite::Result<FeedRow> {
    let (configured, gone): (bool, bool) = (row.get(3)?, row.get(4)?);
    let polled = configured && !gone;
    Ok(FeedRow {
        id: slug(row, 0)?,
        url: row.get(1)?,
        title: row.get(2)?,
        state: feed_health(row)?,
        last_poll_at: instant(row, 5)?,
        next_poll_at: if polled { instant(row, 6)? } else { None },
        next_poll_reason: if polled { row.get(7)? } else { None },
        last_error: row.get(8)?,
        notice: row.get(9)?,
        failures: row.get(10)?,
        articles: row.get::<_, i64>(11)?.unsigned_abs(),
        moved_to: row.get(12)?,
    })
}

pub(super) fn texts(
    connection: &Connection,
    from: Option<Timestamp>,
    after: i64,
    most: usize,
) -> Result<Vec<StoredText>, StoreError> {
    let page = Page { since: from, limit: most };
    let mut feeds = connection.prepare_cached(FEEDS_OF)?;
    let mut rows = connection.prepare_cached(
        "SELECT id, key, title, text, link, lang, authors, first_seen_at, boilerplate FROM article
         WHERE id > ?1 AND first_seen_at >= ?2 ORDER BY id LIMIT ?3",
    )?;
    let rows = rows.query_map(params![after, since(page), limit(page)], |row| {
        let number: i64 = row.get(0)?;
        let authors: String = row.get(6)?;
        let text: String = row.get(3)?;
        Ok(StoredText {
            number,
            id: key(row, 1)?,
            title: row.get(2)?,
            boilerplate: marks(row, 8, &text)?,
            text,
            link: row.get(4)?,
            lang: row.get(5)?,
            authors: serde_json::from_str(&authors).unwrap_or_default(),
            feeds: feeds.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?,
            first_seen_at: Timestamp::from_millis(row.get(7)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The columns of an article in a listing, from where they are taken.
pub(super) const ARTICLE: &str =
    "SELECT a.key, f.slug, a.title, a.link, a.guid, a.published_at, a.first_seen_at,
         coalesce(a.updated_at, a.changed_at), a.revision, a.lang, a.suppressed, a.id
     FROM article a JOIN feed f ON f.id = a.feed";

/// The feeds an article was seen in.
pub(super) const FEEDS_OF: &str = "SELECT f.slug FROM sighting s JOIN feed f ON f.id = s.feed WHERE s.article = ?1 ORDER BY s.first_seen_at";

pub(super) fn sample(
    connection: &Connection,
    articles: usize,
    characters: usize,
) -> Result<Vec<Sample>, StoreError> {
    let bound = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let mut rows = connection
        .prepare_cached("SELECT title, substr(text, 1, ?2), lang FROM article ORDER BY id DESC LIMIT ?1")?;
    let rows = rows.query_map(params![bound(articles), bound(characters)], |row| {
        Ok(Sample { title: row.get(0)?, text: row.get(1)?, lang: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn articles(connection: &Connection, page: Page) -> Result<Vec<ArticleRow>, StoreError> {
    let mut feeds = connection.prepare_cached(FEEDS_OF)?;
    let query =
        format!("{ARTICLE} WHERE a.first_seen_at >= ?1 ORDER BY a.first_seen_at DESC, a.id DESC LIMIT ?2");
    let mut rows = connection.prepare_cached(&query)?;
    let rows = rows.query_map(params![since(page), limit(page)], |row| article_row(row, &mut feeds))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn article_row(row: &Row<'_>, feeds: &mut Statement<'_>) -> rusqlite::Result<ArticleRow> {
    Ok(ArticleRow {
        id: key(row, 0)?,
        feed: slug(row, 1)?,
        feeds: feeds.query_map([row.get::<_, i64>(11)?], |row| slug(row, 0))?.collect::<Result<_, _>>()?,
        title: row.get(2)?,
        link: row.get(3)?,
        guid: row.get(4)?,
        published_at: instant(row, 5)?,
        first_seen_at: Timestamp::from_millis(row.get(6)?),
        updated_at: instant(row, 7)?,
        revision: row.get(8)?,
        lang: row.get(9)?,
        suppressed: suppression(row, 10)?,
    })
}

/// The columns of an alert in a listing, from where they are taken.
pub(super) const ALERT: &str = "SELECT l.key, l.topic, a.key, l.severity, l.score, l.created_at, l.content,
         (SELECT group_concat(DISTINCT state) FROM delivery WHERE alert = l.id), s.key, l.id
     FROM alert l JOIN article a ON a.id = l.article LEFT JOIN silence s ON s.id = l.silence";

pub(super) fn alerts(connection: &Connection, page: Page) -> Result<Vec<AlertRow>, StoreError> {
    let query = format!("{ALERT} WHERE l.created_at >= ?1 ORDER BY l.created_at DESC, l.id DESC LIMIT ?2");
    let rows = connection
        .prepare_cached(&query)?
        .query_map(params![since(page), limit(page)], |row| Ok(alert_row(row)?.0))?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// The alerts an article raised.
pub(super) fn alerts_of(connection: &Connection, article: i64) -> Result<Vec<AlertRow>, StoreError> {
    let query = format!("{ALERT} WHERE l.article = ?1 ORDER BY l.created_at, l.id");
    let rows = connection
        .prepare_cached(&query)?
        .query_map([article], |row| Ok(alert_row(row)?.0))?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// One alert, and all that is told of it.
pub(super) fn alert(
    connection: &Connection,
    id: AlertId,
) -> Result<Option<(AlertRow, AlertContent)>, StoreError> {
    let query = format!("{ALERT} WHERE l.key = ?1");
    Ok(connection.prepare_cached(&query)?.query_row([id.as_bytes()], alert_row).optional()?)
}

pub(super) fn alert_row(row: &Row<'_>) -> rusqlite::Result<(AlertRow, AlertContent)> {
    let content: AlertContent = serde_json::from_str(&row.get::<_, String>(6)?).map_err(|problem| {
        rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, problem.into())
    })?;
    let mut terms: Vec<String> = Vec::new();
    for span in &content.found.spans {
        if !terms.contains(&span.term) {
            terms.push(span.term.clone());
        }
    }
    let states: Option<String> = row.get(7)?;
    let silence: Option<Vec<u8>> = row.get(8)?;
    let silence = silence.as_deref().and_then(SilenceId::from_bytes);
    let shown = AlertRow {
        id: AlertId::from_bytes(&row.get::<_, Vec<u8>>(0)?).ok_or_else(|| not_an_id(0))?,
        topic: slug(row, 1)?,
        article: key(row, 2)?,
        title: content.article.title.clone(),
        link: content.article.link.clone(),
        severity: row.get::<_, String>(3)?.parse().unwrap_or(Severity::Normal),
        score: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        state: if silence.is_some() { AlertState::Silenced } else { alert_state(states.as_deref()) },
        silence,
        terms,
    };
    Ok((shown, content))
}

/// Where an alert stands, from the states of its deliveries.
fn alert_state(states: Option<&str>) -> AlertState {
    let Some(states) = states else { return AlertState::Logged };
    let any = |wanted: &[&str]| states.split(',').any(|state| wanted.contains(&state));
    if any(&["pending", "sending"]) {
        AlertState::Pending
    } else if any(&["held"]) {
        AlertState::Held
    } else if any(&["dead"]) {
        AlertState::Dead
    } else {
        AlertState::Delivered
    }
}

pub(super) fn deliveries(
    connection: &Connection,
    page: Page,
    state: Option<DeliveryState>,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let rows = connection
        .prepare_cached(
            "SELECT d.key, m.key, l.key, d.webhook, d.state, d.attempts,
                 coalesce(d.due_at, d.release_at, (SELECT c.due_at FROM delivery c WHERE c.id = d.carrier)),
                 d.last_status, d.last_error, d.created_at, d.reason, e.kind
             FROM delivery d LEFT JOIN alert l ON l.id = d.alert LEFT JOIN event e ON e.id = d.event LEFT JOIN message m ON m.id = d.message
             WHERE d.created_at >= ?1 AND (?3 IS NULL OR d.state = ?3)
             ORDER BY d.created_at DESC, d.id DESC LIMIT ?2",
        )?
        .query_map(params![since(page), limit(page), state.map(DeliveryState::as_str)], delivery_row)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

fn delivery_row(row: &Row<'_>) -> rusqlite::Result<DeliveryRow> {
    let (message, alert): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(1)?, row.get(2)?);
    Ok(DeliveryRow {
        id: DeliveryId::from_bytes(&row.get::<_, Vec<u8>>(0)?).ok_or_else(|| not_an_id(0))?,
        webhook_id: message.as_deref().and_then(MessageId::from_bytes),
        alert: alert.as_deref().and_then(AlertId::from_bytes),
        event: row.get(11)?,
        webhook: slug(row, 3)?,
        state: row.get::<_, String>(4)?.parse().unwrap_or(DeliveryState::Pending),
        attempts: row.get(5)?,
        next_attempt_at: instant(row, 6)?,
        last_status: row.get(7)?,
        last_error: row.get(8)?,
        created_at: Timestamp::from_millis(row.get(9)?),
        reason: row.get(10)?,
    })
}
