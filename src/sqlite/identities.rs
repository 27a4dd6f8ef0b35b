//! By which hashes articles are recognised.
//!
//! Hashes have no order that an article's neighbours in time share: put into one large table, each would change a page
//! of its own, and a poll with twenty new articles would write eighty pages all over it. So new ones go into a small
//! table (`identity_recent`) that fits into the page cache, and are moved on in the order of their hashes, a slice at a
//! time: each page of the large table is then written once for thousands of articles, not once for each. An article
//! that is new makes the moves, so that nothing runs beside the polls, and no move is large.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::articles::ArticleRowId;
use super::sieve::Sieve;
use crate::domain::IdentityHash;
use crate::ports::StoreError;

/// After so many new articles a slice is moved on.
const MOVE_EVERY: i64 = 64;

/// Slices of the hashes, as a power of two. With [`MOVE_EVERY`], hashes of 4,096 articles wait on average.
const SLICES_LOG: u32 = 7;

/// Slices of the hashes.
pub(super) const SLICES: i64 = 1 << SLICES_LOG;

/// The article that is recognised by `hash`.
pub(super) fn find(connection: &Connection, hash: IdentityHash) -> rusqlite::Result<Option<ArticleRowId>> {
    let recent = connection
        .prepare_cached("SELECT article FROM identity_recent WHERE hash = ?1")?
        .query_row([hash.as_i64()], |row| row.get(0))
        .optional()?;
    match recent {
        Some(article) => Ok(Some(article)),
        None => find_settled(connection, hash),
    }
}

fn find_settled(connection: &Connection, hash: IdentityHash) -> rusqlite::Result<Option<ArticleRowId>> {
    connection
        .prepare_cached("SELECT article FROM identity WHERE hash = ?1")?
        .query_row([hash.as_i64()], |row| row.get(0))
        .optional()
}

/// Notes that `article` is recognised by `hash`; answers whether it is. A hash that names an article stays with that.
pub(super) fn note(
    connection: &Connection,
    sieve: &Sieve,
    hash: IdentityHash,
    article: ArticleRowId,
) -> rusqlite::Result<bool> {
    if sieve.may_have(hash) && find_settled(connection, hash)?.is_some() {
        return Ok(false);
    }
    sieve.add(hash);
    let noted = connection
        .prepare_cached("INSERT OR IGNORE INTO identity_recent (hash, article) VALUES (?1, ?2)")?
        .execute(params![hash.as_i64(), article])?;
    Ok(noted > 0)
}

/// Notes by what a new article is recognised.
///
/// # Errors
/// [`StoreError::Conflict`] when another is recognised by one of them.
pub(super) fn note_new(
    connection: &Connection,
    sieve: &Sieve,
    hashes: &[IdentityHash],
    article: ArticleRowId,
) -> Result<(), StoreError> {
    for hash in hashes {
        if !note(connection, sieve, *hash, article)? {
            return Err(StoreError::Conflict);
        }
    }
    if article % MOVE_EVERY == 0 {
        settle(connection, article / MOVE_EVERY)?;
    }
    Ok(())
}

/// Hashes in the small table, in no order.
pub(super) fn recent(connection: &Connection) -> rusqlite::Result<Vec<IdentityHash>> {
    hashes(connection, "SELECT hash FROM identity_recent", params![])
}

/// Hashes of one slice of the large table.
pub(super) fn settled(connection: &Connection, turn: i64) -> rusqlite::Result<Vec<IdentityHash>> {
    let (first, last) = slice(turn);
    hashes(connection, "SELECT hash FROM identity WHERE hash BETWEEN ?1 AND ?2", params![first, last])
}

fn hashes(
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Vec<IdentityHash>> {
    connection
        .prepare_cached(query)?
        .query_map(parameters, |row| row.get(0).map(IdentityHash::from_i64))?
        .collect()
}

/// The first and the last hash of a slice.
fn slice(turn: i64) -> (i64, i64) {
    let width_log = i64::BITS - SLICES_LOG;
    let first = (turn.rem_euclid(SLICES) - SLICES / 2) << width_log;
    (first, first | ((1 << width_log) - 1))
}

/// Moves one slice on.
fn settle(connection: &Connection, turn: i64) -> rusqlite::Result<()> {
    let (first, last) = slice(turn);
    // None is in both tables. A statement that could fail half-way would keep copies of the pages it changes.
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO identity (hash, article)
             SELECT hash, article FROM identity_recent WHERE hash BETWEEN ?1 AND ?2 ORDER BY hash",
        )?
        .execute([first, last])?;
    connection
        .prepare_cached("DELETE FROM identity_recent WHERE hash BETWEEN ?1 AND ?2")?
        .execute([first, last])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::sqlite::open::open_memory;

    fn count(connection: &Connection, table: &str) -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a count")
    }

    #[test]
    fn few_wait_in_the_small_table_and_none_is_lost() {
        let connection = open_memory().expect("memory");
        let sieve = Sieve::of(&connection, None);
        let hash = |article: i64| IdentityHash::of("guid", &[&article.to_be_bytes()]);
        let articles = 3 * MOVE_EVERY * SLICES;
        let mut most = 0;
        for article in 1..=articles {
            note_new(&connection, &sieve, &[hash(article)], article).expect("a new hash");
            if article % 1_000 == 0 {
                most = most.max(count(&connection, "identity_recent"));
            }
        }
        assert!(most <= MOVE_EVERY * SLICES, "{most} wait");
        let kept = count(&connection, "identity") + count(&connection, "identity_recent");
        assert_eq!(kept, articles);
        for article in 1..=articles {
            assert_eq!(find(&connection, hash(article)).expect("a look"), Some(article));
        }
        assert!(matches!(note_new(&connection, &sieve, &[hash(1)], articles + 1), Err(StoreError::Conflict)));
    }

    proptest! {
        #[test]
        fn a_hash_stays_with_the_first_article_and_every_slice_is_moved(
            noted in proptest::collection::vec((any::<i64>(), 1_i64..100), 1..60),
            turns in 0..200_i64,
        ) {
            let connection = open_memory().expect("memory");
        let sieve = Sieve::of(&connection, None);
            let mut model = std::collections::BTreeMap::new();
            for (at, (hash, article)) in noted.iter().enumerate() {
                let is_new = note(&connection, &sieve, IdentityHash::from_i64(*hash), *article).expect("a note");
                prop_assert_eq!(is_new, !model.contains_key(hash));
                model.entry(*hash).or_insert(*article);
                settle(&connection, turns + i64::try_from(at).expect("few")).expect("a move");
            }
            for (hash, article) in &model {
                prop_assert_eq!(find(&connection, IdentityHash::from_i64(*hash)).expect("a look"), Some(*article));
            }
            for turn in 0..SLICES {
                settle(&connection, turn).expect("a move");
            }
            prop_assert_eq!(count(&connection, "identity_recent"), 0);
            let distinct: HashSet<i64> = noted.iter().map(|(hash, _)| *hash).collect();
            prop_assert_eq!(count(&connection, "identity"), i64::try_from(distinct.len()).expect("few"));
        }
    }
}
