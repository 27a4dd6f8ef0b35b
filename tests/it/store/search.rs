//! The full-text index: what is in it, what is found, and that it follows the articles.

use wirewatch::domain::poll::ArticleChange;
use wirewatch::matching::search::{Search as Words, index_text};
use wirewatch::ports::reads::Page;
use wirewatch::ports::search::{Indexed, Search as _, Unindexed};
use wirewatch::ports::{RetentionPolicy, Store as _};

use super::bed::{Bed, DAY, HOUR, T0, article, at, key, new, text};

const ALL: Page = Page { since: None, limit: 0 };

fn indexed(article: &Unindexed) -> Indexed {
    Indexed {
        number: article.number,
        id: article.id,
        revision: article.revision,
        title: index_text(&article.title),
        body: index_text(&article.text),
    }
}

/// Indexes all that waits, as the indexer does; answers how many articles that were.
async fn index(bed: &Bed) -> usize {
    let mut all = 0;
    loop {
        let batch = bed.store.unindexed(2, 1 << 20).await.unwrap();
        if batch.is_empty() {
            return all;
        }
        all += batch.len();
        bed.store.write_index(batch.iter().map(indexed).collect()).await.unwrap();
    }
}

async fn found(bed: &Bed, words: &str, page: Page) -> Vec<String> {
    let expression = Words::parse(words).unwrap().expression();
    let rows = bed.store.search(expression, page).await.unwrap();
    rows.into_iter().map(|found| found.row.guid.unwrap()).collect()
}

#[tokio::test]
async fn articles_are_found_by_their_words_in_every_script_and_spelling() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        let texts = [
            ("ko", "북한군이 러시아에 도착했다"),
            ("zh", "朝鮮士兵在庫爾斯克，芯片出口"),
            ("ja", "北朝鮮兵士がロシアへ"),
            ("fr", "L’armée nord-coréenne à Koursk"),
            ("ru", "Военные КНДР прибыли в Курск"),
        ];
        let articles = texts.map(|(name, body)| {
            let mut planned = new(name);
            let ArticleChange::New { article, .. } = &mut planned.change else { unreachable!() };
            article.text = body.to_owned();
            planned
        });
        bed.poll(T0, articles.into()).await.unwrap();
        assert_eq!(found(&bed, "芯片", ALL).await, [""; 0], "not indexed yet");
        assert_eq!(bed.store.count_unindexed().await.unwrap(), 5);
        assert_eq!(index(&bed).await, 5);
        for (words, names) in [
            ("芯片", &["zh"][..]),
            ("북한", &["ko"]),
            ("朝鲜", &["ja", "zh"]),
            ("朝鮮 兵士", &["ja"]),
            ("ロシア", &["ja"]),
            ("armee coreenne", &["fr"]),
            ("\"nord coreenne\"", &["fr"]),
            ("кндр", &["ru"]),
            ("курск*", &["ru"]),
            ("title:ko", &[]),
            ("KO", &["ko"]),
            ("title -ko", &["ru", "fr", "ja", "zh"]),
        ] {
            assert_eq!(found(&bed, words, ALL).await, names, "{words}");
        }
        assert_eq!(found(&bed, "title", Page { limit: 2, ..ALL }).await, ["ru", "fr"]);
        assert_eq!(found(&bed, "title", Page { since: Some(at(HOUR)), limit: 0 }).await, [""; 0]);
    }
}

