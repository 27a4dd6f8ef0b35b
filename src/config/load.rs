//! Finding the files, reading them, and the environment. Nothing else in wirewatch but the command
//! line reads the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::layers::{self, Read};
use super::locate::SourceMap;
use super::read;
use super::report::{Problem, Report};
use super::resolve;
use super::settings::{DaemonSettings, Settings};
use super::source::{Place, SourceFile};

/// Bytes of one file; ten thousand topics take about five megabytes.
const MAX_FILE: u64 = 16 << 20;

/// Files in `conf.d`.
const MAX_FRAGMENTS: usize = 10_000;

/// Bytes of all files together.
const MAX_TOTAL: usize = 64 << 20;

/// Begins every environment variable that is a key of the configuration.
pub(super) const PREFIX: &str = "WIREWATCH__";

/// Where to look for a configuration, and what to make of a credential out of reach.
#[derive(Clone, Debug, Default)]
pub struct LoadRequest {
    /// The file named on the command line.
    pub path: Option<PathBuf>,
    /// The environment.
    pub variables: Variables,
    /// What a credential out of reach means.
    pub credentials: Credentials,
    /// A fragment in `conf.d` and the text to read instead of what it holds: to check a change before it is written.
    pub pending: Option<(PathBuf, String)>,
}

/// What a credential means that cannot be read: a variable that is not set, a file that is out of reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// The configuration is refused: for running.
    #[default]
    Needed,
    /// A warning, and a stand-in where one is needed: for `check`, which may run as another user.
    /// The settings are then complete but fit for looking at only.
    Optional,
}

/// Environment variables; their values may be credentials.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<OsString, OsString>);

impl Variables {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// Made up variables, for tests.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The variables that are keys of the configuration: the part of the name after the prefix, and
    /// the value.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?.strip_prefix(PREFIX)?, value.as_os_str())))
    }
}

impl std::fmt::Debug for Variables {
    /// Shows how many there are: their values may be credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Variables({})", self.0.len())
    }
}

impl LoadRequest {
    /// A request for this process: its environment, and the file named on the command line if any.
    pub fn of_process(path: Option<PathBuf>, credentials: Credentials) -> Self {
        Self { path, variables: Variables::of_process(), credentials, pending: None }
    }
}

/// A configuration that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it means.
    pub settings: Settings,
    /// What is legal in it but surely not meant.
    pub warnings: Report,
    /// Where the texts of topics and concepts were written.
    pub sources: SourceMap,
}

/// Finds, reads, merges and checks the configuration.
///
/// The file is the one named in the request, else `$WIREWATCH_CONFIG`, else the first that exists
/// of `./config/wirewatch.toml`, `$CONFIGURATION_DIRECTORY/wirewatch.toml` and
/// `/etc/wirewatch/wirewatch.toml`; then come `conf.d/*.toml` beside it, sorted by name, then
/// variables such as `WIREWATCH__FETCH__INTERVAL`.
///
/// # Errors
/// Every problem found, warnings included, when at least one of them is an error.
pub fn load(request: &LoadRequest) -> Result<Loaded, Report> {
    match look(request) {
        Looked { meant: Some((settings, sources)), report, .. } if !report.has_errors() => {
            Ok(Loaded { settings, warnings: report, sources })
        }
        Looked { report, .. } => Err(report),
    }
}

/// What `[daemon]` says, as far as it can be read: for finding a running daemon also when the files on disk
/// have mistakes.
pub fn daemon_settings(request: &LoadRequest) -> Option<DaemonSettings> {
    Some(look(request).meant?.0.daemon)
}

/// A hash over the files as they are on disk now, to be compared with [`Settings::files_hash`].
///
/// # Errors
/// What cannot be read.
pub fn files_hash(request: &LoadRequest) -> Result<String, Report> {
    let main = find(request)?;
    let mut report = Report::default();
    let mut total = 0;
    let mut files = Vec::new();
    for path in std::iter::once(main.clone()).chain(fragments(&main, &mut report)) {
        let text = text_of(&path, &mut total).map_err(|problem| Report::from(*problem))?;
        files.push((path, text));
    }
    if report.has_errors() {
        return Err(report);
    }
    Ok(resolve::hash_of(files.iter().map(|(path, text)| (path.as_path(), text.as_str()))))
}

/// What was found in a configuration that may be wrong.
#[derive(Debug)]
pub(crate) struct Looked {
    /// Everything that is wrong or doubtful.
    pub(crate) report: Report,
    /// As good as it can be; not to be run where there are errors.
    pub(crate) meant: Option<(Settings, SourceMap)>,
    /// Whether a file is so broken that whole tables may be missing.
    pub(crate) lacks_tables: bool,
}

