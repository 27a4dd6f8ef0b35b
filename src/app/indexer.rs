//! Puts the texts of articles into the full-text index, behind everything that is urgent.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use super::{Context, chain};
use crate::matching::search::index_text;
use crate::offload::offload;
use crate::ports::StoreError;
use crate::ports::search::{Indexed, Unindexed};

/// After articles were stored, so that their alerts are on their way first, and a burst is indexed together.
const LAG: Duration = Duration::from_secs(2);

/// Between two batches, so that polls and deliveries go first.
const BREATH: Duration = Duration::from_millis(100);

/// How long to sleep without a hint.
const ROUND: Duration = Duration::from_secs(300);

/// Articles in one transaction, and bytes of their texts: some ten milliseconds of writing.
const BATCH: usize = 50;
const BATCH_BYTES: usize = 256 << 10;

/// Indexes until stop, or, with `until_done`, until nothing waits.
pub async fn run(context: Arc<Context>, until_done: bool) {
    loop {
        let pause = match step(&context).await {
            Ok(0) if until_done => return,
            Ok(0) => None,
            Ok(articles) => {
                debug!(articles, "indexed for search");
                Some(if until_done { Duration::ZERO } else { BREATH })
            }
            Err(StoreError::Closed) => return,
            Err(problem) => {
                warn!(error = %chain(&problem), "indexing articles for search");
                if until_done {
                    return;
                }
                Some(ROUND)
            }
        };
        tokio::select! {
            biased;
            () = context.stop.cancelled() => return,
            () = rest(&context, pause) => {}
        }
    }
}

/// Between batches a short while, else until articles are stored.
async fn rest(context: &Context, pause: Option<Duration>) {
    if let Some(pause) = pause {
        tokio::time::sleep(pause).await;
        return;
    }
    tokio::select! {
        () = context.articles_stored.notified() => tokio::time::sleep(LAG).await,
        () = tokio::time::sleep(ROUND) => {}
    }
}

/// Indexes one batch; answers how many articles that were.
async fn step(context: &Context) -> Result<usize, StoreError> {
    if context.store.disk_is_full() {
        return Ok(0);
    }
    let batch = context.store.unindexed(BATCH, BATCH_BYTES).await?;
    if batch.is_empty() {
        return Ok(0);
    }
    let indexed = offload(move || batch.iter().map(terms).collect::<Vec<_>>())
        .await
        .map_err(|problem| StoreError::Failed(anyhow::Error::new(problem).context("reading words")))?;
    let articles = indexed.len();
    context.store.write_index(indexed).await?;
    Ok(articles)
}

fn terms(article: &Unindexed) -> Indexed {
    Indexed {
        number: article.number,
        id: article.id,
        revision: article.revision,
        title: index_text(&article.title),
        body: index_text(&article.text),
    }
}
