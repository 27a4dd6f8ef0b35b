//! What befalls a real process. Each fault ends with everything delivered, or says why not.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fastrand::Rng;
use rusqlite::Connection;

use super::outside::{ALL_FEEDS, FEEDS};
use super::rig::Rig;

pub(super) type Outcome = Result<String, String>;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Everything owed arrives within this time once all is well.
const PATIENCE: Duration = Duration::from_secs(40);

/// SIGKILL at random moments of a busy run, also while it starts.
pub(super) async fn kills(times: u32, seed: u64) -> Outcome {
    let mut rng = Rng::with_seed(seed);
    let mut rig = Rig::new(seed);
    for _ in 0..times {
        rig.start();
        tokio::time::sleep(ms(rng.u64(0..600))).await;
        rig.kill();
    }
    rig.settle(PATIENCE).await
}

/// SIGTERM under load: it ends in time, with status 0, and repeats nothing that was answered.
pub(super) async fn stops(times: u32) -> Outcome {
    let mut rng = Rng::with_seed(2);
    let mut rig = Rig::new(2);
    rig.outside.without_trouble();
    for _ in 0..times {
        rig.start();
        rig.outside.arrive(2, PATIENCE).await?;
        tokio::time::sleep(ms(rng.u64(0..300))).await;
        let (status, took) = rig.stop().await;
        if status != Some(0) || took > Duration::from_secs(11) {
            return Err(format!("it ended with {status:?} after {took:?}"));
        }
    }
    let told = rig.settle(PATIENCE).await?;
    match rig.outside.verdict().repeats {
        0 => Ok(told),
        repeats => Err(format!("{repeats} messages were sent again after an orderly stop")),
    }
}

/// SIGHUP again and again under load.
pub(super) async fn reloads(times: u32) -> Outcome {
    let mut rng = Rng::with_seed(3);
    let mut rig = Rig::new(3);
    rig.start();
    rig.outside.arrive(2, PATIENCE).await?;
    for _ in 0..times {
        rig.signal("HUP");
        tokio::time::sleep(ms(rng.u64(0..60))).await;
    }
    let told = rig.settle(PATIENCE).await?;
    if rig.starts == 1 { Ok(told) } else { Err(format!("it ended by itself: {told}")) }
}

/// SIGSTOP for seconds, SIGCONT: leases, deadlines and connections pass meanwhile.
pub(super) async fn pauses(times: u32) -> Outcome {
    let mut rng = Rng::with_seed(4);
    let mut rig = Rig::new(4);
    rig.start();
    for _ in 0..times {
        tokio::time::sleep(ms(rng.u64(0..800))).await;
        rig.signal("STOP");
        tokio::time::sleep(ms(rng.u64(100..4000))).await;
        rig.signal("CONT");
    }
    let told = rig.settle(PATIENCE).await?;
    if rig.starts == 1 { Ok(told) } else { Err(format!("it ended by itself: {told}")) }
}

/// Nobody listens for a while, again and again: neither feeds nor receiver.
pub(super) async fn network_gone(times: u32) -> Outcome {
    let mut rig = Rig::new(5);
    rig.start();
    for _ in 0..times {
        rig.outside.arrive(2, PATIENCE).await?;
        rig.outside.close().await;
        rig.run_for(ms(2500)).await;
        rig.outside.open();
    }
    let told = rig.settle(PATIENCE).await?;
    if rig.starts == 1 { Ok(told) } else { Err(format!("it ended by itself: {told}")) }
}

