//! The real program, started again whenever it ends, as a service manager does.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::outside::{FEEDS, Outside, WORD};

/// A home, and the process that lives in it.
pub(super) struct Rig {
    pub(super) outside: Outside,
    home: TempDir,
    /// Where the database is.
    pub(super) data: PathBuf,
    /// What the program is started through: `prlimit …`.
    pub(super) through: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    child: Option<Child>,
    pub(super) starts: u32,
}

impl Rig {
    pub(super) fn new(seed: u64) -> Self {
        let outside = Outside::new(seed);
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        fs::create_dir(&data).unwrap();
        let rig = Self {
            outside,
            home,
            data,
            through: Vec::new(),
            environment: Vec::new(),
            child: None,
            starts: 0,
        };
        rig.configure("");
        rig
    }

    /// Writes the configuration, with this besides.
    pub(super) fn configure(&self, besides: &str) {
        let address = self.outside.address;
        let mut config = format!(
            "[daemon]\ndatabase = \"{}\"\nlisten = \"off\"\n[fetch]\ninterval = \"1s\"\nmin_interval = \"1s\"\n\
             max_interval = \"2s\"\nper_host = 4\nper_host_delay = \"0s\"\ntimeout = \"5s\"\n\
             allow_networks = [\"127.0.0.1/32\"]\n[alerts]\nfirst_poll = \"alert\"\n[delivery]\n\
             retries = [{}]\ntimeout = \"1s\"\nprobe_interval = \"200ms\"\nprobe_interval_max = \"1s\"\n\
             [topics.crash]\nkeywords = [\"{WORD}\"]\nwebhooks = [\"hook\"]\n[webhooks.hook]\n\
             url = \"http://{address}/hook\"\nmax_in_flight = 8\n",
            self.data.join("wirewatch.db").display(),
            ["\"300ms\""; 200].join(", "),
        );
        config.push_str(besides);
        for feed in 0..FEEDS {
            config.push_str(&format!("[feeds.f{feed}]\nurl = \"http://{address}/feeds/{feed}\"\n"));
        }
        fs::write(self.home.path().join("wirewatch.toml"), config).unwrap();
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_wirewatch");
        let mut command = match self.through.split_first() {
            None => Command::new(program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.args(args).current_dir(self.home.path()).env_clear();
        command.env("WIREWATCH_CONFIG", self.home.path().join("wirewatch.toml"));
        command.env("PATH", "/usr/bin:/bin");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the program, unless it runs.
    pub(super) fn start(&mut self) {
        if self.is_running() {
            return;
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = self.command(&["run"]);
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        self.starts += 1;
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    pub(super) fn id(&self) -> u32 {
        self.child.as_ref().expect("it was started").id()
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            drop(child.kill());
            child.wait().unwrap();
        }
    }

    pub(super) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Stops it as a service manager does; answers its exit status and how long that took.
    pub(super) async fn stop(&mut self) -> (Option<i32>, Duration) {
        self.signal("TERM");
        let began = tokio::time::Instant::now();
        let mut child = self.child.take().expect("it was started");
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        (status.code(), began.elapsed())
    }

    /// Runs for so long, started anew whenever it ends.
    pub(super) async fn run_for(&mut self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        while tokio::time::Instant::now() < until {
            self.start();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Lets everything that is owed arrive and asks the judge.
    pub(super) async fn settle(&mut self, patience: Duration) -> Result<String, String> {
        self.outside.calm_down();
        let until = tokio::time::Instant::now() + patience;
        while !self.outside.verdict().missing.is_empty() && tokio::time::Instant::now() < until {
            self.run_for(Duration::from_millis(200)).await;
        }
        let verdict = self.outside.settle(Duration::ZERO).await;
        verdict.judge().map_err(|problem| format!("{problem}\n{}", self.last_lines()))?;
        self.sound()?;
        Ok(format!("{} delivered, {} repeats, {} starts", verdict.owed, verdict.repeats, self.starts))
    }

    /// The database is whole.
    fn sound(&self) -> Result<(), String> {
        let done = self.command(&["database", "check"]).output().unwrap();
        let said =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        if done.status.success() { Ok(()) } else { Err(format!("database check: {said}")) }
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("log")
    }

    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    pub(super) fn last_lines(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    pub(super) fn home(&self) -> &std::path::Path {
        self.home.path()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.kill();
    }
}
