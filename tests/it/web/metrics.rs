//! `/metrics`: every name documented, every documented name there, nothing unbounded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::bed::{Bed, config};
use crate::support::world::PATIENCE;

/// What `/metrics` showed: samples by name and labels, and each family's type.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) samples: BTreeMap<String, f64>,
    pub(crate) types: BTreeMap<String, String>,
}

impl Scrape {
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let (mut samples, mut types) = (BTreeMap::new(), BTreeMap::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is there twice");
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
                assert!(samples.insert(name.to_owned(), value).is_none(), "{line} is there twice");
            }
        }
        Self { samples, types }
    }

    /// The names as one asks for them, without labels; a histogram's without its ending.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let full = |(name, kind): (&String, &String)| match kind.as_str() {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.clone(),
        };
        self.types.iter().map(full).collect()
    }

    #[track_caller]
    pub(crate) fn value(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("no {sample} in {:#?}", self.samples))
    }
}

pub(crate) async fn scrape(bed: &Bed) -> Scrape {
    let answer = bed.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    Scrape::read(&answer.body)
}

/// Scrapes until `enough`: what is counted last is counted after the webhook has its message.
async fn scrape_until(bed: &Bed, enough: impl Fn(&Scrape) -> bool) -> Scrape {
    let scraping = async {
        loop {
            let scrape = scrape(bed).await;
            if enough(&scrape) {
                return scrape;
            }
        }
    };
    tokio::time::timeout(PATIENCE, scraping).await.expect("counted in time")
}

/// Names in the tables of `docs/METRICS.md`.
pub(crate) fn documented() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/METRICS.md");
    let text = std::fs::read_to_string(path).unwrap();
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(name, _)| name.split('{').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_documented_and_says_what_happened() {
    let mut bed = Bed::start("").await;
    bed.world.polled("broken", 3).await;
    bed.world.publish(
        "wire",
        "application/rss+xml",
        "<rss><channel><item><title>a & b</title></item></channel></rss>".to_owned(),
    );
    let scrape = scrape_until(&bed, |scrape| {
        let has = |sample: &str, least: f64| scrape.samples.get(sample).is_some_and(|value| *value >= least);
        has("wirewatch_deliveries{webhook=\"desk\",state=\"delivered\"}", 2.0)
            && has("wirewatch_deliveries{webhook=\"down\",state=\"dead\"}", 1.0)
            && has("wirewatch_feeds{state=\"failing\"}", 1.0)
            && has("wirewatch_repairs_total{kind=\"bare_ampersand\"}", 1.0)
    })
    .await;

    assert_eq!(scrape.names(), documented(), "left: shown; right: docs/METRICS.md");
    for (sample, expected) in [
        ("wirewatch_alerts_total{topic=\"dprk\"}", 2.0),
        ("wirewatch_alerts_total{topic=\"rain\"}", 0.0),
        ("wirewatch_feeds{state=\"ok\"}", 1.0),
        ("wirewatch_feeds{state=\"gone\"}", 0.0),
        ("wirewatch_delivery_attempts_total{webhook=\"desk\",outcome=\"delivered\"}", 2.0),
        ("wirewatch_delivery_attempts_total{webhook=\"desk\",outcome=\"dead\"}", 0.0),
        ("wirewatch_deliveries{webhook=\"desk\",state=\"held\"}", 0.0),
        ("wirewatch_webhook_state{webhook=\"desk\",state=\"ok\"}", 1.0),
        ("wirewatch_webhook_state{webhook=\"desk\",state=\"disabled\"}", 0.0),
        ("wirewatch_config_reload_ok", 1.0),
        ("wirewatch_disk_full", 0.0),
        ("wirewatch_healthy", 1.0),
        ("wirewatch_survey_ok", 1.0),
        ("wirewatch_topics", 2.0),
        ("wirewatch_delivery_oldest_pending_seconds", 0.0),
        (concat!("wirewatch_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ] {
        assert!((scrape.value(sample) - expected).abs() < 1e-9, "{sample} is {}", scrape.value(sample));
    }
    assert!(scrape.value("wirewatch_articles_total") >= 3.0);
    assert!(scrape.value("wirewatch_polls_total{outcome=\"not_found\"}") >= 3.0);
    assert!(scrape.value("wirewatch_poll_duration_seconds_count") >= 3.0);
    assert!(scrape.value("wirewatch_matching_duration_seconds_count") >= 3.0);
    assert!(scrape.value("wirewatch_database_size_bytes") > 0.0);
    assert!(scrape.value("wirewatch_config_reload_timestamp_seconds") > 1.6e9);
    assert!(scrape.value("process_resident_memory_bytes") > 1e6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_the_configuration_leaves_the_labels_and_a_refusal_shows() {
    let mut bed = Bed::start("").await;
    let without = config(&bed.world, "").replace("[topics.rain]", "[topics.snow]");
    bed.home.configure(&without);
    bed.daemon.signal("HUP");
    bed.daemon.wait_for_line("configuration reloaded");
    let after = scrape(&bed).await;
    assert!(!after.samples.contains_key("wirewatch_alerts_total{topic=\"rain\"}"));
    assert!((after.value("wirewatch_alerts_total{topic=\"snow\"}") - 0.0).abs() < 1e-9);

    bed.home.configure("[topics.x]\nqeury = 1\n");
    bed.daemon.signal("HUP");
    bed.daemon.wait_for_line("configuration refused");
    let refused = scrape_until(&bed, |scrape| scrape.value("wirewatch_config_reload_ok") < 0.5).await;
    let loaded = "wirewatch_config_reload_timestamp_seconds";
    assert!(
        (refused.value(loaded) - after.value(loaded)).abs() < 1e-9,
        "the one in force is as old as before"
    );
    let page = bed.get("/").await.body;
    assert!(page.contains("The last reload was refused"), "{page}");
    assert!(page.contains("unknown key"), "the report is shown: {page}");
}
