//! The alert rules and the dashboard that ship name metrics that exist.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::metrics::documented;

fn shipped(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/monitoring").join(name))
        .unwrap()
}

/// The metrics an expression names.
fn named(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    words
        .filter(|word| word.starts_with("wirewatch_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn check(place: &str, expression: &str) {
    let known = documented();
    let names = named(expression);
    assert!(!names.is_empty(), "{place}: {expression} names no metric");
    for name in names {
        let bare = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|ending| name.strip_suffix(ending))
            .unwrap_or(&name);
        assert!(known.contains(&name) || known.contains(bare), "{place}: there is no metric {name}");
    }
    let (open, closed) = (expression.matches('(').count(), expression.matches(')').count());
    assert_eq!(open, closed, "{place}: {expression}");
}

#[test]
fn alert_rules_name_metrics_that_exist() {
    let text = shipped("wirewatch.rules.yml");
    let mut rules = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(name) = line.trim_start().strip_prefix("- alert: ") else { continue };
        rules += 1;
        let mut rule = String::new();
        while let Some(line) = lines.next_if(|line| !line.trim_start().starts_with("- alert: ")) {
            rule.push_str(line);
            rule.push('\n');
        }
        for key in ["expr: ", "labels:", "severity: ", "annotations:", "summary: ", "description: "] {
            assert!(rule.contains(key), "{name} has no {key}");
        }
        let expression = rule.lines().find_map(|line| line.trim_start().strip_prefix("expr: ")).unwrap();
        check(name, expression);
    }
    assert!(rules >= 8, "{rules} rules");
}

#[test]
fn the_dashboard_names_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(&shipped("grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is taken");
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{title} is too wide");
        for target in panel["targets"].as_array().unwrap() {
            check(title, target["expr"].as_str().unwrap());
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
    assert!(panels.len() >= 10);
}
