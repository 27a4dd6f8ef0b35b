//! Addresses: resolved for reading, normalised for recognising.

use std::net::Ipv4Addr;

use url::Url;

use super::limits;

/// Reads `href` against `base`; `None` unless that gives an http or https address with a host, no longer
/// than [`limits::LINK_BYTES`]: a short one against a long base is a long one.
pub(super) fn resolve(href: &str, base: Option<&Url>) -> Option<String> {
    let href = href.trim();
    if href.len() <= limits::LINK_BYTES && Plain::read(href).is_some() {
        return Some(href.to_owned());
    }
    resolve_url(href, base).map(String::from)
}

/// A web address that is written as the parser would write it, as nearly all are: then it need not be parsed.
#[derive(Debug, PartialEq, Eq)]
struct Plain<'a> {
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
    query: &'a str,
}

impl<'a> Plain<'a> {
    /// `None` where the parser might change anything, or says no.
    fn read(address: &'a str) -> Option<Self> {
        let (rest, default_port) = match address.strip_prefix("https://") {
            Some(rest) => (rest, "443"),
            None => (address.strip_prefix("http://")?, "80"),
        };
        let (authority, _) = rest.split_once('/')?;
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let port_is_plain = |port: &str| {
            let number = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
            number && (port == "0" || !port.starts_with('0')) && port != default_port
        };
        if !is_plain_host(host) || !port.is_none_or(port_is_plain) {
            return None;
        }
        let (path, query) = rest[authority.len()..].split_once('?').unwrap_or((&rest[authority.len()..], ""));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/".contains(&byte);
        // Segments of dots lead upwards.
        let plain = path.bytes().all(is_plain) && !path.contains("/.");
        (plain && query.bytes().all(|byte| is_plain(byte) || byte == b'?')).then_some(Self {
            host,
            port,
            path,
            query,
        })
    }
}

/// Whether a host is a name in small letters of ASCII, or an IPv4 address as such are written.
fn is_plain_host(host: &str) -> bool {
    let name = |label: &str| {
        let letters =
            label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        // `--` stands in names that are encoded.
        letters
            && !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !label.contains("--")
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|first: char| first.is_ascii_lowercase()) {
        return host.len() <= HOST_BYTES && host.split('.').all(name);
    }
    host.parse::<Ipv4Addr>().is_ok()
}

/// The longest host name there is.
const HOST_BYTES: usize = 253;

/// As [`resolve`], as an address.
pub(super) fn resolve_url(href: &str, base: Option<&Url>) -> Option<Url> {
    let href = href.trim();
    if href.is_empty() || href.len() > limits::LINK_BYTES {
        return None;
    }
    let url = match base {
        Some(base) => base.join(href),
        None => Url::parse(href),
    };
    url.ok().filter(is_usable)
}

/// Whether an address may be kept, as a link or as what links are relative to.
pub(super) fn is_usable(url: &Url) -> bool {
    is_web(url) && url.as_str().len() <= limits::LINK_BYTES
}

/// Whether a browser would go there.
pub(super) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty())
}

/// Parameters that say how a reader came, not what is read; those that end in `*` are prefixes.
const TRACKING: &[&str] = &[
    "utm_*",
    "at_*",
    "ns_*",
    "mtm_*",
    "pk_*",
    "piwik_*",
    "matomo_*",
    "hsa_*",
    "_hs*",
    "vero_*",
    "oly_*",
    "wt_mc*",
    "fbclid",
    "gclid",
    "gclsrc",
    "gbraid",
    "wbraid",
    "dclid",
    "msclkid",
    "yclid",
    "ysclid",
    "twclid",
    "ttclid",
    "igshid",
    "igsh",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "mkwid",
    "_ga",
    "_gl",
    "ncid",
    "cmpid",
    "cmp",
    "cid_source",
    "icid",
    "xtor",
    "rss",
    "ftag",
    "taid",
    "smid",
    "smtyp",
    "partner",
    "feedtype",
    "feedname",
    "traffic_source",
    "guccounter",
    "guce_referrer",
    "guce_referrer_sig",
    "srnd",
    "leadsource",
    "sref",
    "sh",
    "ref_src",
    "ref_url",
    "s_cid",
    "sc_cid",
    "echobox",
    "__twitter_impression",
    "spm",
    "wprov",
    "maca",
];

/// Fragments that name no other text than the page itself.
const NOISE: &[&str] =
    &["comments", "respond", "top", "more", "content", "main", "disqus_thread", "comment-form"];

/// Brings an address into the form by which articles are recognised.
///
/// `http` counts as `https`; host in lower case without `www.` and default port; no credentials, no tracking
/// parameters (the others sorted), no slash at the end, percent-encoding only where needed. A fragment goes
/// only where it is known to say nothing (`#comments`, `#xtor=…`): pages that list many articles under
/// `#names` exist, and taking two articles for one would lose one. What is no web address is only trimmed.
pub fn canonical_link(url: &str) -> String {
    if let Some(Plain { host, port, path, query }) = Plain::read(url.trim()) {
        return canonical(host, port, path, query);
    }
    let Ok(url) = Url::parse(url.trim()) else { return url.trim().to_owned() };
    if !is_web(&url) {
        return url.into();
    }
    let port = url.port().map(|port| port.to_string());
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let mut out = canonical(host, port.as_deref(), url.path(), url.query().unwrap_or_default());
    if let Some(fragment) = url.fragment().filter(|fragment| !is_noise(fragment)) {
        out.push('#');
        push_unreserved(&mut out, fragment);
    }
    out
}

