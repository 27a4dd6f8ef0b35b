//! Credentials: in the file, in a variable, in a file of their own.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;

use super::fields::Fields;
use super::{Resolver, relative_to};
use crate::config::check::secret_url;
use crate::config::load::bounded;
use crate::config::report::{Level, Problem};
use crate::config::secret::SecretUrl;
use crate::config::source::Place;

/// Bytes of a file that holds one credential.
const MAX_SECRET_FILE: u64 = 64 << 10;

/// Bytes a signing key may have (Standard Webhooks: 24 to 64).
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// With and without padding: both are in use.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A credential as it was found, and where it was named.
pub(super) struct Found {
    text: String,
    place: Place,
}

impl Found {
    pub(super) fn into_secret(self) -> SecretString {
        SecretString::from(self.text)
    }
}

impl Resolver<'_> {
    /// The credentials given as `NAME`, `NAME_env` or `NAME_file`, in order.
    pub(super) fn credentials(&mut self, fields: &Fields<'_>, name: &str) -> Vec<Found> {
        let forms = [name.to_owned(), format!("{name}_env"), format!("{name}_file")];
        let given: Vec<&str> =
            forms.iter().map(String::as_str).filter(|form| fields.is_given(form)).collect();
        if let [first, .., last] = given.as_slice() {
            self.error(
                "contradiction",
                fields.place(last),
                format!("`{last}` is given besides `{first}`"),
                format!("give one of {}", forms.join(", ")),
            );
            return Vec::new();
        }
        if let [form] = given.as_slice()
            && one_or_many(fields, form).is_empty()
        {
            let message = format!("`{form}` is an empty list: nothing would be signed");
            self.error("bad-secret", fields.place(form), message, "name one, or remove the line");
        }
        let mut found = Vec::new();
        for (text, place) in one_or_many(fields, &forms[0]) {
            found.push(Found { text, place });
        }
        for (variable, place) in one_or_many(fields, &forms[1]) {
            match self.request.variables.get(&variable).map(|value| value.to_str()) {
                Some(Some(text)) => found.push(Found { text: text.trim().to_owned(), place }),
                Some(None) => {
                    self.report.push(Problem::error("not-utf8", place, format!("${variable} is not UTF-8")));
                }
                None => self.unreachable(
                    place,
                    format!("the environment variable {variable} is not set"),
                    format!("set it for wirewatch, or use {name}_file"),
                ),
            }
        }
        for (path, place) in one_or_many(fields, &forms[2]) {
            self.read_credential(&path, place, &mut found);
        }
        for credential in &found {
            self.hash.update(&(credential.text.len() as u64).to_be_bytes());
            self.hash.update(credential.text.as_bytes());
        }
        found
    }

    /// The one credential given as `NAME`, `NAME_env` or `NAME_file`.
    pub(super) fn credential(&mut self, fields: &Fields<'_>, name: &str) -> Option<Found> {
        self.credentials(fields, name).into_iter().next()
    }

    /// A credential that is sent in a header.
    pub(super) fn header_credential(&mut self, fields: &Fields<'_>, name: &str) -> Option<SecretString> {
        let found = self.credential(fields, name)?;
        if found.text.chars().any(char::is_control) {
            let message = format!("`{name}` holds a line break or another control character");
            self.report.push(Problem::error("bad-secret", found.place, message));
            return None;
        }
        Some(found.into_secret())
    }

    /// An address that is a credential.
    pub(super) fn secret_url(&mut self, fields: &Fields<'_>, name: &str, proxy: bool) -> Option<SecretUrl> {
        let found = self.credential(fields, name)?;
        match secret_url(&found.text, proxy) {
            Ok(url) => Some(url),
            Err(why) => {
                let message = format!("the address in `{name}` is {why}");
                let example = if proxy { "http://proxy.example:3128" } else { "https://host/path" };
                self.error("bad-url", found.place, message, format!("write it whole, like {example}"));
                None
            }
        }
    }

    /// Signing secrets, checked: `whsec_` and 24 to 64 bytes in base64.
    pub(super) fn signing_secrets(&mut self, fields: &Fields<'_>) -> Vec<SecretString> {
        let mut secrets = Vec::new();
        for found in self.credentials(fields, "secret") {
            match signing_fault(&found.text) {
                None => secrets.push(found.into_secret()),
                Some(why) => self.error(
                    "bad-secret",
                    found.place,
                    format!("this is no signing secret: {why}"),
                    "make one: printf 'whsec_%s\\n' \"$(head -c 32 /dev/urandom | base64)\"",
                ),
            }
        }
        secrets
    }

    fn read_credential(&mut self, named: &str, place: Place, found: &mut Vec<Found>) {
        let path = self.secret_path(named, &place);
        let fault = match bounded(&path, MAX_SECRET_FILE) {
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                let help = "let the user wirewatch runs as read it; relative names are looked up in \
                            $CREDENTIALS_DIRECTORY, then beside the file that names them";
                self.unreachable(place, message, help);
                return;
            }
            Ok(bytes) if bytes.len() as u64 > MAX_SECRET_FILE => "is too large for a credential",
            Ok(bytes) => match String::from_utf8(bytes) {
                Err(_) => "is not UTF-8",
                Ok(text) if text.trim().is_empty() => "is empty",
                Ok(text) => {
                    found.push(Found { text: text.trim().to_owned(), place });
                    return;
                }
            },
        };
        let message = format!("{} {fault}", path.display());
        self.error("bad-secret", place, message, "put the credential alone on one line into it");
    }

    /// Relative names are looked up among the service manager's credentials first.
    fn secret_path(&self, named: &str, place: &Place) -> PathBuf {
        let credentials = self.request.variables.get("CREDENTIALS_DIRECTORY");
        let credential = credentials.map(|directory| PathBuf::from(directory).join(named));
        credential.filter(|path| path.exists()).unwrap_or_else(|| relative_to(place, named))
    }

    /// Reports a credential that may be there for the daemon, but is not for us.
    pub(super) fn unreachable(&mut self, place: Place, message: String, help: impl Into<String>) {
        let code = "unreachable-credential";
        self.report.push(match self.out_of_reach() {
            Level::Error => Problem::error(code, place, message).help(help),
            Level::Warning => Problem::warning(code, place, message).help(help),
        });
    }
}

fn one_or_many(fields: &Fields<'_>, key: &str) -> Vec<(String, Place)> {
    match fields.text(key) {
        Some(text) => vec![(text.to_owned(), fields.place(key))],
        None => fields.list(key).into_iter().map(|(text, place)| (text.to_owned(), place)).collect(),
    }
}

fn signing_fault(text: &str) -> Option<&'static str> {
    let Some(key) = text.trim().strip_prefix("whsec_") else { return Some("it does not begin with whsec_") };
    match BASE64.decode(key) {
        Err(_) => Some("what follows whsec_ is not base64"),
        Ok(key) if !KEY_BYTES.contains(&key.len()) => Some("the key has not 24 to 64 bytes"),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_secret_is_standard() {
        let key = |bytes: usize| format!("whsec_{}", BASE64.encode(vec![7; bytes]));
        assert_eq!(signing_fault(&key(24)), None);
        assert_eq!(signing_fault(key(32).trim_end_matches('=')), None);
        for bad in ["", "secret", "whsec_", "whsec_!!", &key(23), &key(65)] {
            assert!(signing_fault(bad).is_some(), "{bad}");
        }
    }
}
