//! One value: whether it is what its key takes, and its canonical form.
//!
//! Canonical means that durations become milliseconds and sizes bytes, so that what is merged has
//! one form wherever it came from.

use std::net::SocketAddr;
use std::ops::Range;

use config::{Map, Value, ValueKind};
use ipnet::IpNet;
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::calendar::{DIGEST_HELP, QUIET_HELP, ZONE_HELP, parse_schedule, parse_window, parse_zone};
use super::keys::{Bounds, Kind};
use super::report::{nearest, quote};
use super::secret::SecretUrl;
use super::units::{
    DURATION_HELP, RATE_HELP, SIZE_HELP, parse_duration, parse_rate, parse_size, show_duration, show_size,
};

/// Bytes of one line of text, ids and addresses among them.
const MAX_TEXT: usize = 4096;

/// Bytes of a text that may have several lines.
const MAX_LONG_TEXT: usize = 1 << 20;

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) code: &'static str,
    /// The part of the value it is about, in bytes of the file.
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Gives a value its origin.
pub(super) type Origin<'a> = &'a dyn Fn(Range<usize>) -> String;

/// Checks values of one source.
pub(super) struct Checker<'a> {
    pub(super) origin: Origin<'a>,
    pub(super) wrong: Vec<Wrong>,
}

impl Checker<'_> {
    /// Checks the value of key `name`; a wrong one becomes `Nil`, which later steps pass over.
    pub(super) fn check(&mut self, name: &str, kind: Kind, value: &Spanned<DeValue<'_>>) -> Value {
        let read = match (kind, value.get_ref().as_array()) {
            (Kind::Headers, _) => self.headers(name, value),
            (Kind::List(item) | Kind::OneOrMany(item), Some(list)) => {
                let items = list.iter().map(|each| self.single(name, *item, each, true)).collect();
                Some(ValueKind::Array(items))
            }
            (Kind::OneOrMany(item), None) => {
                Some(ValueKind::Array(vec![self.single(name, *item, value, false)]))
            }
            _ => return self.single(name, kind, value, false),
        };
        Value::new(Some(&(self.origin)(value.span())), read.unwrap_or(ValueKind::Nil))
    }

    fn single(&mut self, name: &str, kind: Kind, value: &Spanned<DeValue<'_>>, in_list: bool) -> Value {
        let converted = match convert(kind, value.get_ref()) {
            Ok(kind) => kind,
            Err(fault) => {
                let (code, message, help) = fault.explain(name, kind, value.get_ref(), in_list);
                self.wrong.push(Wrong { code, span: value.span(), message, help });
                ValueKind::Nil
            }
        };
        Value::new(Some(&(self.origin)(value.span())), converted)
    }

    fn headers(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<ValueKind> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong.push(Wrong {
                code: "wrong-type",
                span: value.span(),
                message: format!("`{name}` takes a table of headers, not {}", article(value.get_ref())),
                help: Some(r#"write headers = { "X-Name" = "value" }"#.into()),
            });
            return None;
        };
        Some(ValueKind::Table(self.header_lines(table)))
    }

    fn header_lines(&mut self, table: &DeTable<'_>) -> Map<String, Value> {
        let mut lines = Map::new();
        for (name, value) in table {
            let known = name.get_ref().to_ascii_lowercase();
            let fault = if http::HeaderName::from_bytes(name.get_ref().as_bytes()).is_err() {
                Some((name.span(), format!("{} is not the name of a header", quote(name.get_ref()))))
            } else if OWN_HEADERS.contains(&known.as_str()) {
                Some((name.span(), format!("wirewatch sets the header {} itself", quote(name.get_ref()))))
            } else {
                match value.get_ref().as_str().map(http::HeaderValue::from_str) {
                    Some(Ok(_)) => None,
                    Some(Err(_)) => Some((
                        value.span(),
                        "a header's value has no line breaks or control characters".into(),
                    )),
                    None => Some((
                        value.span(),
                        format!("a header's value is a text, not {}", article(value.get_ref())),
                    )),
                }
            };
            if let Some((span, message)) = fault {
                self.wrong.push(Wrong { code: "bad-header", span, message, help: None });
                continue;
            }
            let text = value.get_ref().as_str().unwrap_or_default().to_owned();
            let origin = (self.origin)(value.span());
            lines.insert(name.get_ref().to_string(), Value::new(Some(&origin), text));
        }
        lines
    }
}

/// Headers that follow from the connection, the document or the address.
const OWN_HEADERS: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "accept-encoding",
    "if-none-match",
    "if-modified-since",
];

