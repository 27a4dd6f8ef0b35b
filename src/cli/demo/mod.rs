//! `wirewatch demo`: the whole way from feed to webhook, on loopback, in a few seconds.

mod server;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::output::{self, clean};
use super::{Outcome, wire};
use crate::app::snapshot::{Loader, Prepared};
use crate::app::{Context, supervisor};
use crate::domain::WebhookId;
use crate::domain::delivery::DeliveryState;
use crate::ports::reads::Page;
use server::{DemoServer, Received, Stage};

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Keep running until Ctrl-C instead of ending after the last alert
    #[arg(long)]
    keep: bool,
}

/// The topics of the repository that the sample feeds are about.
const TOPICS: [(&str, &str); 2] = [
    ("dprk-troops-in-russia.toml", include_str!("../../../config/conf.d/dprk-troops-in-russia.toml")),
    ("port-strike.toml", include_str!("../../../config/conf.d/port-strike.toml")),
];

/// How often the demo looks whether a stage is over.
const GLANCE: Duration = Duration::from_millis(50);

/// How long a visit on loopback may be under way.
const UNDER_WAY: Duration = Duration::from_millis(400);

/// A stage that takes longer than this has failed.
const STAGE_LIMIT: Duration = Duration::from_secs(30);

/// Runs the demo; ends with an error status when an alert did not arrive.
pub(super) async fn run(args: &DemoArgs) -> anyhow::Result<Outcome> {
    let home = tempdir()?;
    let ended = play(args, home.path()).await;
    drop(home);
    ended
}

async fn play(args: &DemoArgs, home: &Path) -> anyhow::Result<Outcome> {
    let (arrivals, mut received) = mpsc::channel(64);
    let server =
        DemoServer::start(arrivals).await.context("starting the sample feeds and the webhook receiver")?;
    write_configuration(home, &server)?;
    output::print(&format!(
        "wirewatch demo: {} sample feeds and a webhook receiver on {}, database in {}\n\n",
        server::FEEDS.len(),
        server.address,
        home.display()
    ))?;

    let loader: Arc<dyn Loader> =
        Arc::new(DemoLoader { inner: wire::loader_at(&home.join("wirewatch.toml")) });
    let daemon = match wire::start(&loader, false).await? {
        Ok(daemon) => daemon,
        Err(report) => anyhow::bail!("the bundled configuration was refused:\n{report}"),
    };
    let context = Arc::clone(&daemon.context);
    let mut loops = JoinSet::new();
    loops.spawn(supervisor::run(Arc::clone(&context)));

    let mut told = Told::default();
    output::print("The feeds are polled for the first time:\n\n")?;
    stage(&context, &mut received, &mut told, 1).await?;
    output::print(
        "Now a correction comes out (new headline, new guid, new date, same article) and one more story:\n\n",
    )?;
    server.advance(Stage::Later);
    stage(&context, &mut received, &mut told, 2).await?;

    let page = Page { since: None, limit: 0 };
    let articles = context.store.list_articles(page).await?;
    let alerts = context.store.list_alerts(page).await?.len();
    let revised = articles.iter().filter(|article| article.revision > 1).count();
    output::print(&format!(
        "{} articles stored, {revised} of them revised without a second alert; {alerts} alerts, {} webhooks received, every signature verified: {}.\n",
        articles.len(),
        told.messages,
        if told.unverified == 0 { "yes" } else { "no" },
    ))?;
    if args.keep {
        output::print("Still running; Ctrl-C ends it.\n")?;
        keep(&mut received, &mut told).await?;
    }
    context.stop.cancel();
    while loops.join_next().await.is_some() {}
    daemon.close().await;
    server.stop().await;
    Ok(if alerts == told.messages && told.unverified == 0 { Outcome::Fine } else { Outcome::Wrong })
}

/// What the receiver got so far.
#[derive(Debug, Default)]
struct Told {
    messages: usize,
    unverified: usize,
}

