//! Endpoints at which nothing works: each is one clear line that names the webhook and one attempt, and nothing else
//! stops.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::judge::faults;
use super::server::Receiver;
use crate::support::daemon::{Home, text};
use crate::support::world::SECRET;

/// What stands in every address, and must not be seen anywhere.
const TOKEN: &str = "t0ken-not-for-the-eyes";

/// Accepts connections and does with each what it is told to.
async fn serve<F, W>(with: F) -> SocketAddr
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the server lives as long as the test's runtime")]
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            #[expect(clippy::disallowed_methods, reason = "as above")]
            tokio::spawn(with(stream));
        }
    });
    address
}

/// Breaks the connection as soon as something was sent.
async fn reset(mut stream: TcpStream) {
    let mut one = [0];
    drop(stream.read(&mut one).await);
    drop(stream.set_zero_linger());
}

/// Serves HTTPS under a certificate, and answers 204 to everything.
async fn https(certificate: &str) -> SocketAddr {
    let path = |name: &str| format!("{}/tests/samples/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let certificate = CertificateDer::from_pem_file(path(certificate)).unwrap();
    let key = PrivateKeyDer::from_pem_file(path("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut request = vec![0; 16 << 10];
            drop(stream.read(&mut request).await);
            drop(stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await);
            drop(stream.shutdown().await);
        }
    })
    .await
}