/// What is wrong with a value, before it is put into words.
enum Fault {
    /// Another type.
    Type,
    /// The right type, but not one of the values allowed; in plain words, and the remedy.
    Value(String, Option<String>),
    /// None of the words allowed.
    Word(&'static [&'static str]),
    /// A credential that is wrong; the words never repeat it.
    Secret(&'static str),
}

impl Fault {
    fn explain(
        self,
        name: &str,
        kind: Kind,
        value: &DeValue<'_>,
        in_list: bool,
    ) -> (&'static str, String, Option<String>) {
        match self {
            Self::Type => {
                let message = if in_list {
                    format!("`{name}` holds {}, not {}", plural(kind), article(value))
                } else {
                    format!("`{name}` takes {}, not {}", wanted(kind), article(value))
                };
                ("wrong-type", message, remedy(kind, value))
            }
            Self::Value(message, help) => ("wrong-value", message, help),
            Self::Word(words) => {
                let written = value.as_str().unwrap_or_default();
                let help = match nearest(written, words.iter().copied()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("write one of {}", words.join(", ")),
                };
                ("wrong-value", format!("`{name}` cannot be {}", quote(written)), Some(help))
            }
            Self::Secret(message) => ("wrong-value", format!("`{name}` is {message}"), None),
        }
    }
}

/// Converts a single value; lists come here item by item.
fn convert(kind: Kind, value: &DeValue<'_>) -> Result<ValueKind, Fault> {
    let written = || value.as_str().ok_or(Fault::Type);
    match kind {
        Kind::Integer { min, max } => integer(value, min, max),
        Kind::Number { min, max } => number(value, min, max),
        Kind::Size { min, max } => size(value, min, max),
        Kind::TextOrNumber if value.is_integer() => Ok(whole(value).ok_or(Fault::Type)?.to_string().into()),
        Kind::Duration(bounds) => duration(written()?, bounds),
        Kind::Rate => rate(written()?),
        Kind::QuietHours => calendar(written()?, "are no quiet hours", QUIET_HELP, |text| {
            parse_window(text, &TimeZone::UTC).map(drop)
        }),
        Kind::Digest => calendar(written()?, "says not when", DIGEST_HELP, |text| {
            parse_schedule(text, &TimeZone::UTC).map(drop)
        }),
        Kind::TimeZone => {
            calendar(written()?, "cannot be used", ZONE_HELP, |text| parse_zone(text).map(drop))
        }
        Kind::Word(words) if words.contains(&written()?) => Ok(written()?.into()),
        Kind::Word(words) => Err(Fault::Word(words)),
        Kind::LongText | Kind::Id(_) => text(written()?, MAX_LONG_TEXT, true),
        Kind::VariableName => variable_name(written()?),
        Kind::Secret => secret(written()?),
        Kind::SecretUrl => Ok(written()?.trim().into()),
        Kind::Url => url(written()?),
        Kind::Listen => listen(written()?),
        Kind::Language => language(written()?),
        Kind::Network => network(written()?),
        Kind::CredentialPath => credential_path(written()?),
        Kind::Text | Kind::TextOrNumber | Kind::Path => text(written()?, MAX_TEXT, false),
        // Read item by item, key by key.
        Kind::List(_) | Kind::OneOrMany(_) | Kind::Headers | Kind::Tables(_) => Err(Fault::Type),
    }
}

fn fault(message: impl Into<String>) -> Fault {
    Fault::Value(message.into(), None)
}

fn text(written: &str, limit: usize, lines: bool) -> Result<ValueKind, Fault> {
    if written.trim().is_empty() {
        Err(fault("the text is empty"))
    } else if written.len() > limit {
        Err(fault(format!("the text is longer than {limit} bytes")))
    } else if !lines && written.chars().any(char::is_control) {
        Err(fault("the text holds a line break or another control character"))
    } else {
        Ok(written.into())
    }
}

/// What stands where a credential's whereabouts belong may be the credential itself: never repeated.
fn variable_name(written: &str) -> Result<ValueKind, Fault> {
    let plain = written.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain && !written.is_empty() && !written.as_bytes()[0].is_ascii_digit() {
        Ok(written.into())
    } else {
        Err(Fault::Secret("not the name of an environment variable (A-Z, 0-9 and _)"))
    }
}

fn credential_path(written: &str) -> Result<ValueKind, Fault> {
    if written.starts_with("whsec_") || written.contains("://") {
        return Err(Fault::Secret("not the name of a file: it looks like the credential itself"));
    }
    text(written, MAX_TEXT, false)
}

fn secret(written: &str) -> Result<ValueKind, Fault> {
    if written.trim().is_empty() {
        Err(Fault::Secret("empty"))
    } else if written.len() > MAX_TEXT {
        Err(Fault::Secret("too long"))
    } else {
        Ok(written.trim().into())
    }
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let written = value.as_integer()?;
    i64::from_str_radix(written.as_str(), written.radix()).ok()
}

