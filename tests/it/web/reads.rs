//! What the pages read: bounded, in order, counted rightly.

use wirewatch::domain::delivery::{DeliveryState, Settlement};
use wirewatch::ports::Store as _;
use wirewatch::ports::reads::FeedHealth;
use wirewatch::ports::watch::{AlertsWanted, FeedsWanted, TROUBLED, Watch as _};

use crate::store::bed::{
    Bed, DAY, HOUR, LEASE, T0, alerting, at, attempted, feed_id, key, new, room, topic, webhook,
};

#[tokio::test]
async fn a_survey_counts_feeds_deliveries_and_webhooks() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk", "phone"]).await;
        bed.poll(T0, vec![alerting(new("x"), "t", &["desk", "phone"], T0)]).await.unwrap();
        let permits = room(&[("desk", 1)]);
        let claims = bed.store.claim_due_deliveries(T0, LEASE, permits).await.unwrap().claims;
        let survey = bed.store.survey(T0).await.unwrap();
        assert_eq!(survey.feeds_in(FeedHealth::Ok), 1);
        assert_eq!(survey.feeds.len(), FeedHealth::ALL.len());
        assert_eq!(survey.deliveries_in(DeliveryState::Sending), 1);
        assert_eq!(survey.deliveries_in(DeliveryState::Pending), 1);
        assert_eq!((survey.oldest_pending, survey.next_poll_at), (Some(T0), Some(at(HOUR))));
        bed.store.record_attempt(&claims[0], attempted(200, &Settlement::Delivered), T0).await.unwrap();
        let survey = bed.store.survey(at(HOUR)).await.unwrap();
        let desk = (webhook("desk"), DeliveryState::Delivered, 1);
        assert!(survey.deliveries.contains(&desk), "{:?}", survey.deliveries);
        let row = survey.webhooks.iter().find(|row| row.id == webhook("desk")).unwrap();
        assert_eq!((row.delivered, row.pending), (1, 0));
        assert!(survey.space.file > 0);
    }
}

#[tokio::test]
async fn feeds_come_in_parts_and_troubled_ones_are_few() {
    let bed = Bed::on_disk();
    let names: Vec<String> = (0..50).map(|n| format!("f{n:02}")).collect();
    bed.configure(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[]).await;
    bed.raw().execute_batch("UPDATE feed SET failures = 9, last_poll_at = 1 WHERE slug >= 'f10'").unwrap();
    let survey = bed.store.survey(T0).await.unwrap();
    assert_eq!((survey.feeds_in(FeedHealth::New), survey.feeds_in(FeedHealth::Failing)), (10, 40));
    assert_eq!(survey.troubled.len(), TROUBLED);

    let mut wanted = FeedsWanted { limit: 15, state: Some(FeedHealth::Failing), ..FeedsWanted::default() };
    let mut seen = Vec::new();
    loop {
        let part = bed.store.feeds(wanted.clone()).await.unwrap();
        assert!(part.rows.len() <= 15);
        seen.extend(part.rows.into_iter().map(|row| row.id));
        wanted.after = part.more_after;
        if wanted.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, names[10..].iter().map(|name| feed_id(name)).collect::<Vec<_>>());
    let wanted =
        FeedsWanted { words: Some("EXAMPLE:443/F07".to_owned()), limit: 9, ..FeedsWanted::default() };
    let part = bed.store.feeds(wanted).await.unwrap();
    assert_eq!(part.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["f07"]);
}

#[tokio::test]
async fn alerts_come_in_parts_newest_first_and_are_searched() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        for hour in 0..5 {
            let now = at(HOUR * hour);
            let name = if hour % 2 == 0 { "t" } else { "u" };
            bed.poll(now, vec![alerting(new(&format!("x{hour}")), name, &[], now)]).await.unwrap();
        }
        let mut wanted = AlertsWanted { limit: 2, ..AlertsWanted::default() };
        let mut seen = Vec::new();
        loop {
            let part = bed.store.alerts(wanted.clone()).await.unwrap();
            seen.extend(part.rows.into_iter().map(|told| told.row.article));
            wanted.after = part.more_after;
            if wanted.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["x4", "x3", "x2", "x1", "x0"].map(key));
        let mine = AlertsWanted { topic: Some(topic("u")), limit: 9, ..AlertsWanted::default() };
        let found = bed.store.alerts(mine.clone()).await.unwrap();
        assert_eq!(found.rows.iter().map(|told| told.row.article).collect::<Vec<_>>(), ["x3", "x1"].map(key));
        let said = AlertsWanted { words: Some("A TITLE".to_owned()), ..mine.clone() };
        assert_eq!(bed.store.alerts(said).await.unwrap().rows.len(), 2);
        let unsaid = AlertsWanted { words: Some("another title".to_owned()), ..mine };
        assert_eq!(bed.store.alerts(unsaid).await.unwrap().rows, []);
        let id = found.rows[0].row.id;
        assert_eq!(bed.store.alert(id).await.unwrap().unwrap().row.article, key("x3"));
    }
}

#[tokio::test]
async fn a_rhythm_counts_by_stretches_and_the_last_time_is_known() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        for hours in [0, 1, 30, 80] {
            let now = at(HOUR * hours);
            bed.poll(now, vec![alerting(new(&format!("x{hours}")), "t", &[], now)]).await.unwrap();
        }
        let topics = vec![topic("u"), topic("t")];
        let rhythm = bed.store.rhythm(topics.clone(), T0, DAY, 4).await.unwrap();
        assert_eq!(rhythm, [vec![0, 0, 0, 0], vec![2, 1, 0, 1]]);
        let later = bed.store.rhythm(topics.clone(), at(DAY), DAY, 2).await.unwrap();
        assert_eq!(later, [vec![0, 0], vec![1, 0]], "what lies beyond the last stretch is left out");
        assert_eq!(bed.store.last_fired(topics).await.unwrap(), [None, Some(at(HOUR * 80))]);
    }
}
