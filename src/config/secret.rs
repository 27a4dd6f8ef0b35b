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
        let url = url::Url::parse(text.trim())
            .map_err(|_ignored| "not an absolute address like https://host/path")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("neither http nor https");
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