fn integer(value: &DeValue<'_>, min: i64, max: i64) -> Result<ValueKind, Fault> {
    if !value.is_integer() {
        return Err(Fault::Type);
    }
    match whole(value) {
        Some(number) if (min..=max).contains(&number) => Ok(number.into()),
        _ => Err(fault(format!("{} is not within {min} to {max}", shown(value)))),
    }
}

fn number(value: &DeValue<'_>, min: f64, max: f64) -> Result<ValueKind, Fault> {
    let number: f64 = match value {
        DeValue::Float(written) => written.as_str().parse().map_err(|_ignored| Fault::Type)?,
        DeValue::Integer(_) => {
            whole(value).and_then(|n| i32::try_from(n).ok()).map_or(f64::INFINITY, f64::from)
        }
        DeValue::String(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => {
            return Err(Fault::Type);
        }
    };
    if (min..=max).contains(&number) {
        Ok(number.into())
    } else {
        Err(fault(format!("{} is not within {min} to {max}", shown(value))))
    }
}

fn size(value: &DeValue<'_>, min: u64, max: u64) -> Result<ValueKind, Fault> {
    let bytes = match value.as_str() {
        Some(written) => parse_size(written).map_err(|why| {
            Fault::Value(format!("{} is no size: {why}", quote(written)), Some(SIZE_HELP.into()))
        })?,
        None => u64::try_from(whole(value).ok_or(Fault::Type)?).unwrap_or(u64::MAX),
    };
    if (min..=max).contains(&bytes) {
        Ok(bytes.into())
    } else {
        let (min, max) = (show_size(min), show_size(max));
        Err(fault(format!("{} is not within {min} to {max}", shown(value))))
    }
}

fn rate(written: &str) -> Result<ValueKind, Fault> {
    match parse_rate(written) {
        Ok(_) => Ok(written.into()),
        Err(why) => {
            Err(Fault::Value(format!("{} is no rate: {why}", quote(written)), Some(RATE_HELP.into())))
        }
    }
}

fn calendar(
    written: &str,
    what: &str,
    help: &str,
    parse: impl Fn(&str) -> Result<(), String>,
) -> Result<ValueKind, Fault> {
    match parse(written) {
        Ok(()) => text(written, MAX_TEXT, false),
        Err(why) => Err(Fault::Value(format!("{} {what}: {why}", quote(written)), Some(help.into()))),
    }
}

fn duration(written: &str, Bounds { min, max }: Bounds) -> Result<ValueKind, Fault> {
    let duration = parse_duration(written).map_err(|why| {
        Fault::Value(format!("{} is no duration: {why}", quote(written)), Some(DURATION_HELP.into()))
    })?;
    if (min..=max).contains(&duration) {
        Ok(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into())
    } else {
        let (min, max) = (show_duration(min), show_duration(max));
        Err(fault(format!("{} is not within {min} to {max}", quote(written))))
    }
}

fn url(written: &str) -> Result<ValueKind, Fault> {
    let bad = |why: &str| {
        let shown = if written.contains('@') { "this address".into() } else { quote(written) };
        Fault::Value(
            format!("{shown} is not an address that can be polled: {why}"),
            Some("write it whole: \"https://host/path\"".into()),
        )
    };
    if written.len() > MAX_TEXT {
        return Err(bad("too long"));
    }
    let url = url::Url::parse(written.trim()).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("neither http nor https"));
    }
    if url.host_str().is_none() {
        return Err(bad("without a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::Value(
            "credentials do not belong into an address".into(),
            Some("give them as basic_user and basic_password_env or basic_password_file".into()),
        ));
    }
    Ok(written.trim().into())
}

fn listen(written: &str) -> Result<ValueKind, Fault> {
    let local = written.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = local.as_deref().unwrap_or(written);
    if address == "off" || address.parse::<SocketAddr>().is_ok() {
        Ok(address.into())
    } else {
        Err(Fault::Value(
            format!("{} is no address to listen on", quote(written)),
            Some("write an IP address and a port, \"127.0.0.1:8040\" or \"[::1]:8040\"; or \"off\"".into()),
        ))
    }
}