fn config(receiver: &Receiver, webhooks: &[(&str, String)]) -> String {
    let names: Vec<&str> = webhooks.iter().map(|(name, _)| *name).collect();
    let tables: Vec<String> =
        webhooks.iter().map(|(name, keys)| format!("[webhooks.{name}]\n{keys}\n")).collect();
    format!(
        "[daemon]\ndatabase = \"w.db\"\nlisten = \"off\"\n\
         [fetch]\ninterval = \"1s\"\nmin_interval = \"1s\"\nper_host_delay = \"0s\"\nallow_networks = [\"127.0.0.1/32\"]\n\
         [alerts]\nfirst_poll = \"alert\"\n\
         [delivery]\nretries = []\ntimeout = \"5s\"\ntrip_after = 100\n\
         [feeds.wire]\nurl = \"http://{}/feed\"\ninterval = \"1s\"\n\
         [topics.t]\nkeywords = [\"Pyongyang\"]\nwebhooks = {names:?}\n{}",
        receiver.address,
        tables.concat()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_endpoint_is_one_line_and_one_attempt_and_the_good_ones_get_theirs() {
    let mut receiver = Receiver::start().await;
    receiver.publish(&["boom"]);
    let home = Home::new("");
    let ca = home.path().join("ca.pem");
    let shipped = format!("{}/tests/samples/tls/ca.pem", env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(shipped, &ca).unwrap();
    let (resets, expired, valid) = (serve(reset).await, https("expired.pem").await, https("valid.pem").await);
    let http = |address: SocketAddr| format!("url = \"http://{address}/hook/{TOKEN}\"");
    let hook = |name: &str| format!("url = \"http://{}/hook/{name}?token={TOKEN}\"", receiver.address);
    let with_ca = |address: SocketAddr| format!("url = \"https://{address}/{TOKEN}\"\nca_file = \"ca.pem\"");
    let template = "format = \"template\"\ntemplate = '{\"t\": {{ text }}{% if title and \"boom\" in title %}, \"x\": {{ nope }}{% endif %}}'";
    let webhooks = [
        ("works", format!("{}\nsecret = \"{SECRET}\"", hook("works"))),
        ("trusted", with_ca(valid)),
        ("hangs", hook("hangs")),
        ("resets", http(resets)),
        ("expired", with_ca(expired)),
        ("untrusted", format!("url = \"https://{valid}/{TOKEN}\"")),
        ("nowhere", format!("url = \"https://no-such-host.invalid/{TOKEN}\"")),
        ("private", format!("url = \"http://192.168.77.7/{TOKEN}\"")),
        ("moved", hook("moved")),
        ("own", format!("{}\n{template}", hook("own"))),
    ];
    home.configure(&config(&receiver, &webhooks));
    let output = home.run(&["once"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let log = text(&output.stderr);
    let rows = home.json(&["deliveries", "list", "--limit", "0", "--json"]);
    for (name, _) in &webhooks {
        let row = rows.as_array().unwrap().iter().find(|row| row["webhook"] == *name).unwrap();
        let shown = home.json(&["deliveries", "show", row["id"].as_str().unwrap(), "--json"]);
        let attempts = shown["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1, "{name}: {shown:#}");
        let good = ["works", "trusted"].contains(name);
        assert_eq!(row["state"], if good { "delivered" } else { "dead" }, "{name}: {shown:#}");
        let lines: Vec<&str> =
            log.lines().filter(|line| line.contains(&format!("webhook {name}:"))).collect();
        assert_eq!(lines.len(), usize::from(!good), "{name}: {lines:?}\n{log}");
        if !good {
            assert!(attempts[0]["error"].as_str().is_some_and(|why| why.len() > 10), "{name}: {shown:#}");
        }
        assert!(!shown.to_string().contains(TOKEN), "{name}: {shown:#}");
    }
    assert!(!log.contains(TOKEN), "{log}");
    let works = receiver.wait("works", 1).await;
    assert_eq!(faults(&works, SECRET), [""; 0]);
    assert!(receiver.at("elsewhere").is_empty() && receiver.at("own").is_empty());

    // The template fails on that one alert only.
    receiver.publish(&["two", "boom"]);
    while receiver.at("own").is_empty() {
        home.run(&["once"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_file_that_vanishes_is_said_at_the_reload_and_the_old_secret_signs_on() {
    let mut receiver = Receiver::start().await;
    receiver.publish(&["one"]);
    let home = Home::new("");
    let secret = home.path().join("desk.whsec");
    std::fs::write(&secret, SECRET).unwrap();
    let keys = format!("url = \"http://{}/hook/works\"\nsecret_file = \"desk.whsec\"", receiver.address);
    home.configure(&config(&receiver, &[("desk", keys)]));
    let mut daemon = home.start();
    receiver.wait("works", 1).await;
    std::fs::remove_file(&secret).unwrap();
    daemon.signal("HUP");
    daemon.wait_for_line("configuration refused");
    daemon.wait_for_line("desk.whsec");
    receiver.publish(&["two", "one"]);
    let works = receiver.wait("works", 2).await;
    assert_eq!(faults(&works, SECRET), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn held_and_silenced_alerts_are_seen_by_those_who_run_it() {
    let mut receiver = Receiver::start().await;
    receiver.publish(&["one", "two", "three"]);
    let home = Home::new("");
    let hook = |more: &str| {
        format!("url = \"http://{}/hook/works\"\nsecret = \"{SECRET}\"\n{more}", receiver.address)
    };
    home.configure(&config(&receiver, &[("desk", hook("digest = \"daily 08:00 Asia/Seoul\""))]));
    let once = text(&home.run(&["once"]).stdout);
    assert!(once.contains("3 held for desk (digest, until "), "{once}");
    let rows = home.json(&["deliveries", "list", "--state", "held", "--json"]);
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert_eq!(rows[0]["reason"], "digest (daily 08:00 Asia/Seoul)");
    assert!(rows[0]["next_attempt_at"].is_string() && rows[0]["webhook_id"].is_null(), "{rows:#}");
    assert_eq!(home.json(&["alerts", "list", "--json"])[0]["state"], "held");
    let webhooks = home.json(&["webhooks", "list", "--json"]);
    assert_eq!(
        (&webhooks[0]["held"], &webhooks[0]["next_release_at"]),
        (&3.into(), &rows[0]["next_attempt_at"])
    );
    assert!(text(&home.run(&["webhooks", "list"]).stdout).contains("what is held goes in"));

    // One goes by hand, the others when nothing holds them any more: in one message, sent once.
    let id = rows[0]["id"].as_str().unwrap();
    let retried = home.json(&["deliveries", "retry", id, "--json"]);
    assert_eq!(retried[0]["outcome"], "queued", "{retried}");
    home.configure(&config(&receiver, &[("desk", hook(""))]));
    assert!(home.run(&["once"]).status.success());
    let arrivals = receiver.wait("works", 2).await;
    assert_eq!(faults(&arrivals, SECRET), [""; 0]);
    let kinds: Vec<Value> = arrivals
        .iter()
        .map(|arrival| serde_json::from_slice::<Value>(&arrival.body).unwrap()["type"].clone())
        .collect();
    assert!(kinds.contains(&"alert.opened".into()) && kinds.contains(&"alerts.grouped".into()), "{kinds:?}");
    let delivered = home.json(&["deliveries", "list", "--state", "delivered", "--json"]);
    assert_eq!(delivered.as_array().unwrap().len(), 3);

    let wrong = home.run(&["silences", "add", "--topic", "tt", "--for", "1h"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("did you mean `t`?"), "{}", text(&wrong.stderr));
    assert_eq!(home.run(&["silences", "add", "--for", "1h"]).status.code(), Some(2), "nothing to mute");
    let query = home.run(&["silences", "add", "--query", "(", "--for", "1h"]);
    assert_eq!(query.status.code(), Some(1));
    let added = home.json(&[
        "silences",
        "add",
        "--topic",
        "t",
        "--query",
        "four",
        "--for",
        "1h",
        "--author",
        "kim",
        "--comment",
        "drill",
        "--json",
    ]);
    receiver.publish(&["four", "five", "one", "two", "three"]);
    // The feed is due again a second after the last visit.
    while receiver.at("works").len() < 3 {
        assert!(home.run(&["once"]).status.success());
    }
    let alerts = home.json(&["alerts", "list", "--json"]);
    let muted: Vec<&Value> =
        alerts.as_array().unwrap().iter().filter(|row| row["state"] == "silenced").collect();
    assert_eq!(muted.len(), 1, "{alerts:#}");
    assert_eq!((&muted[0]["silence"], &muted[0]["title"]), (&added["id"], &"Pyongyang four".into()));
    let listed = text(&home.run(&["silences", "list"]).stdout);
    for part in ["in force", "kim", "drill", "topic t, query four"] {
        assert!(listed.contains(part), "no `{part}` in:\n{listed}");
    }
    let ended = home.run(&["silences", "expire", added["id"].as_str().unwrap()]);
    assert!(text(&ended.stdout).contains("has ended"), "{}", text(&ended.stdout));
    assert!(home.run(&["once"]).status.success());
    assert_eq!(receiver.at("works").len(), 3, "what it muted stays untold");
    assert_eq!(home.json(&["silences", "list", "--json"]), Value::Array(vec![]));
}
