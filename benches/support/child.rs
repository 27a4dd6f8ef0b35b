//! Processes that measurements are made with, and the handles of the farm.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use super::farm::Stats;
use super::measure::{cpu_of_ended, memory_of};

/// The farm in a process of its own: its work is not on our account.
#[derive(Debug)]
pub(crate) struct FarmProcess {
    process: Running,
    pub(crate) port: u16,
}

impl FarmProcess {
    /// Starts this program again as a farm (its first argument is then `farm`) on a free port.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("farm").args(["--port", "0"]).args(options);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process: Running(child), port: line.trim().parse().expect("the farm tells its port") }
    }

    pub(crate) fn publish(&self, from: u32, count: u32, items: u32) {
        self.ask("POST", &format!("/_publish?from={from}&n={count}&items={items}"));
    }

    pub(crate) fn reset(&self) {
        self.ask("POST", "/_reset");
    }

    pub(crate) fn stats(&self) -> Stats {
        serde_json::from_str(&self.ask("GET", "/_stats")).unwrap()
    }

    pub(crate) fn url(&self, feed: u32, hosts: u8) -> String {
        format!("http://127.0.0.{}:{}/feed/{feed}", 1 + feed % u32::from(hosts), self.port)
    }

    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\n\r\n").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }
}

/// The bare parts in a process of their own, so that their memory can be told.
#[derive(Debug)]
pub(crate) struct BareProcess {
    process: Running,
    answers: BufReader<ChildStdout>,
}

impl BareProcess {
    /// Starts this program again with `bare` as its first argument.
    pub(crate) fn start(dir: &Path, urls: Vec<String>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("bare").arg(dir).args(urls);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { process: Running(child), answers }
    }

    /// Polls every feed once.
    pub(crate) fn poll_all(&mut self) -> Once {
        let began = Instant::now();
        writeln!(self.process.0.stdin.as_mut().unwrap()).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        Once {
            took: began.elapsed(),
            cpu: Duration::from_micros(line.trim().parse().expect("it tells its microseconds")),
            peak: memory_of(self.process.0.id()).1,
        }
    }
}

/// The program itself, watching.
#[derive(Debug)]
pub(crate) struct Daemon(Running);

impl Daemon {
    /// Starts it with the configuration in `home`, and waits until it watches.
    pub(crate) fn start(home: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
        command.arg("run").current_dir(home).env_clear().env("WIREWATCH_CONFIG", home.join("wirewatch.toml"));
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("watching") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the daemon ended before it watched");
        }
        // What it logs from here on is read, so that it does not wait, and forgotten.
        std::thread::spawn(move || drop(std::io::copy(&mut log, &mut std::io::sink())));
        Self(Running(child))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.0.id()
    }
}

/// A process that is killed when it is forgotten.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs the program to its end; answers how long, what CPU time it took, and the most memory it had, in bytes.
pub(crate) fn run_once(home: &Path) -> Once {
    let (began, cpu_before) = (Instant::now(), cpu_of_ended());
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
    command.arg("once").current_dir(home).env_clear().env("WIREWATCH_CONFIG", home.join("wirewatch.toml"));
    let mut child = Running(command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
    let mut peak = 0;
    let status = loop {
        peak = peak.max(memory_of(child.0.id()).1);
        if let Some(status) = child.0.try_wait().unwrap() {
            break status;
        }
        pause(Duration::from_millis(5));
    };
    assert!(status.success(), "`wirewatch once` failed");
    Once { took: began.elapsed(), cpu: cpu_of_ended().saturating_sub(cpu_before), peak }
}

/// What a run to the end took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Once {
    pub(crate) took: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak: u64,
}

/// Lets time pass: for those who watch other processes.
#[expect(clippy::disallowed_methods, reason = "other processes give no hints")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
