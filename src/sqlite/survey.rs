//! What those who watch see.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::feeds::{instant, slug};
use super::{SqliteStore, hand, lists, retention, webhooks};
use crate::domain::delivery::DeliveryState;
use crate::domain::{AlertId, FeedId, Timestamp, TopicId, WebhookId};
use crate::ports::StoreError;
use crate::ports::hand::AlertDetail;
use crate::ports::reads::{FeedHealth, FeedRow};
use crate::ports::watch::{AlertsWanted, FeedsWanted, Part, Place, Survey, TROUBLED, Told, Watch};

/// How many alerts are looked through for words at a time; some tenths of a second.
const LOOKED_THROUGH: usize = 20_000;

#[async_trait]
impl Watch for SqliteStore {
    async fn survey(&self, now: Timestamp) -> Result<Survey, StoreError> {
        self.read(move |connection| survey(connection, now)).await
    }

    async fn last_fired(&self, topics: Vec<TopicId>) -> Result<Vec<Option<Timestamp>>, StoreError> {
        self.read(move |connection| last_fired(connection, &topics)).await
    }

    async fn rhythm(
        &self,
        topics: Vec<TopicId>,
        since: Timestamp,
        grain: Duration,
        slots: usize,
    ) -> Result<Vec<Vec<u64>>, StoreError> {
        self.read(move |connection| rhythm(connection, &topics, since, grain, slots)).await
    }

    async fn alerts(&self, wanted: AlertsWanted) -> Result<Part<Told, Place>, StoreError> {
        self.read(move |connection| alerts(connection, &wanted)).await
    }

    async fn alert(&self, id: AlertId) -> Result<Option<AlertDetail>, StoreError> {
        self.read(move |connection| hand::alert(connection, id)).await
    }

    async fn feeds(&self, wanted: FeedsWanted) -> Result<Part<FeedRow, FeedId>, StoreError> {
        self.read(move |connection| feeds(connection, &wanted)).await
    }
}

fn survey(connection: &Connection, now: Timestamp) -> Result<Survey, StoreError> {
    let mut counts = FeedHealth::ALL.map(|state| (state, 0));
    let mut troubled = Vec::new();
    lists::each_feed(connection, None, |row, feed| {
        for (_, count) in counts.iter_mut().filter(|(state, _)| *state == row) {
            *count += 1;
        }
        let wrong = matches!(row, FeedHealth::Failing | FeedHealth::Gone | FeedHealth::Quiet);
        if wrong && troubled.len() < TROUBLED {
            troubled.push(lists::feed_row(feed)?);
        }
        Ok(true)
    })?;
    let deliveries = connection
        .prepare_cached("SELECT webhook, state, count(*) FROM delivery GROUP BY webhook, state")?
        .query_map([], |row| {
            let state: String = row.get(1)?;
            let count = row.get::<_, i64>(2)?.unsigned_abs();
            Ok((slug::<WebhookId>(row, 0)?, state.parse().unwrap_or(DeliveryState::Pending), count))
        })?
        .collect::<Result<_, _>>()?;
    let oldest_pending = connection
        .prepare_cached("SELECT min(created_at) FROM delivery WHERE state IN ('pending', 'sending')")?
        .query_row([], |row| instant(row, 0))?;
    Ok(Survey {
        feeds: counts.into(),
        troubled,
        next_poll_at: super::feeds::next_due(connection)?,
        deliveries,
        oldest_pending,
        webhooks: webhooks::list(connection, now)?,
        space: retention::space(connection)?,
    })
}

fn last_fired(connection: &Connection, topics: &[TopicId]) -> Result<Vec<Option<Timestamp>>, StoreError> {
    let mut last = connection.prepare_cached("SELECT max(created_at) FROM alert WHERE topic = ?1")?;
    let fired = topics.iter().map(|topic| last.query_row([topic.as_str()], |row| instant(row, 0)));
    Ok(fired.collect::<Result<_, _>>()?)
}

