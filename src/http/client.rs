//! Making clients.

use std::path::Path;
use std::sync::{LazyLock, Once};
use std::time::Duration;

use ipnet::IpNet;
use reqwest::redirect::Policy;

use super::guard::Guard;

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file with certificate authorities.
    #[error("cannot read the certificate authorities in {file}: {why}")]
    CaFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The proxy's address.
    #[error("the proxy's address cannot be used")]
    Proxy,
    /// Anything else.
    #[error("cannot make an HTTP client: {}", chain(.0))]
    Other(reqwest::Error),
}

/// An error with its causes; a client that is being made knows no address that could leak.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// What all our clients have in common: nothing is followed, kept or guessed.
pub(super) fn builder(allowed: &[IpNet], connect_timeout: Duration) -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    // reqwest is built without a crypto provider of its own; somebody else in the process may have
    // installed one already, which is as good.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let builder = if system_has_authorities() {
        reqwest::Client::builder()
    } else {
        reqwest::Client::builder().tls_certs_merge(bundled_authorities())
    };
    builder
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(Guard::new(allowed))
        .connect_timeout(connect_timeout)
        .https_only(false)
}

/// Whether the system has certificate authorities installed; a bare container has none.
fn system_has_authorities() -> bool {
    static FOUND: LazyLock<bool> =
        LazyLock::new(|| !rustls_native_certs::load_native_certs().certs.is_empty());
    *FOUND
}

/// Mozilla's certificate authorities, as of this build; for systems that have none.
fn bundled_authorities() -> impl Iterator<Item = reqwest::Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|authority| reqwest::Certificate::from_der(authority).ok())
}

/// Reads certificate authorities from a PEM file.
pub(super) fn authorities(file: &Path) -> Result<Vec<reqwest::Certificate>, ClientError> {
    let refuse = |why: String| ClientError::CaFile { file: file.display().to_string(), why };
    let pem = std::fs::read(file).map_err(|problem| refuse(problem.to_string()))?;
    let found =
        reqwest::Certificate::from_pem_bundle(&pem).map_err(|_error| refuse("it is not PEM".to_owned()))?;
    if found.is_empty() { Err(refuse("there is none in it".to_owned())) } else { Ok(found) }
}
