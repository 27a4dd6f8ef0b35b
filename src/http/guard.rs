//! Which addresses may be connected to.
//!
//! Feeds and redirects are written by strangers: without a guard they could make wirewatch visit the
//! machine it runs on, its network, or a cloud's metadata service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// An address that is not to be visited; the text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} is {kind}, which wirewatch does not visit; if it is meant, add it to fetch.allow_networks: [\"{address}/{prefix}\"]"
)]
pub struct Forbidden {
    address: IpAddr,
    kind: &'static str,
    prefix: u8,
}

/// The guard: refuses what is not a public address, unless a network was allowed.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allowed: Arc<[IpNet]>,
    /// A name that may lead anywhere: the user's own choice.
    trusted: Option<Arc<str>>,
}

impl Guard {
    /// A guard with these exceptions.
    pub fn new(allowed: &[IpNet]) -> Self {
        Self { allowed: allowed.into(), trusted: None }
    }

    /// The same guard for a client whose only connections are to this name, as those to a proxy are.
    #[must_use]
    pub fn trusting(self, name: &str) -> Self {
        Self { trusted: Some(name.into()), ..self }
    }

    /// Checks an address.
    ///
    /// # Errors
    /// [`Forbidden`] when it is not public and in no allowed network.
    pub fn check(&self, address: IpAddr) -> Result<(), Forbidden> {
        let Some(kind) = forbidden_kind(address) else { return Ok(()) };
        // An exception counts for the address as written and for an IPv4 address inside it.
        let inner = embedded(address);
        let allows = |address: &IpAddr| self.allowed.iter().any(|network| network.contains(address));
        if allows(&address) || inner.is_some_and(|inner| allows(&IpAddr::V4(inner))) {
            return Ok(());
        }
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        Err(Forbidden { address, kind, prefix })
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut refused = None;
            let mut allowed: Vec<SocketAddr> = Vec::new();
            let trusted = guard.trusted.as_deref().is_some_and(|trusted| trusted == name.as_str());
            for address in found {
                match guard.check(address.ip()) {
                    _ if trusted => allowed.push(address),
                    Ok(()) => allowed.push(address),
                    Err(forbidden) => refused = Some(forbidden),
                }
            }
            match refused {
                Some(forbidden) if allowed.is_empty() => Err(forbidden.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// What kind of address that is not public this is; `None` for a public one.
pub fn forbidden_kind(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => forbidden_v4(address),
        IpAddr::V6(address) => {
            forbidden_v6(address).or_else(|| embedded(IpAddr::V6(address)).and_then(forbidden_v4))
        }
    }
}

/// The special-purpose registry of RFC 6890 and its successors.
const fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("\"this network\""),
        [127, ..] => Some("this machine itself"),
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => Some("a private address"),
        [169, 254, ..] => Some("a link-local address"),
        [100, 64..=127, ..] => Some("a carrier's shared address"),
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Some("an address for documentation or protocols")
        }
        [198, 18 | 19, ..] => Some("an address for benchmarks"),
        [192, 88, 99, _] => Some("a 6to4 relay"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved address"),
        _ => None,
    }
}

const fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("no address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("this machine itself"),
        [0xfc00..=0xfdff, ..] => Some("a private address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("an address for documentation"),
        [0x2001, 0x0002, 0, ..] => Some("an address for benchmarks"),
        [0x0100, 0, 0, 0, ..] => Some("a discard address"),
        [0x2001, 0x0010..=0x002f, ..] => Some("a name that looks like an address (ORCHID)"),
        [0x5f00, ..] => Some("an address inside a network (SRv6)"),
        _ => None,
    }
}

/// The IPv4 address inside an IPv6 one: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP.
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // `::1` and `::` are themselves, not compatible addresses.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => Some(join(high, low)),
        [0x2001, 0, .., high, low] => Some(join(!high, !low)),
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0 | 1, .., high, low]
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        let forbidden = [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1:2:3:4:80ff:fffe",
            "::ffff:0:10.0.0.1",
            "::ffff:0.0.0.0",
            "64:ff9b:1::10.0.0.1",
            "2a00:1450::5efe:192.168.0.1",
            "2a00:1450::200:5efe:127.0.0.1",
            "2001:20::1",
        ];
        for address in forbidden {
            assert!(Guard::default().check(address.parse().unwrap()).is_err(), "{address}");
        }
        for address in ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            assert!(Guard::default().check(address.parse().unwrap()).is_ok(), "{address}");
        }
    }

    #[test]
    fn an_exception_is_no_wider_than_it_says() {
        let guard = Guard::new(&["127.0.0.1/32".parse().unwrap()]);
        assert!(guard.check("127.0.0.1".parse().unwrap()).is_ok());
        assert!(guard.check("::ffff:127.0.0.1".parse().unwrap()).is_ok());
        for address in ["127.0.0.2", "0.0.0.0", "::1", "10.0.0.1"] {
            assert!(guard.check(address.parse().unwrap()).is_err(), "{address}");
        }
        let message = guard.check("10.0.0.1".parse().unwrap()).unwrap_err().to_string();
        assert!(message.contains("fetch.allow_networks: [\"10.0.0.1/32\"]"), "{message}");
    }
}