fn language(written: &str) -> Result<ValueKind, Fault> {
    let mut parts = written.split('-');
    let primary = parts.next().unwrap_or_default();
    let plain = |part: &str, least: usize, most: usize| {
        (least..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if plain(primary, 2, 3)
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && written.len() <= 35
        && parts.all(|part| plain(part, 1, 8))
    {
        Ok(written.into())
    } else {
        Err(Fault::Value(
            format!("{} is no language tag", quote(written)),
            Some("write a tag such as \"en\", \"ko\", \"uk\" or \"zh-Hans\" (BCP 47)".into()),
        ))
    }
}

fn network(written: &str) -> Result<ValueKind, Fault> {
    let network =
        written.parse::<IpNet>().or_else(|_ignored| written.parse::<std::net::IpAddr>().map(IpNet::from));
    match network {
        Ok(network) => Ok(network.trunc().to_string().into()),
        Err(_) => Err(Fault::Value(
            format!("{} is no network", quote(written)),
            Some(
                "write an address and the length of its prefix: \"192.168.1.0/24\", \"127.0.0.1/32\"".into(),
            ),
        )),
    }
}

/// Checks a webhook's or proxy's address; the error never repeats it.
pub(super) fn secret_url(written: &str, proxy: bool) -> Result<SecretUrl, &'static str> {
    if written.len() > MAX_TEXT {
        return Err("too long for an address");
    }
    if proxy { SecretUrl::parse_proxy(written) } else { SecretUrl::parse(written) }
}

/// What a key takes, in words: `a whole number from 1 to 256`.
pub(crate) fn wanted(kind: Kind) -> String {
    match kind {
        Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Kind::Number { min, max } => format!("a number from {min} to {max}"),
        Kind::Word(words) => format!("one of the words {}", words.join(", ")),
        Kind::List(item) => format!("a list of {}", plural(*item)),
        Kind::OneOrMany(item) => format!("{}, or a list of {}", wanted(*item), plural(*item)),
        Kind::Headers => "a table of headers".into(),
        Kind::Tables(_) => "an array of tables".into(),
        Kind::Listen => "an address to listen on".into(),
        Kind::TextOrNumber => "a text or a whole number".into(),
        Kind::Url | Kind::SecretUrl => "an address".into(),
        Kind::Id(_) => "an id".into(),
        Kind::VariableName => "the name of an environment variable".into(),
        Kind::QuietHours => "quiet hours".into(),
        Kind::Digest => "times of the day".into(),
        Kind::Text
        | Kind::LongText
        | Kind::Path
        | Kind::CredentialPath
        | Kind::Secret
        | Kind::Language
        | Kind::Duration(_)
        | Kind::Rate
        | Kind::TimeZone
        | Kind::Size { .. }
        | Kind::Network => format!("a {}", plural(kind).trim_end_matches('s')),
    }
}

/// The same for many.
const fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Duration(_) => "durations",
        Kind::Rate => "rates",
        Kind::QuietHours => "quiet hours",
        Kind::Digest => "times of the day",
        Kind::TimeZone => "time zones",
        Kind::Size { .. } => "sizes",
        Kind::Network => "networks",
        Kind::Path | Kind::CredentialPath => "paths",
        Kind::VariableName => "names of environment variables",
        Kind::Id(table) => table,
        Kind::Language => "language tags",
        Kind::Url | Kind::SecretUrl => "addresses",
        Kind::Integer { .. } | Kind::Number { .. } => "numbers",
        Kind::Tables(_) | Kind::Headers => "tables",
        Kind::Word(_) => "words",
        Kind::Text
        | Kind::LongText
        | Kind::TextOrNumber
        | Kind::Secret
        | Kind::Listen
        | Kind::List(_)
        | Kind::OneOrMany(_) => "texts",
    }
}

fn remedy(kind: Kind, value: &DeValue<'_>) -> Option<String> {
    if matches!(kind, Kind::Duration(_)) {
        Some(DURATION_HELP.into())
    } else if matches!(kind, Kind::Rate) {
        Some(RATE_HELP.into())
    } else if matches!(kind.single(), Kind::QuietHours) {
        Some(QUIET_HELP.into())
    } else if matches!(kind, Kind::Digest) {
        Some(DIGEST_HELP.into())
    } else if matches!(kind, Kind::TimeZone) {
        Some(ZONE_HELP.into())
    } else if matches!(kind, Kind::Size { .. }) {
        Some(SIZE_HELP.into())
    } else if kind.is_list() && !kind.is_secret() {
        let written = value.as_str()?;
        let short = &written[..written.floor_char_boundary(60)];
        (short.len() == written.len()).then(|| format!("write it as a list: [{short:?}]"))
    } else if kind.is_numeric() && value.is_str() {
        Some("write it without quotes".into())
    } else if value.is_integer() || value.is_bool() {
        Some("write it in quotes".into())
    } else {
        None
    }
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => quote(&number.to_string()),
        DeValue::Float(number) => quote(number.as_str()),
        DeValue::String(written) => quote(written),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            article(value).into()
        }
    }
}