fn rhythm(
    connection: &Connection,
    topics: &[TopicId],
    since: Timestamp,
    grain: Duration,
    slots: usize,
) -> Result<Vec<Vec<u64>>, StoreError> {
    let grain = i64::try_from(grain.as_millis()).unwrap_or(i64::MAX).max(1);
    let mut counted = connection.prepare_cached(
        "SELECT (created_at - ?2) / ?3, count(*) FROM alert WHERE topic = ?1 AND created_at >= ?2 GROUP BY 1",
    )?;
    let mut all = Vec::with_capacity(topics.len());
    for topic in topics {
        let mut counts = vec![0; slots];
        let mut rows = counted.query(params![topic.as_str(), since.as_millis(), grain])?;
        while let Some(row) = rows.next()? {
            let slot = usize::try_from(row.get::<_, i64>(0)?).ok();
            if let Some(count) = slot.and_then(|slot| counts.get_mut(slot)) {
                *count = row.get::<_, i64>(1)?.unsigned_abs();
            }
        }
        all.push(counts);
    }
    Ok(all)
}

fn alerts(connection: &Connection, wanted: &AlertsWanted) -> Result<Part<Told, Place>, StoreError> {
    let query = format!(
        "{} WHERE (l.created_at, l.id) < (?1, ?2) {} ORDER BY l.created_at DESC, l.id DESC",
        lists::ALERT,
        if wanted.topic.is_some() { "AND l.topic = ?3" } else { "AND ?3 IS NULL" }
    );
    let from = wanted.after.unwrap_or(Place { at: Timestamp::from_millis(i64::MAX), number: i64::MAX });
    let words = wanted.words.as_ref().map(|words| words.to_lowercase());
    let mut statement = connection.prepare_cached(&query)?;
    let topic = wanted.topic.as_ref().map(TopicId::as_str);
    let mut rows = statement.query(params![from.at.as_millis(), from.number, topic])?;
    let mut part = Part { rows: Vec::new(), more_after: None };
    let (mut seen, mut last) = (0, from);
    while let Some(row) = rows.next()? {
        if part.rows.len() == wanted.limit || seen == LOOKED_THROUGH {
            part.more_after = Some(last);
            break;
        }
        seen += 1;
        last = Place { at: Timestamp::from_millis(row.get(5)?), number: row.get(9)? };
        let (row, content) = lists::alert_row(row)?;
        let told = Told { row, content, place: last };
        if words.as_ref().is_none_or(|words| says(&told, words)) {
            part.rows.push(told);
        }
    }
    Ok(part)
}

fn says(told: &Told, words: &str) -> bool {
    let article = &told.content.article;
    let texts = [&article.title, &article.summary, &article.link].into_iter().flatten();
    let texts = texts.chain([&told.content.found.excerpt, &told.content.topic.title]).chain(&told.row.terms);
    texts.into_iter().any(|text| text.to_lowercase().contains(words))
        || told.row.topic.as_str().to_lowercase().contains(words)
}

fn feeds(connection: &Connection, wanted: &FeedsWanted) -> Result<Part<FeedRow, FeedId>, StoreError> {
    let words = wanted.words.as_ref().map(|words| words.to_lowercase());
    let mut part: Part<FeedRow, FeedId> = Part { rows: Vec::new(), more_after: None };
    lists::each_feed(connection, wanted.after.as_ref(), |state, row| {
        if wanted.state.map_or(state == FeedHealth::Disabled, |wanted| wanted != state) {
            return Ok(true);
        }
        // Id, address and title, before the row is made into more: most rows are not wanted.
        if let Some(words) = &words {
            let mut said = false;
            for column in 0..3 {
                let text = row.get_ref(column)?.as_str_or_null()?.unwrap_or_default();
                said = said || text.to_lowercase().contains(words);
            }
            if !said {
                return Ok(true);
            }
        }
        if part.rows.len() == wanted.limit {
            part.more_after = part.rows.last().map(|feed| feed.id.clone());
            return Ok(false);
        }
        part.rows.push(lists::feed_row(row)?);
        Ok(true)
    })?;
    Ok(part)
}
