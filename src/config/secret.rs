//! Addresses that are credentials.

use std::fmt;

use ring::digest;
use secrecy::{ExposeSecret, SecretString};

/// A webhook's address: shown as its scheme, host and a short hash, never whole.
#[derive(Clone)]
pub struct SecretUrl {
    whole: SecretString,
    hint: String,
}

impl SecretUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is no absolute http or https address; the error does not repeat it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        Self::parse_as(text, &["http", "https"], "neither http nor https")
    }

    /// Reads the address of a proxy.
    ///
    /// # Errors
    /// When it is no absolute http, https, socks5 or socks5h address; the error does not repeat it.
    pub fn parse_proxy(text: &str) -> Result<Self, &'static str> {
        Self::parse_as(text, &["http", "https", "socks5", "socks5h"], "none of http, https, socks5, socks5h")
    }

    fn parse_as(text: &str, schemes: &[&str], otherwise: &'static str) -> Result<Self, &'static str> {
        let url = url::Url::parse(text.trim())
            .map_err(|_ignored| "not an absolute address like https://host/path")?;
        if !schemes.contains(&url.scheme()) {
            return Err(otherwise);
        }
        let host = url.host_str().ok_or("without a host")?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let hash = digest::digest(&digest::SHA256, text.trim().as_bytes());
        let hint =
            format!("{}://{host}{port}/…#{:02x}{:02x}", url.scheme(), hash.as_ref()[0], hash.as_ref()[1]);
        Ok(Self { whole: SecretString::from(text.trim().to_owned()), hint })
    }

    /// The whole address, for sending.
    pub fn expose(&self) -> &str {
        self.whole.expose_secret()
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint)
    }
}