/// Another process holds the database's lock for longer than anybody waits.
pub(super) async fn locked_database(times: u32) -> Outcome {
    let mut rig = Rig::new(6);
    rig.start();
    for _ in 0..times {
        rig.outside.arrive(2, PATIENCE).await?;
        let other = Connection::open(rig.data.join("wirewatch.db")).map_err(|problem| problem.to_string())?;
        other.busy_timeout(Duration::from_secs(5)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").map_err(|problem| problem.to_string())?;
        rig.run_for(ms(7000)).await;
        other.execute_batch("ROLLBACK").unwrap();
    }
    let told = rig.settle(PATIENCE).await?;
    if rig.starts == 1 { Ok(told) } else { Err(format!("it ended by itself: {told}")) }
}

/// No descriptor is left, then there are some again.
pub(super) async fn no_descriptors() -> Outcome {
    let mut rig = Rig::new(7);
    rig.start();
    rig.outside.arrive(2, PATIENCE).await?;
    let open = fs::read_dir(format!("/proc/{}/fd", rig.id())).map_err(|problem| problem.to_string())?.count();
    // Fewer than it has: nothing can be opened any more.
    limit(&rig, &format!("--nofile={}:", open.saturating_sub(4)))?;
    rig.run_for(ms(6000)).await;
    if rig.starts == 1 {
        limit(&rig, "--nofile=1024:")?;
    }
    rig.settle(PATIENCE).await
}

/// No memory is left: it may end, and what starts after it knows everything.
pub(super) async fn no_memory(times: u32) -> Outcome {
    let mut rig = Rig::new(8);
    for _ in 0..times {
        rig.start();
        rig.outside.arrive(1, PATIENCE).await?;
        let status = fs::read_to_string(format!("/proc/{}/status", rig.id())).unwrap_or_default();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB"));
        let Some(size) = size.and_then(|size| size.trim().parse::<u64>().ok()) else { continue };
        limit(&rig, &format!("--as={}", (size + 64) * 1024))?;
        rig.run_for(ms(1500)).await;
        rig.kill();
    }
    rig.settle(PATIENCE).await
}

fn limit(rig: &Rig, what: &str) -> Result<(), String> {
    let done = Command::new("prlimit").args(["--pid", &rig.id().to_string(), what]).output();
    let done = done.map_err(|problem| format!("prlimit: {problem}"))?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

/// A file system of its own that is unmounted at the end.
struct Mount(PathBuf);

impl Mount {
    fn tmpfs(at: &Path, size: &str) -> Result<Self, String> {
        let size = format!("size={size}");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        let done = done.map_err(|problem| format!("mount: {problem}"))?;
        if done.status.success() {
            Ok(Self(at.to_owned()))
        } else {
            Err(format!("mounting a tmpfs needs root: {}", String::from_utf8_lossy(&done.stderr)))
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// The disk fills up during the run, and has room again later; it is killed in between, too.
pub(super) async fn full_disk(times: u32) -> Outcome {
    let mut rig = Rig::new(9);
    let _mount = Mount::tmpfs(&rig.data, "24m")?;
    for round in 0..times {
        rig.start();
        rig.outside.arrive(2, PATIENCE).await?;
        let filler = rig.data.join("filler");
        fill(&filler);
        rig.run_for(ms(2000)).await;
        // What was given up is filled as well.
        fill(&rig.data.join("filler2"));
        if round % 2 == 1 {
            rig.kill();
        }
        rig.run_for(ms(2000)).await;
        fs::remove_file(&filler).map_err(|problem| problem.to_string())?;
        drop(fs::remove_file(rig.data.join("filler2")));
    }
    // A feed whose poll found no room is asked again after a minute; nothing waits for its lease of 95 seconds to end.
    let told = rig.settle(Duration::from_secs(75)).await?;
    if rig.log().contains("the disk is full") { Ok(told) } else { Err("the disk was never full".to_owned()) }
}

fn fill(path: &Path) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    let block = [0x20; 4096];
    while file.write_all(&block).is_ok() {}
}

const FAKETIME: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// The clock is set a day forward, two days back, and right again; news goes on arriving after each.
pub(super) async fn clock_jumps() -> Outcome {
    let library = FAKETIME.iter().find(|path| Path::new(path).exists());
    let library = library.ok_or("libfaketime is not installed (apt install libfaketime)")?;
    let mut rig = Rig::new(10);
    rig.outside.without_trouble();
    let clock = rig.home().join("clock");
    fs::write(&clock, "+0").unwrap();
    rig.environment = vec![
        ("LD_PRELOAD".to_owned(), (*library).to_owned()),
        ("FAKETIME_TIMESTAMP_FILE".to_owned(), clock.display().to_string()),
        ("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
    ];
    rig.start();
    for jump in ["+0", "+1d", "-1d", "+0", "-2d", "+30d", "+0"] {
        fs::write(&clock, jump).unwrap();
        // Everything on its way gets there, and then what is published from here on.
        rig.outside.arrive(6, PATIENCE).await.map_err(|problem| format!("after {jump}: {problem}"))?;
        if jump == "-2d" {
            rig.kill();
            rig.start();
        }
    }
    rig.settle(PATIENCE).await
}

/// What a process takes up.
#[derive(Clone, Copy, Debug)]
struct Size {
    resident_kib: u64,
    database_kib: u64,
    threads: usize,
    descriptors: usize,
}

impl Size {
    fn of(rig: &Rig) -> Result<Self, String> {
        let of = |what: &str| PathBuf::from(format!("/proc/{}/{what}", rig.id()));
        let status = fs::read_to_string(of("status")).map_err(|problem| problem.to_string())?;
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        let count = |what| fs::read_dir(of(what)).map(Iterator::count).map_err(|problem| problem.to_string());
        let database = fs::metadata(rig.data.join("wirewatch.db")).map_err(|problem| problem.to_string())?;
        Ok(Self {
            resident_kib: resident.and_then(|size| size.trim().parse().ok()).ok_or("no VmRSS")?,
            database_kib: database.len() / 1024,
            threads: count("task")?,
            descriptors: count("fd")?,
        })
    }
}

/// As many visits as sixty feeds get in a week at a quarter of an hour each. It takes minutes, so that nothing is too
/// old at its end: that the database is bounded over days is the simulation's to see.
pub(super) const A_WEEK: u64 = 60 * 4 * 24 * 7;

/// Memory, threads and descriptors do not grow with the work done.
pub(super) async fn long_run(visits: u64) -> Outcome {
    let mut rig = Rig::new(13);
    rig.outside.roll(20);
    rig.outside.without_trouble();
    let mut besides = String::new();
    for feed in FEEDS..ALL_FEEDS {
        besides
            .push_str(&format!("[feeds.f{feed}]\nurl = \"http://{}/feeds/{feed}\"\n", rig.outside.address));
    }
    rig.configure(&besides);
    rig.start();
    let mut sizes = Vec::new();
    for step in 1..=8 {
        while rig.outside.visits() < visits * step / 8 {
            if !rig.is_running() {
                return Err(format!("it ended by itself:\n{}", rig.last_lines()));
            }
            tokio::time::sleep(ms(50)).await;
        }
        sizes.push(Size::of(&rig)?);
    }
    let most = |sizes: &[Size], of: fn(&Size) -> u64| sizes.iter().map(of).max().unwrap_or_default();
    // The first quarter is for growing up.
    for (what, of, slack) in [
        ("resident KiB", (|size| size.resident_kib) as fn(&Size) -> u64, 4096),
        ("threads", |size| size.threads as u64, 2),
        ("descriptors", |size| size.descriptors as u64, 4),
    ] {
        let (early, late) = (most(&sizes[2..5], of), most(&sizes[5..], of));
        if late > early + early / 10 + slack {
            return Err(format!("{what} grow from {early} to {late}: {sizes:?}"));
        }
    }
    let last = &sizes[sizes.len() - 1];
    let told = rig.settle(PATIENCE).await?;
    let Size { resident_kib, database_kib, threads, descriptors } = last;
    Ok(format!(
        "{visits} visits, {resident_kib} KiB resident, {database_kib} KiB of database, {threads} threads, {descriptors} \
         descriptors, {told}"
    ))
}