/// Reads a configuration as [`load`] does, also where it is wrong.
pub(crate) fn look(request: &LoadRequest) -> Looked {
    let main = match find(request) {
        Ok(main) => main,
        Err(report) => return Looked { report, meant: None, lacks_tables: true },
    };
    let mut read = Read::default();
    let mut report = Report::default();
    let mut total = 0;
    let mut fragments = fragments(&main, &mut report);
    if let Some((pending, _)) = &request.pending
        && let Err(place) = fragments.binary_search(pending)
    {
        fragments.insert(place, pending.clone());
    }
    for path in std::iter::once(main).chain(fragments) {
        let pending = request.pending.as_ref().filter(|(pending, _)| *pending == path);
        let text = pending.map_or_else(|| text_of(&path, &mut total), |(_, text)| Ok(text.clone()));
        match text {
            Ok(text) => {
                let mut file = read::read(read.files.len(), path, text);
                report.append(std::mem::take(&mut file.report));
                read.add(file, &mut report);
            }
            Err(problem) => report.push(*problem),
        }
    }
    let merged = layers::merge(read, &request.variables, &mut report);
    let meant = resolve::resolve(&merged, request, &mut report);
    Looked { report: report.sorted(), meant, lacks_tables: !merged.knows_all_tables() }
}

/// What the configuration is when nothing is configured.
///
/// # Panics
/// Never: the defaults are tested.
pub fn defaults() -> Settings {
    let mut report = Report::default();
    let merged = layers::merge(Read::default(), &Variables::default(), &mut report);
    let resolved = resolve::resolve(&merged, &LoadRequest::default(), &mut report);
    resolved.expect("the built-in defaults are right").0
}

/// Where the configuration is: the file named in the request, else the one in `$WIREWATCH_CONFIG`, else
/// the first that exists of the usual places.
///
/// # Errors
/// When none was named and none exists.
pub fn find(request: &LoadRequest) -> Result<PathBuf, Report> {
    if let Some(path) = &request.path {
        return Ok(path.clone());
    }
    if let Some(path) = request.variables.get("WIREWATCH_CONFIG") {
        return Ok(path.into());
    }
    let mut candidates = vec![PathBuf::from("./config/wirewatch.toml")];
    // systemd gives a list where several directories are configured.
    if let Some(directories) = request.variables.get("CONFIGURATION_DIRECTORY") {
        candidates.extend(std::env::split_paths(directories).map(|dir| dir.join("wirewatch.toml")));
    }
    candidates.push("/etc/wirewatch/wirewatch.toml".into());
    if let Some(found) = candidates.iter().find(|path| path.exists()) {
        return Ok(found.clone());
    }
    let looked: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
    Err(Problem::error("no-configuration", Place::Nowhere, "no configuration was found")
        .help(format!(
            "looked for {}; name the file with --config PATH or $WIREWATCH_CONFIG, or try `wirewatch demo`, \
             which needs none",
            looked.join(", ")
        ))
        .into())
}

/// Where fragments are looked for beside a main file.
pub(super) fn fragments_directory(main: &Path) -> PathBuf {
    main.parent().unwrap_or_else(|| Path::new("")).join("conf.d")
}

/// The fragments beside the main file, sorted by name; hidden files are editors' business.
fn fragments(main: &Path, report: &mut Report) -> Vec<PathBuf> {
    let directory = fragments_directory(main);
    let entries = match directory.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            report.push(cannot_read(&directory, &error));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for entry in entries.take(MAX_FRAGMENTS + 1) {
        match entry {
            Ok(entry) => {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if name.ends_with(".toml") && !name.starts_with('.') {
                    found.push(entry.path());
                }
            }
            Err(error) => report.push(cannot_read(&directory, &error)),
        }
    }
    if found.len() > MAX_FRAGMENTS {
        let message = format!("{} holds more than {MAX_FRAGMENTS} files", directory.display());
        report.push(
            Problem::error("too-large", Place::Nowhere, message).help("put several topics into one file"),
        );
    }
    found.sort();
    found
}

fn text_of(path: &Path, total: &mut usize) -> Result<String, Box<Problem>> {
    let bytes = bounded(path, MAX_FILE).map_err(|error| Box::new(cannot_read(path, &error)))?;
    *total += bytes.len();
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE) || *total > MAX_TOTAL {
        let message = format!("{} is larger than a configuration can be", path.display());
        let help = format!("at most {} MiB a file and {} MiB in all", MAX_FILE >> 20, MAX_TOTAL >> 20);
        return Err(Box::new(Problem::error("too-large", Place::Nowhere, message).help(help)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        // What stands before the bad byte is shown by its position only.
        let text = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned() + "\u{fffd}";
        let file = SourceFile::new(path.into(), text, std::iter::once(0..at).collect());
        let place = Place::File { span: at..at + '\u{fffd}'.len_utf8(), file: file.into() };
        Box::new(
            Problem::error("not-utf8", place, "this byte is not UTF-8")
                .help("save the file in the encoding UTF-8"),
        )
    })
}

/// Reads a regular file up to one byte more than `limit`; a pipe or a device could take for ever.
pub(super) fn bounded(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Problem {
    let help = if error.kind() == std::io::ErrorKind::NotFound {
        "does it exist, and is the path right?"
    } else if error.kind() == std::io::ErrorKind::PermissionDenied {
        "let the user wirewatch runs as read it (for example by `chgrp wirewatch` and `chmod g+r`)"
    } else {
        "name a file that can be read"
    };
    Problem::error("unreadable", Place::Nowhere, format!("cannot read {}: {error}", path.display()))
        .help(help)
}
