//! `[daemon]`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::fields::Fields;
use super::{Resolver, relative_to};
use crate::config::settings::DaemonSettings;

/// Fewer characters can be guessed.
const SHORTEST_TOKEN: usize = 16;

impl Resolver<'_> {
    pub(super) fn daemon(&mut self) -> Option<DaemonSettings> {
        let fields = self.section("daemon")?;
        let database = match fields.text("database") {
            Some(path) => relative_to(&fields.place("database"), path),
            None => match self.request.variables.get("STATE_DIRECTORY") {
                // systemd gives a list where several directories are configured; the first is ours.
                Some(state) => std::env::split_paths(state).next()?.join("wirewatch.db"),
                None => PathBuf::from("data/wirewatch.db"),
            },
        };
        let listen = fields.text("listen").and_then(|address| address.parse().ok());
        let socket = self.socket(&fields, &database);
        let hosts = self.hosts(&fields);
        let token = self.daemon_token(&fields);
        let given = ["token", "token_env", "token_file"];
        if listen.is_some_and(|address: std::net::SocketAddr| !address.ip().is_loopback())
            && !given.iter().any(|form| fields.is_given(form))
        {
            let message = "`listen` is not the loopback address, and there is no token: whoever reaches it reads every alert";
            let help =
                "set `token_file` (make one: head -c 24 /dev/urandom | base64), or listen on 127.0.0.1";
            self.warning("open-to-all", fields.place("listen"), message.to_owned(), help);
        }
        Some(DaemonSettings { database, listen, socket, hosts, token })
    }

    fn socket(&self, fields: &Fields<'_>, database: &Path) -> Option<PathBuf> {
        if let Some(path) = fields.text("socket") {
            return (path != "off").then(|| relative_to(&fields.place("socket"), path));
        }
        let runtime = self.request.variables.get("RUNTIME_DIRECTORY");
        if let Some(first) = runtime.and_then(|runtime| std::env::split_paths(runtime).next()) {
            return Some(first.join("wirewatch.sock"));
        }
        let mut beside = database.as_os_str().to_owned();
        beside.push(".sock");
        Some(beside.into())
    }

    fn hosts(&mut self, fields: &Fields<'_>) -> Vec<String> {
        let mut hosts = Vec::new();
        for (host, place) in fields.list("hosts") {
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let is_address = bare.parse::<IpAddr>().is_ok();
            let is_name =
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
            if is_address || is_name {
                hosts.push(bare.trim_end_matches('.').to_owned());
            } else {
                let message = format!("`{host}` is no host name");
                self.error(
                    "bad-host",
                    place,
                    message,
                    "write the name alone, like wirewatch.example: no https://, no port",
                );
            }
        }
        hosts
    }

    fn daemon_token(&mut self, fields: &Fields<'_>) -> Option<SecretString> {
        let token = self.header_credential(fields, "token")?;
        if token.expose_secret().len() >= SHORTEST_TOKEN {
            return Some(token);
        }
        let given = ["token", "token_env", "token_file"];
        self.error(
            "bad-secret",
            fields.written_last(given),
            format!("the token has fewer than {SHORTEST_TOKEN} characters"),
            "make one: head -c 24 /dev/urandom | base64",
        );
        None
    }
}