/// All but the fragment.
fn canonical(host: &str, port: Option<&str>, path: &str, query: &str) -> String {
    let host = host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host);
    let mut out = String::with_capacity("https://:65535?".len() + host.len() + path.len() + query.len());
    out.push_str("https://");
    out.push_str(host);
    if let Some(port) = port {
        out.push(':');
        out.push_str(port);
    }
    push_unreserved(&mut out, path.trim_end_matches('/'));
    push_query(&mut out, query);
    out
}

/// Whether a canonical link names an article and not merely a site.
pub(super) fn names_an_article(canonical: &str) -> bool {
    canonical.strip_prefix("https://").is_some_and(|rest| rest.contains(['/', '?', '#']))
}

fn push_query(out: &mut String, query: &str) {
    let mut kept: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !is_tracking(pair)).collect();
    kept.sort_unstable();
    for (place, pair) in kept.into_iter().enumerate() {
        out.push(if place == 0 { '?' } else { '&' });
        push_unreserved(out, pair);
    }
}

fn is_tracking(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or(pair).to_ascii_lowercase();
    TRACKING.iter().any(|known| match known.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *known,
    })
}

fn is_noise(fragment: &str) -> bool {
    fragment.is_empty()
        || NOISE.iter().any(|noise| noise.eq_ignore_ascii_case(fragment))
        || fragment.contains('=') && fragment.split('&').all(is_tracking)
}

/// Appends `text` with its percent-encoding normalised (RFC 3986 §6.2.2): unreserved characters decoded,
/// hexadecimal digits in upper case.
fn push_unreserved(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(code) = code else {
            out.push('%');
            rest = &rest[1..];
            continue;
        };
        if code.is_ascii_alphanumeric() || b"-._~".contains(&code) {
            out.push(char::from(code));
        } else {
            out.push('%');
            out.push_str(&rest[1..3].to_ascii_uppercase());
        }
        rest = &rest[3..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(canonical_link(url), expected, "from {url}");
        assert_eq!(canonical_link(expected), expected, "canonical links stay");
    }

    #[test]
    fn what_does_not_name_the_article_goes() {
        check("HTTP://WWW.Example.com:80/a/?utm_source=rss&UTM_medium=x&fbclid=1", "https://example.com/a");
        check("https://example.com/a?b=2&a=1#comments", "https://example.com/a?a=1&b=2");
        check(
            "https://user:pw@example.com./%7Eme/%c3%a4",
            "https://example.com/~me/%C3%84".to_lowercase().replace("%c3%84", "%C3%A4").as_str(),
        );
        check("https://example.com/a#xtor=RSS-1", "https://example.com/a");
        check("http://example.com:8080//", "https://example.com:8080");
    }

    #[test]
    fn what_may_name_the_article_stays() {
        check("https://example.com/log#v1.2", "https://example.com/log#v1.2");
        check("https://example.com/?p=1", "https://example.com?p=1");
        check("https://www.com/a", "https://www.com/a");
        check(" urn:x ", "urn:x");
        check("not a link", "not a link");
    }

    proptest::proptest! {
        /// Pieces that addresses are made of, and those that a parser stumbles over.
        #[test]
        fn what_is_not_parsed_would_be_the_same_parsed(
            pieces in proptest::collection::vec(proptest::sample::select(&[
                "http://", "https://", "www.", "example", ".com", "a", "1", "0", "255", "127.0.0.1", "0x7f", "xn--", "-", ".", "..",
                ":", "80", "443", "8080", "/", "//", "?", "&", "=", "#", "%2e", "%41", "é", "A", "_", "~", "'", "|", "^", "+", "@",
                "utm_source=x", "b=2", " ", "\\", "\t", ";", ",", "localhost", "[::1]",
            ][..]), 0..9),
            scheme in proptest::sample::select(&["http://", "https://", ""][..]),
        ) {
            let address = scheme.to_owned() + &pieces.concat();
            if let Some(plain) = Plain::read(&address) {
                let parsed = Url::parse(&address).expect("what is plain can be parsed");
                assert_eq!(parsed.as_str(), address);
                assert_eq!(parsed.host_str(), Some(plain.host));
                assert_eq!(parsed.port().map(|port| port.to_string()).as_deref(), plain.port);
                assert_eq!(parsed.path(), plain.path);
                assert_eq!(parsed.query().unwrap_or_default(), plain.query);
                assert_eq!(parsed.fragment(), None);
            }
        }
    }

    #[test]
    fn most_addresses_are_plain() {
        for address in [
            "https://www.example.com/2026/11/a-title_of.html?id=1&page=2",
            "http://127.0.0.7:8080/item/1/2",
            "https://news.example/",
        ] {
            assert!(Plain::read(address).is_some(), "{address}");
        }
    }

    #[test]
    fn only_web_addresses_are_links() {
        let base = Url::parse("https://example.com/feeds/all.xml").ok();
        assert_eq!(resolve("../a b", base.as_ref()).as_deref(), Some("https://example.com/a%20b"));
        assert_eq!(resolve("//other.example/x", base.as_ref()).as_deref(), Some("https://other.example/x"));
        for bad in ["javascript:alert(1)", "mailto:a@b.c", "data:text/html,x", "", "file:///etc/passwd"] {
            assert_eq!(resolve(bad, base.as_ref()), None, "{bad}");
        }
        assert_eq!(resolve("/a", None), None);
    }
}
