//! Mistakes in the configuration, through the front door.

use std::fs;

use super::said;
use crate::support::daemon::{Home, text};

const GOOD: &str = r#"
[daemon]
database = "wirewatch.db"
listen = "off"

[feeds.wire]
url = "https://wire.example/rss"

[feeds.ticker]
url = "https://ticker.example/atom"

[topics.dprk]
keywords = ["North Korea"]
webhooks = ["desk"]

[[topics.dprk.tests]]
text = "Troops from North Korea"
expect = "match"

[webhooks.desk]
url = "https://desk.example/hook"
secret = "whsec_dGhpcyBrZXkgaXMga25vd24gdG8gYWxsIHRlc3Rz"
"#;

const BAD: &str = r#"
[daemon]
database = "wirewatch.db"
listen = "off"

[fetch]
interval = "5 parsecs"
concurency = 10

[feeds.wire]
url = "wire.example/rss"

[topics.dprk]
keywords = ["North Korea"]
webhooks = ["dsk"]

[topics.kursk]
query = "Kursk AND (troops"

[webhooks.desk]
url = "https://desk.example/hook"
"#;

/// A home with the mistakes of [`BAD`] and a feed that two fragments define.
fn wrong() -> Home {
    let home = Home::new(BAD);
    let fragments = home.path().join("conf.d");
    fs::create_dir(&fragments).unwrap();
    let feed = "[feeds.ticker]\nurl = \"https://ticker.example/atom\"\n";
    fs::write(fragments.join("a.toml"), feed).unwrap();
    fs::write(fragments.join("b.toml"), format!("# the same again\n{feed}")).unwrap();
    home
}

#[test]
fn check_reports_every_mistake_with_its_place() {
    let home = wrong();
    insta::assert_snapshot!(said(&home, &home.run(&["check"])));
}

#[test]
fn what_runs_refuses_a_wrong_configuration_with_the_same_report() {
    let home = wrong();
    let report = home.run(&["check"]).stderr;
    for command in ["run", "once"] {
        let refused = home.run(&[command]);
        assert_eq!(refused.status.code(), Some(78), "{command}");
        assert_eq!(text(&refused.stderr), text(&report), "{command}");
    }
    assert!(!home.path().join("wirewatch.db").exists(), "nothing was begun");
}

#[test]
fn check_says_what_a_right_configuration_will_do() {
    let home = Home::new(GOOD);
    insta::assert_snapshot!(said(&home, &home.run(&["check"])));
}

#[test]
fn a_file_that_is_not_there_or_not_a_file_is_a_wrong_configuration() {
    let home = Home::new(GOOD);
    insta::assert_snapshot!("missing", said(&home, &home.run(&["--config", "elsewhere.toml", "check"])));
    insta::assert_snapshot!("directory", said(&home, &home.run(&["--config", ".", "check"])));
    fs::write(home.path().join("binary.toml"), b"\xff\xfe\0\0").unwrap();
    insta::assert_snapshot!("binary", said(&home, &home.run(&["--config", "binary.toml", "check"])));
}

#[test]
fn a_listing_without_a_readable_configuration_is_a_wrong_configuration_too() {
    let home = wrong();
    let output = home.run(&["articles", "list"]);
    assert_eq!(output.status.code(), Some(78), "{}", said(&home, &output));
}

#[test]
fn wrong_use_is_status_2() {
    let home = Home::new(GOOD);
    for args in [
        &["articles"][..],
        &["articles", "list", "--since", "yesterday-ish"],
        &["articles", "list", "--limit", "-1"],
        &["deliveries", "list", "--state", "lost"],
        &["once", "--log", "a=b=c"],
        &["nonsense"],
    ] {
        let output = home.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&home, &output));
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}
