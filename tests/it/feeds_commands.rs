//! `feeds add · import · export · discover`, with the real program and pages of every kind.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::daemon::{Home, text};

/// A site with pages and feeds.
struct Site {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

const FEED: &str = "<rss version='2.0'><channel><title>Daily \u{1b}[31m News</title><item><guid>1</guid><title>A</title>\
    <pubDate>Mon, 23 Nov 2026 08:00:00 GMT</pubDate></item></channel></rss>";

const PAGE: &str = "<!doctype html><html><head><title>Site</title>\
    <link rel=alternate type=application/rss+xml href=/comments/feed title='Comments'>\
    <link rel=alternate type=application/rss+xml href=/gone title='Old'>\
    <link rel=alternate type='application/rss+xml' href='/news.xml' title='Daily News'></head>\
    <body><a href='/sport.rss'>Sport</a></body></html>";

async fn answer(State(requests): State<Arc<AtomicUsize>>, uri: Uri, headers: HeaderMap) -> Response {
    requests.fetch_add(1, Ordering::SeqCst);
    let xml = |body: &str| ([(header::CONTENT_TYPE, "text/xml")], body.to_owned()).into_response();
    let html = |body: String| ([(header::CONTENT_TYPE, "text/html")], body).into_response();
    let allowed = headers.get(header::AUTHORIZATION).is_some_and(|sent| sent == "Bearer open-sesame");
    match uri.path() {
        "/" => html(PAGE.to_owned()),
        "/news.xml" | "/sport.rss" | "/hidden/feed.xml" => xml(FEED),
        "/comments/feed" => xml(&FEED.replace("Daily", "Comments on Daily")),
        "/moved" => Redirect::permanent("/news.xml").into_response(),
        "/private" if allowed => xml(FEED),
        "/private" => StatusCode::UNAUTHORIZED.into_response(),
        "/leads-away" => html(format!(
            "<link rel=alternate type=application/rss+xml href='http://localhost:{}/news.xml'>",
            headers[header::HOST].to_str().unwrap().rsplit(':').next().unwrap()
        )),
        "/hostile" => {
            let links = (0..5_000)
                .map(|n| format!("<a href='/no/{n}.rss'>x</a><link rel=feed href=/nor/{n}>"))
                .collect::<Vec<_>>()
                .concat();
            html(format!("<a href='javascript:feed'><base href='data:x'>{links}<link rel=alternate"))
        }
        "/to-a-file" => (StatusCode::FOUND, [(header::LOCATION, "file:///etc/passwd")]).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Site {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&requests));
        #[expect(clippy::disallowed_methods, reason = "the server lives as long as the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

const CONFIG: &str = "# kept\n[fetch]\nper_host_delay = \"0s\"\nallow_networks = [\"127.0.0.1/32\"]\n";

fn written(home: &Home) -> String {
    fs::read_to_string(home.path().join("conf.d/feeds.toml")).unwrap()
}

/// Runs a command that must end with `status`; what it printed, complaints last.
#[track_caller]
fn run(home: &Home, status: i32, args: &[&str]) -> String {
    let output = home.run(args);
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{args:?}: {shown}");
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_found_behind_its_page_and_written_once() {
    let site = Site::open().await;
    let home = Home::new(CONFIG);
    let shown = run(&home, 0, &["feeds", "add", &site.url("/"), "--tag", "uk", "--interval", "5m"]);
    assert!(shown.starts_with("added the feed `daily-31m-news`: Daily [31m News"), "{shown}");
    let shown = written(&home).replace(&site.address.to_string(), "SITE");
    insta::assert_snapshot!(shown, @r#"
    # Feeds that `wirewatch feeds add` and `wirewatch feeds import` wrote. Edit them as you like: new ones go to the end.

    [feeds.daily-31m-news]
    url = "http://SITE/news.xml"
    title = "Daily [31m News"
    tags = ["uk"]
    interval = "5m"
    "#);
    run(&home, 0, &["check"]);
    for again in ["/news.xml", "/", "/moved"] {
        let shown = run(&home, 1, &["feeds", "add", &site.url(again)]);
        assert!(shown.contains("polled already, as the feed `daily-31m-news`"), "{shown}");
    }
    let other = home.json(&["feeds", "add", &site.url("/sport.rss"), "--id", "sport", "--json"]);
    assert_eq!((&other["id"], &other["found"]), (&"sport".into(), &"itself".into()));
    let shown = run(&home, 1, &["feeds", "add", &site.url("/hidden/feed.xml"), "--id", "sport"]);
    assert!(shown.contains("there is a feed `sport` already"), "{shown}");
    run(&home, 0, &["feeds", "add", &site.url("/hidden/feed.xml")]);
    assert!(written(&home).contains("\n[feeds.daily-31m-news-2]\n"));
    run(&home, 0, &["check"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_added_changes_nothing() {
    let site = Site::open().await;
    let home = Home::new(CONFIG);
    for (status, path, part) in [
        (1, "/nothing-here", "status 404"),
        (1, "/to-a-file", "neither http nor https"),
        (1, "/hostile", "no feed was found behind"),
    ] {
        let shown = run(&home, status, &["feeds", "add", &site.url(path)]);
        assert!(shown.contains(part), "{path}: {shown}");
    }
    let asked = site.requests.load(Ordering::SeqCst);
    assert!(asked < 40, "{asked} requests for three addresses");
    let shown = run(&home, 78, &["feeds", "add", &site.url("/news.xml"), "--interval", "soon"]);
    assert!(shown.contains("feeds.toml:") && shown.contains("soon"), "{shown}");
    run(&home, 2, &["feeds", "add", "ftp://a.example/"]);
    run(&home, 2, &["feeds", "add", "https://me:secret@a.example/"]);
    run(&home, 2, &["feeds", "add", &site.url("/"), "--id", "not an id"]);
    assert!(!home.path().join("conf.d/feeds.toml").exists());

    home.configure("[fetch]\nper_host_delay = \"0s\"\n");
    let shown = run(&home, 1, &["feeds", "add", &site.url("/news.xml")]);
    assert!(shown.contains("this machine itself") && shown.contains("allow_networks"), "{shown}");

    home.configure("[fetch]\nintervall = \"5m\"\n");
    run(&home, 78, &["feeds", "add", &site.url("/news.xml")]);
    home.configure(CONFIG);
    fs::write(home.path().join("conf.d/feeds.toml"), "feeds = { a = { url = 'https://a.example/' } }")
        .unwrap();
    let shown = run(&home, 1, &["feeds", "add", &site.url("/news.xml")]);
    assert!(shown.contains("not written as [feeds.ID] tables"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_open_the_feed_and_stay_with_its_site() {
    let site = Site::open().await;
    let home = Home::new(CONFIG);
    let add = |path: &str, token: Option<&str>| {
        let mut command = home.command(&["feeds", "add", &site.url(path), "--bearer-env", "TOKEN"]);
        command.envs(token.map(|token| ("TOKEN", token)));
        let output = command.output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (status, shown) = add("/private", None);
    assert!(status == Some(1) && shown.contains("cannot be read here"), "{shown}");
    let (status, shown) = add("/private", Some("wrong"));
    assert!(status == Some(1) && shown.contains("refuses access"), "{shown}");
    home.configure(&CONFIG.replace("\"127.0.0.1/32\"", "\"127.0.0.1/32\", \"::1/128\""));
    let (status, shown) = add("/leads-away", Some("open-sesame"));
    assert!(status == Some(1) && shown.contains("not to get these credentials"), "{shown}");
    let (status, shown) = add("/private", Some("open-sesame"));
    assert!(status == Some(0) && !shown.contains("sesame"), "{shown}");
    assert!(written(&home).contains("bearer_env = \"TOKEN\"\n") && !written(&home).contains("sesame"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_looked_through() {
    let site = Site::open().await;
    let home = Home::new(CONFIG);
    let found = home.json(&["feeds", "discover", &site.url("/"), "--json"]);
    let found: Vec<(&str, &str)> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|feed| (feed["found"].as_str().unwrap(), feed["url"].as_str().unwrap()))
        .collect();
    let (news, comments, sport) = (site.url("/news.xml"), site.url("/comments/feed"), site.url("/sport.rss"));
    assert_eq!(found, [("declared", &*news), ("declared", &comments), ("linked", &sport)]);
    let shown = run(&home, 0, &["feeds", "discover", &site.url("/")]);
    assert!(shown.contains(&format!("Daily [31m News              {news}")), "{shown}");
    assert!(shown.contains("/gone, but:") && !shown.contains('\u{1b}'), "{shown}");
    let before = site.requests.load(Ordering::SeqCst);
    run(&home, 1, &["feeds", "discover", &site.url("/hostile")]);
    let asked = site.requests.load(Ordering::SeqCst) - before;
    assert!(asked <= 31, "{asked} requests for one page");
}

const LIST: &str = "<?xml version='1.0'?><opml version='1.0'><head><title>Mine</title></head><body>\
    <outline text='East Asia'><outline text='Korea'>\
    <outline type='rss' text='Yonhap &amp; friends' xmlUrl='https://yonhap.example/rss?a=1&amp;b=2'/>\
    <outline text='again' xmlUrl='http://yonhap.example/rss/?a=1&amp;b=2'/></outline></outline>\
    <outline text='Known' xmlUrl='https://known.example/feed'/>\
    <outline text='A file' xmlUrl='file:///etc/passwd'/>\
    <outline text='연합뉴스' xmlUrl='https://www.yna.example/rss' language='ko'/></body></opml>";

#[test]
fn lists_come_and_go() {
    let home =
        Home::new("# kept\n[feeds.known]\nurl = \"https://known.example/feed\"\ntags = [\"a\", \"b\"]\n");
    fs::write(home.path().join("list.opml"), LIST).unwrap();
    let shown = run(&home, 1, &["feeds", "import", "list.opml", "--dry-run"]);
    assert!(shown.contains("2 to add, 3 to leave out; nothing was written"), "{shown}");
    assert!(!home.path().join("conf.d/feeds.toml").exists());

    let output = home.run(&["feeds", "import", "list.opml", "--tag", "mine", "--json"]);
    assert_eq!(output.status.code(), Some(1), "one is no web address");
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes: Vec<&str> =
        rows.as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["added", "duplicate", "configured", "refused", "added"]);
    let body = written(&home);
    let (_, tables) = body.split_once("\n\n").unwrap();
    insta::assert_snapshot!(tables, @r#"
    [feeds.yonhap-friends]
    url = "https://yonhap.example/rss?a=1&b=2"
    title = "Yonhap & friends"
    tags = ["East-Asia", "Korea", "mine"]

    [feeds.yna-example]
    url = "https://www.yna.example/rss"
    title = "연합뉴스"
    tags = ["mine"]
    lang = "ko"
    "#);
    run(&home, 0, &["check"]);

    // What goes out comes back in, folders and all.
    let opml = home.run(&["feeds", "export"]).stdout;
    let other = Home::new("");
    fs::write(other.path().join("list.opml"), &opml).unwrap();
    run(&other, 0, &["feeds", "import", "list.opml"]);
    assert_eq!(text(&other.run(&["feeds", "export"]).stdout), text(&opml));
    let shown = run(&other, 0, &["feeds", "import", "list.opml"]);
    assert!(shown.contains("0 to add, 3 to leave out"), "{shown}");
    let one = text(&home.run(&["feeds", "export", "--tag", "b"]).stdout);
    assert!(one.contains("known.example") && !one.contains("yonhap"), "{one}");
}

#[test]
fn what_is_no_list_is_refused() {
    let home = Home::new("");
    for (name, body) in [("page.opml", "<html><p>x"), ("empty.opml", ""), ("noise.opml", "\u{0}\u{1}<<<&&&")]
    {
        fs::write(home.path().join(name), body).unwrap();
        let shown = run(&home, 1, &["feeds", "import", name]);
        assert!(shown.contains("this is not OPML"), "{shown}");
    }
    run(&home, 1, &["feeds", "import", "missing.opml"]);
    fs::write(home.path().join("none.opml"), "<opml><body><outline text='a folder'/></body></opml>").unwrap();
    let shown = run(&home, 1, &["feeds", "import", "none.opml"]);
    assert!(shown.contains("there are no feeds in this list"), "{shown}");
    assert!(!home.path().join("conf.d/feeds.toml").exists());
}

#[cfg(unix)]
#[test]
fn the_fragment_keeps_its_text_its_permissions_and_its_place() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let home = Home::new("");
    let (real, list) = (home.path().join("real.toml"), home.path().join("list.opml"));
    let mine = "# mine\n[feeds.a] # first\nurl = 'https://a.example/'\n# the end";
    fs::write(&real, mine).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(home.path().join("conf.d")).unwrap();
    symlink(&real, home.path().join("conf.d/feeds.toml")).unwrap();
    fs::write(&list, "<outline text=b xmlUrl='https://b.example/'/>").unwrap();
    run(&home, 0, &["feeds", "import", "list.opml"]);
    let after = fs::read_to_string(&real).unwrap();
    assert!(after.starts_with(&format!("{mine}\n\n[feeds.b-example]\n")), "{after}");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(home.path().join("conf.d/feeds.toml")).unwrap().is_symlink());
    assert_eq!(fs::read_dir(home.path().join("conf.d")).unwrap().count(), 1, "no draft is left behind");
}
