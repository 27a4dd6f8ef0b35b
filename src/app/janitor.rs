//! Removes what is too old, a little at a time.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::{Context, chain, stranded};
use crate::config::settings::RetentionSettings;
use crate::domain::Timestamp;
use crate::ports::{RetentionPolicy, StoreError};

/// How often the janitor looks.
const ROUND: Duration = Duration::from_secs(3600);

/// Between two batches, so that polls and deliveries go first.
const BREATH: Duration = Duration::from_millis(200);

/// Rows of each kind in one transaction: some ten milliseconds of writing.
const BATCH: u32 = 500;

/// Between two looks whether a full disk has room again.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(15);

/// Between two tries to record what could not be recorded.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// However large the database is, this much of the past stays.
const FLOOR: Duration = Duration::from_secs(86_400);

/// Halvings after which a hundred years, the longest anything can be kept, are below [`FLOOR`].
const LEVELS: u32 = 17;

/// Cleans until stop; sooner than its round when the disk is full.
pub async fn run(context: Arc<Context>) {
    let context = &*context;
    tokio::select! {
        biased;
        () = context.stop.cancelled() => {}
        () = clean_for_ever(context) => {}
    }
}

async fn clean_for_ever(context: &Context) {
    loop {
        while !context.store.disk_is_full() && stranded::bring_home(context).await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        match clean(context).await {
            Ok(()) => {}
            Err(problem) if context.store.disk_is_full() => {
                warn!(error = %chain(&problem), "removing what is too old from a full disk");
            }
            Err(problem) => {
                warn!(error = %chain(&problem), "removing what is too old; trying again in an hour");
            }
        }
        if !context.store.disk_is_full() {
            tokio::select! {
                biased;
                () = tokio::time::sleep(ROUND) => {}
                () = context.room_wanted.notified() => {}
            }
            continue;
        }
        match context.store.make_room().await {
            Ok(true) => {
                info!("the disk has room again: polling and sending go on");
                context.feeds_changed.notify_one();
                context.deliveries_written.notify_one();
            }
            Ok(false) => tokio::time::sleep(LOOK_FOR_ROOM).await,
            Err(problem) => {
                warn!(error = %chain(&problem), "looking for room on the disk");
                tokio::time::sleep(LOOK_FOR_ROOM).await;
            }
        }
    }
}

/// One round: by age, then, where the database is larger than it may be, by less and less age.
async fn clean(context: &Context) -> Result<(), StoreError> {
    let removed = clean_by_age(context, 0).await?;
    if removed > 0 {
        info!(rows = removed, "removed what is older than [retention] keeps");
    }
    let Some(max) = context.snapshot().settings.retention.max_database else { return Ok(()) };
    let mut used = context.store.space().await?.used;
    if used <= max {
        return Ok(());
    }
    let mut removed = 0;
    for level in 1..=LEVELS {
        removed += clean_by_age(context, level).await?;
        used = context.store.space().await?.used;
        if used <= max {
            warn!(
                rows = removed,
                used, max, "removed the oldest, to keep the database below retention.max_database"
            );
            return Ok(());
        }
    }
    warn!(
        rows = removed,
        used,
        max,
        "the database is larger than retention.max_database, and all that is left is from the last day, or listed by \
         a feed, or on its way; raise max_database"
    );
    Ok(())
}

async fn clean_by_age(context: &Context, level: u32) -> Result<u64, StoreError> {
    let keep = context.snapshot().settings.retention;
    let mut removed = 0;
    loop {
        match context.store.retain(policy(keep, level, context.clock.now())).await? {
            0 => return Ok(removed),
            rows => removed += rows,
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// What goes. Each level halves the time things are kept, down to [`FLOOR`] (or less, where less was asked for).
fn policy(keep: RetentionSettings, level: u32, now: Timestamp) -> RetentionPolicy {
    let halved = |time: Duration| (time / 2_u32.saturating_pow(level)).max(FLOOR.min(time));
    RetentionPolicy {
        articles_before: now.minus(halved(keep.articles)),
        alerts_before: now.minus(halved(keep.alerts)),
        batch: BATCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn each_level_keeps_half_as_long_and_the_last_one_a_day() {
        let keep = RetentionSettings { articles: 90 * DAY, alerts: 3650 * DAY, max_database: None };
        let now = Timestamp::from_secs(1_800_000_000);
        let kept = |level| {
            let policy = policy(keep, level, now);
            (now.since(policy.articles_before), now.since(policy.alerts_before))
        };
        assert_eq!(kept(0), (90 * DAY, 3650 * DAY));
        assert_eq!(kept(1), (45 * DAY, 1825 * DAY));
        assert_eq!(kept(LEVELS), (DAY, DAY));
        let brief = RetentionSettings { articles: DAY / 24, ..keep };
        assert_eq!(policy(brief, 5, now).articles_before, now.minus(DAY / 24), "never longer than asked for");
    }
}