#[tokio::test]
async fn the_index_follows_revisions_and_retention() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        bed.poll(T0, vec![new("x"), new("y")]).await.unwrap();
        assert_eq!(index(&bed).await, 2);
        let mut changed = text("x");
        changed.text = "Quite another text".to_owned();
        let revised = article("x", ArticleChange::Revised(Box::new(changed)));
        bed.poll(at(HOUR), vec![revised]).await.unwrap();
        assert_eq!(index(&bed).await, 1, "what was revised waits again");
        assert_eq!(found(&bed, "another", ALL).await, ["x"]);
        assert_eq!(found(&bed, "\"text of\"", ALL).await, ["y"]);

        // A listing without a change gives the index nothing to do.
        bed.poll(at(HOUR * 2), vec![article("x", ArticleChange::Listed)]).await.unwrap();
        assert_eq!(bed.store.count_unindexed().await.unwrap(), 0);

        // Nothing is listed any more, and all of it is old.
        bed.poll(at(DAY * 100), vec![]).await.unwrap();
        let policy = RetentionPolicy { articles_before: at(DAY * 90), alerts_before: T0, batch: 1 };
        assert_eq!(bed.store.retain(policy).await.unwrap(), 1);
        assert_eq!(found(&bed, "x", ALL).await.len() + found(&bed, "y", ALL).await.len(), 1);
        assert_eq!(bed.store.retain(policy).await.unwrap(), 1);
        assert_eq!(found(&bed, "title", ALL).await, [""; 0]);
    }
}

#[tokio::test]
async fn what_changed_while_it_was_read_is_read_again() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        bed.poll(T0, vec![new("x")]).await.unwrap();
        let before = bed.store.unindexed(10, 1 << 20).await.unwrap();
        let mut changed = text("x");
        changed.text = "Quite another text".to_owned();
        bed.poll(at(HOUR), vec![article("x", ArticleChange::Revised(Box::new(changed)))]).await.unwrap();
        bed.store.write_index(before.iter().map(indexed).collect()).await.unwrap();
        assert_eq!(bed.store.count_unindexed().await.unwrap(), 1);
        assert_eq!(index(&bed).await, 1);
        assert_eq!(found(&bed, "another", ALL).await, ["x"]);
    }
}

#[tokio::test]
async fn a_batch_is_bounded_by_bytes_and_holds_one_article_in_any_case() {
    let bed = Bed::on_disk();
    bed.configure(&["a"], &[]).await;
    bed.poll(T0, vec![new("x"), new("y"), new("z")]).await.unwrap();
    assert_eq!(bed.store.unindexed(10, 1).await.unwrap().len(), 1);
    assert_eq!(bed.store.unindexed(2, 1 << 20).await.unwrap().len(), 2);
}

#[tokio::test]
async fn hostile_words_find_nothing_and_break_nothing() {
    let bed = Bed::on_disk();
    bed.configure(&["a"], &[]).await;
    bed.poll(T0, vec![new("x")]).await.unwrap();
    index(&bed).await;
    for words in [
        "a\" OR \"b",
        "NEAR(a, b)",
        "x AND",
        "AND OR NOT",
        "((((",
        "\"",
        "*",
        "^x",
        "x*y*",
        "{title}: x",
        "'; DROP TABLE search",
        "\u{0}\u{202e}x",
        "-x y",
        "x\\",
        "%",
        "\u{1f600} x",
        "title : x",
        &"(".repeat(5000),
    ] {
        if let Ok(search) = Words::parse(words) {
            bed.store
                .search(search.expression(), ALL)
                .await
                .unwrap_or_else(|problem| panic!("{words}: {problem}"));
        }
    }
}

#[tokio::test]
async fn an_article_is_shown_with_what_it_said_before_and_where_it_was_seen() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        let first = super::bed::alerting(new("x"), "t", &[], T0);
        bed.poll(T0, vec![first]).await.unwrap();
        let mut changed = text("x");
        changed.entry.title = "Corrected".to_owned();
        bed.poll(at(HOUR), vec![article("x", ArticleChange::Revised(Box::new(changed)))]).await.unwrap();
        let shown = bed.store.show_article(key("x")).await.unwrap().unwrap();
        assert_eq!((shown.row.title.as_str(), shown.row.revision), ("Corrected", 2));
        assert_eq!(shown.authors, ["Kim \"K\" Doe"]);
        let former = &shown.revisions[0];
        assert_eq!((former.revision, former.until, former.title.as_str()), (1, at(HOUR), "The title of x"));
        let seen = &shown.sightings[0];
        assert_eq!((seen.feed.as_str(), seen.first_seen_at, seen.last_listed_at), ("a", T0, at(HOUR)));
        assert_eq!(shown.alerts[0].topic.as_str(), "t");
        assert_eq!(bed.store.show_article(key("never")).await.unwrap(), None);
    }
}
