//! Signatures of [Standard Webhooks 1.0.0](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
//!
//! What is signed is `{webhook-id}.{webhook-timestamp}.{body}`, byte for byte as it is sent, with
//! HMAC-SHA256. The header holds one `v1,…` per key, newest first, so that a receiver that knows
//! only the old or only the new secret accepts the message during rotation.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};
use ring::hmac;

/// What a secret begins with when it is written down.
pub const SECRET_PREFIX: &str = "whsec_";

/// The fewest random bytes a secret may hold (Standard Webhooks, "Signature scheme").
pub const SECRET_MIN_BYTES: usize = 24;

/// The most random bytes a secret may hold (Standard Webhooks, "Signature scheme").
pub const SECRET_MAX_BYTES: usize = 64;

/// The most keys one webhook signs with at a time: a rotation needs two, and each adds 47 bytes to
/// a header that receivers bound at a few kilobytes.
pub const MAX_KEYS: usize = 10;

/// Secrets are pasted by people: with and without `=` at the end are the same secret.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key that signs messages; its bytes cannot be read back.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Why a text is not a signing secret. Never holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It begins with something else.
    #[error(
        "a signing secret begins with `{SECRET_PREFIX}`; make one with: echo whsec_$(openssl rand -base64 32)"
    )]
    Prefix,
    /// It is one half of an ed25519 pair.
    #[error(
        "this is an ed25519 key (`whsk_`, `whpk_`); wirewatch signs with a shared secret, `{SECRET_PREFIX}…`"
    )]
    Asymmetric,
    /// What follows the prefix is not base64.
    #[error("what follows `{SECRET_PREFIX}` is not base64 (A-Z a-z 0-9 + / and = at the end)")]
    Base64,
    /// It is too short to be safe, or too long for the standard.
    #[error("the secret holds {0} bytes; it must hold {SECRET_MIN_BYTES} to {SECRET_MAX_BYTES}")]
    Length(usize),
}

impl SigningKey {
    /// Reads a secret as it is written down, `whsec_` and base64; space around it does not count.
    ///
    /// # Errors
    /// When the prefix is another, the rest is not base64, or it holds fewer than
    /// [`SECRET_MIN_BYTES`] or more than [`SECRET_MAX_BYTES`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with("whsk_") || text.starts_with("whpk_") {
            return Err(KeyError::Asymmetric);
        }
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(KeyError::Prefix)?;
        // The decoder's error would quote a character of the secret.
        let Ok(bytes) = LENIENT.decode(encoded) else { return Err(KeyError::Base64) };
        if !(SECRET_MIN_BYTES..=SECRET_MAX_BYTES).contains(&bytes.len()) {
            return Err(KeyError::Length(bytes.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
}

/// The value of `webhook-signature`: one `v1,…` per key, in the order of the keys, separated by spaces.
///
/// `timestamp_secs` is the time of the attempt in seconds since the epoch, as it stands in
/// `webhook-timestamp`; receivers refuse what is more than five minutes off.
pub fn sign(keys: &[SigningKey], id: &str, timestamp_secs: i64, body: &[u8]) -> String {
    let timestamp = timestamp_secs.to_string();
    let signatures: Vec<String> = keys
        .iter()
        .take(MAX_KEYS)
        .map(|key| {
            let mut context = hmac::Context::with_key(&key.0);
            for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                context.update(part);
            }
            format!("v1,{}", STANDARD.encode(context.sign()))
        })
        .collect();
    signatures.join(" ")
}

/// The headers of one attempt: `webhook-id`, `webhook-timestamp` and, where there is a key, `webhook-signature`.
pub fn headers(
    keys: &[SigningKey],
    id: &str,
    timestamp_secs: i64,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let mut headers = vec![("webhook-id", id.to_owned()), ("webhook-timestamp", timestamp_secs.to_string())];
    if !keys.is_empty() {
        headers.push(("webhook-signature", sign(keys, id, timestamp_secs, body)));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example secret of the specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_secret_is_refused_with_the_reason() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for (text, error) in [
            ("", KeyError::Prefix),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", KeyError::Prefix),
            ("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", KeyError::Asymmetric),
            ("whsec_not base64 at all!", KeyError::Base64),
            ("whsec_", KeyError::Length(0)),
            (&of(23), KeyError::Length(23)),
            (&of(65), KeyError::Length(65)),
        ] {
            assert_eq!(SigningKey::parse(text).err(), Some(error), "{text}");
        }
        for bytes in [24, 25, 26, 64] {
            assert!(SigningKey::parse(&of(bytes)).is_ok(), "{bytes}");
            assert!(SigningKey::parse(of(bytes).trim_end_matches('=')).is_ok(), "{bytes}");
        }
        assert!(SigningKey::parse(&format!(" {SECRET}\n")).is_ok());
    }

    #[test]
    fn a_key_does_not_print() {
        let key = SigningKey::parse(SECRET).expect("a secret");
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }
}