/// Shows webhooks as they arrive until every feed was polled since the stage began and nothing is pending.
async fn stage(
    context: &Context,
    received: &mut mpsc::Receiver<Received>,
    told: &mut Told,
    number: u32,
) -> anyhow::Result<()> {
    // A visit that was under way when the stage began may still bring the former documents.
    let began = context.clock.now().plus(UNDER_WAY);
    let over = async {
        loop {
            let polled = context
                .store
                .list_feeds()
                .await?
                .iter()
                .all(|feed| feed.last_poll_at.is_some_and(|at| at >= began));
            let page = Page { since: None, limit: 0 };
            let deliveries = context.store.list_deliveries(page, None).await?;
            let pending = deliveries.iter().any(|delivery| delivery.state != DeliveryState::Delivered);
            if polled && !pending {
                return anyhow::Ok(());
            }
            tokio::time::sleep(GLANCE).await;
        }
    };
    let watch = async {
        tokio::pin!(over);
        loop {
            tokio::select! {
                Some(message) = received.recv() => show(&message, told)?,
                ended = &mut over => {
                    ended?;
                    while let Ok(message) = received.try_recv() {
                        show(&message, told)?;
                    }
                    return anyhow::Ok(());
                }
            }
        }
    };
    tokio::time::timeout(STAGE_LIMIT, watch).await.with_context(|| {
        format!("stage {number} of the demo was not over after {} s", STAGE_LIMIT.as_secs())
    })?
}

async fn keep(received: &mut mpsc::Receiver<Received>, told: &mut Told) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            Some(message) = received.recv() => show(&message, told)?,
            interrupted = tokio::signal::ctrl_c() => return interrupted.context("listening for Ctrl-C"),
        }
    }
}

fn show(message: &Received, told: &mut Told) -> anyhow::Result<()> {
    told.messages += 1;
    told.unverified += usize::from(!message.verified);
    let alert = &message.alert;
    let mut words: Vec<&str> = Vec::new();
    for span in &alert.found.spans {
        if !words.contains(&span.text.as_str()) {
            words.push(&span.text);
        }
    }
    let bold = anstyle::Style::new().bold();
    let mut text = Vec::new();
    writeln!(text, "{bold}{}{bold:#}  [{}]", clean(&alert.topic.title), alert.alert.severity)?;
    writeln!(text, "  title    {}", clean(alert.article.title.as_deref().unwrap_or("(untitled)")))?;
    writeln!(text, "  feed     {}", clean(alert.article.feed.title.as_deref().unwrap_or("")))?;
    writeln!(text, "  matched  {}", clean(&words.join(", ")))?;
    writeln!(text, "  excerpt  {}", clean(&alert.found.excerpt))?;
    let signature = if message.verified { "signature verified" } else { "SIGNATURE WRONG" };
    writeln!(text, "  webhook  demo, webhook-id {}, {signature}\n", clean(&message.webhook_id))?;
    output::print(&String::from_utf8_lossy(&text))?;
    Ok(())
}

fn write_configuration(home: &Path, server: &DemoServer) -> anyhow::Result<()> {
    let fragments = home.join("conf.d");
    std::fs::create_dir(&fragments).context("making conf.d")?;
    std::fs::write(home.join("wirewatch.toml"), server.configuration()).context("writing wirewatch.toml")?;
    for (name, text) in TOPICS {
        std::fs::write(fragments.join(name), text).with_context(|| format!("writing conf.d/{name}"))?;
    }
    Ok(())
}

/// Sends every bundled topic to the demo's own webhook.
#[derive(Debug)]
struct DemoLoader {
    inner: Arc<dyn Loader>,
}

impl Loader for DemoLoader {
    fn load(&self) -> Result<Prepared, String> {
        let mut prepared = self.inner.load()?;
        let demo = WebhookId::parse("demo").map_err(|problem| problem.to_string())?;
        for topic in prepared.settings.topics.values_mut() {
            topic.webhooks = vec![demo.clone()];
        }
        // They say that topics have no webhook, which they now have.
        prepared.warnings.clear();
        Ok(prepared)
    }
}

/// A directory that goes when the demo ends.
struct TempDir(std::path::PathBuf);

impl TempDir {
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // What cannot be removed is in the system's place for temporary files.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn tempdir() -> anyhow::Result<TempDir> {
    let path = std::env::temp_dir().join(format!("wirewatch-demo-{}", std::process::id()));
    std::fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
    Ok(TempDir(path))
}
