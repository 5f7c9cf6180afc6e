//! What a certificate can name: DNS names, wildcards, IP addresses and mailboxes.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::mail_address::MailAddress;

/// A DNS name in A-label form: lower case, letters, digits and inner hyphens, no trailing dot, at most 253 octets.
///
/// One label is enough ("intranet"); whether a name is public is asked of [`DnsName::is_public`].
/// U-labels are taken and turned into A-labels (IDNA 2008 by UTS #46, strict rules).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsName(Box<str>);

/// Why a text is no name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("the name is empty")]
    Empty,
    /// More than 253 octets, or a label over 63.
    #[error("the name or one of its labels is too long")]
    TooLong,
    /// Something else than letters, digits and inner hyphens.
    #[error("the name has a character that host names may not have")]
    Character,
    /// An A-label that does not decode, or a U-label that IDNA forbids.
    #[error("the name is not a valid internationalised name")]
    Idna,
    /// An asterisk somewhere else than as the whole left-most label.
    #[error("a wildcard must be the whole left-most label")]
    Wildcard,
    /// An all-numeric last label that is not an IP address.
    #[error("the name looks like an IP address but is none")]
    Numeric,
}

impl DnsName {
    /// The name's text, an A-label form without trailing dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels, left to right.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// The name without its left-most label, if more than one label is there.
    #[must_use]
    pub fn parent(&self) -> Option<DnsName> {
        self.0.split_once('.').map(|(_, rest)| DnsName(rest.into()))
    }

    /// This name with labels put before it; the labels may hold underscores (`_pki-validation`).
    /// The result is a query name and not a `DnsName`, since host names may have no underscore.
    #[must_use]
    pub fn below(&self, labels: &str) -> String {
        format!("{labels}.{}", self.0)
    }

    /// The registrable domain (one label more than the public suffix), if the name has one.
    #[must_use]
    pub fn registrable(&self) -> Option<DnsName> {
        let (suffix, _) = self.suffix();
        let head = self.0.strip_suffix(suffix)?.strip_suffix('.')?;
        let start = head.rfind('.').map_or(0, |dot| dot + 1);
        Some(DnsName(self.0[start..].into()))
    }

    /// True when the name itself is a public suffix (`com`, `co.uk`).
    #[must_use]
    pub fn is_public_suffix(&self) -> bool {
        self.suffix().0 == &*self.0
    }

    /// The public suffix, and whether the list knows it: an unknown last label is one too. By the list's ICANN section
    /// alone (BR 1.6.1, 3.2.2.6): below what its owners listed themselves (`github.io`) names are theirs to give away.
    fn suffix(&self) -> (&str, bool) {
        let mut rest = &*self.0;
        loop {
            let found = psl::suffix(rest.as_bytes());
            let suffix = found.map_or(rest, |s| &rest[rest.len() - s.as_bytes().len()..]);
            match (found.and_then(|s| s.typ()), suffix.split_once('.')) {
                (Some(psl::Type::Private), Some((_, above))) => rest = above,
                (kind, _) => return (suffix, kind.is_some()),
            }
        }
    }

    /// True when the last label is a top-level domain of the Internet, and no special-use one.
    #[must_use]
    pub fn has_internet_tld(&self) -> bool {
        const SPECIAL: [&str; 12] = [
            "local",
            "localhost",
            "test",
            "invalid",
            "example",
            "internal",
            "onion",
            "arpa",
            "alt",
            "lan",
            "home",
            "corp",
        ];
        let last = self.0.rsplit('.').next().unwrap_or_default();
        !SPECIAL.contains(&last) && self.suffix().1
    }

    /// True when the name is at or below a registrable domain under a suffix of the public suffix list, and not under a
    /// special-use domain (RFC 6761, RFC 8375 and `in-addr.arpa`, `ip6.arpa`: BR 4.2.2, SC-086).
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.has_internet_tld() && !self.is_public_suffix()
    }

    /// The authorization domain names by which the name may be proven (BR 1.6.1): itself and each parent down to the
    /// registrable domain, longest first. Only the name itself when it has no registrable domain.
    #[must_use]
    pub fn authorization_names(&self) -> Vec<DnsName> {
        let Some(base) = self.registrable() else {
            return vec![self.clone()];
        };
        let mut out = vec![self.clone()];
        while let Some(next) = out.last().filter(|n| **n != base).and_then(DnsName::parent) {
            out.push(next);
        }
        out
    }

    /// True when this name equals `domain` or ends in `.domain`.
    #[must_use]
    pub fn is_within(&self, domain: &DnsName) -> bool {
        self == domain || self.0.strip_suffix(&*domain.0).is_some_and(|head| head.ends_with('.'))
    }

    /// The authorization domain name of that text, if it is one of [`DnsName::authorization_names`].
    #[must_use]
    pub fn authorization_name(&self, text: &str) -> Option<DnsName> {
        let head = self.0.strip_suffix(text)?;
        if head.is_empty() {
            return Some(self.clone());
        }
        let (suffix, _) = self.suffix();
        let above = head.ends_with('.') && text.len() > suffix.len() && !text.starts_with('.');
        above.then(|| DnsName(text.into()))
    }

    /// `www.` put before the name, or taken from it: the second name of omitAdditionalFQDN=N. None where that is
    /// no name (too long) or the bare name would be a public suffix.
    #[must_use]
    pub fn www_twin(&self) -> Option<DnsName> {
        match self.0.strip_prefix("www.") {
            Some(bare) => {
                let bare = DnsName(bare.into());
                (bare.is_public() && !bare.is_public_suffix()).then_some(bare)
            }
            None => format!("www.{}", self.0).parse().ok(),
        }
    }
}

impl FromStr for DnsName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > 1_024 {
            return Err(NameError::TooLong);
        }
        if text.contains('*') {
            return Err(NameError::Wildcard);
        }
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if text.is_ascii() && !plain {
            return Err(NameError::Character);
        }
        let lower = text.to_ascii_lowercase();
        let ascii = if plain && !lower.split('.').any(|l| l.starts_with("xn--")) {
            lower
        } else {
            idna::domain_to_ascii_strict(text).map_err(|_| NameError::Idna)?
        };
        Self::check_ascii(&ascii)?;
        Ok(Self(ascii.into()))
    }
}

impl DnsName {
    fn check_ascii(ascii: &str) -> Result<(), NameError> {
        if ascii.len() > 253 {
            return Err(NameError::TooLong);
        }
        for label in ascii.split('.') {
            if label.is_empty() {
                return Err(NameError::Empty);
            }
            if label.len() > 63 {
                return Err(NameError::TooLong);
            }
            let ends = label.starts_with('-') || label.ends_with('-');
            let ldh =
                label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if ends || !ldh {
                return Err(NameError::Character);
            }
            if label.len() >= 4 && &label.as_bytes()[2..4] == b"--" && !label.starts_with("xn--") {
                return Err(NameError::Idna);
            }
        }
        let last = ascii.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NameError::Numeric);
        }
        Ok(())
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A subject alternative name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CertName {
    /// One host.
    Dns(DnsName),
    /// `*.` before the name held here.
    Wildcard(DnsName),
    /// An IP address.
    Ip(IpAddr),
    /// A mailbox: of S/MIME certificates alone.
    Mail(MailAddress),
}

impl CertName {
    /// The DNS name that has to be proven: the name itself, or the one under the asterisk.
    #[must_use]
    pub fn dns(&self) -> Option<&DnsName> {
        match self {
            CertName::Dns(name) | CertName::Wildcard(name) => Some(name),
            CertName::Ip(_) | CertName::Mail(_) => None,
        }
    }

    /// The mailbox, if it is one.
    #[must_use]
    pub fn mailbox(&self) -> Option<&MailAddress> {
        match self {
            CertName::Mail(mailbox) => Some(mailbox),
            CertName::Dns(_) | CertName::Wildcard(_) | CertName::Ip(_) => None,
        }
    }

    /// The domain whose CAA records are asked: the DNS name, or that of a mailbox (RFC 8659, RFC 9495).
    #[must_use]
    pub fn caa_name(&self) -> Option<Cow<'_, DnsName>> {
        match self {
            CertName::Dns(name) | CertName::Wildcard(name) => Some(Cow::Borrowed(name)),
            CertName::Mail(mailbox) => mailbox.domain().parse().ok().map(Cow::Owned),
            CertName::Ip(_) => None,
        }
    }

    /// Reads a name as it was kept. A mailbox is read here alone: where callers name servers, it is no name.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn from_stored(text: &str) -> Result<Self, NameError> {
        match text.contains('@') {
            true => text.parse().map(CertName::Mail).map_err(|_| NameError::Character),
            false => text.parse(),
        }
    }

    /// True for `*.…`.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        matches!(self, CertName::Wildcard(_))
    }

    /// True when the address or the name can be reached from the Internet (see [`DnsName::is_public`], [`is_global`]).
    #[must_use]
    pub fn is_public(&self) -> bool {
        match self {
            CertName::Dns(name) => name.is_public(),
            CertName::Wildcard(name) => name.is_public() && !name.is_public_suffix(),
            CertName::Ip(ip) => is_global(*ip),
            CertName::Mail(mailbox) => mailbox.has_internet_tld(),
        }
    }
}

impl FromStr for CertName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bracketed = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
        if let Ok(ip) = bracketed.unwrap_or(text).parse::<IpAddr>() {
            return Ok(CertName::Ip(ip));
        }
        match text.strip_prefix("*.") {
            Some(base) => Ok(CertName::Wildcard(base.parse()?)),
            None => Ok(CertName::Dns(text.parse()?)),
        }
    }
}

impl fmt::Display for CertName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertName::Dns(name) => write!(f, "{name}"),
            CertName::Wildcard(name) => write!(f, "*.{name}"),
            CertName::Ip(ip) => write!(f, "{ip}"),
            CertName::Mail(mailbox) => write!(f, "{mailbox}"),
        }
    }
}

/// True for addresses of the public Internet: outside of every entry of the IANA special-purpose registries (RFC 6890)
/// and no multicast address. An IPv4 address mapped into IPv6 is one of those entries.
#[must_use]
pub fn is_global(ip: IpAddr) -> bool {
    let (bits, special): (u128, &[(u128, u32)]) = match ip {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, &SPECIAL_V4),
        IpAddr::V6(v6) => (v6.to_bits(), &SPECIAL_V6),
    };
    // Of IPv6 only 2000::/3 is given out yet.
    let given_out = ip.is_ipv4() || bits >> 125 == 1;
    given_out && !special.iter().any(|(start, length)| (bits ^ start).leading_zeros() >= *length)
}

const fn v4(octets: [u8; 4], length: u32) -> (u128, u32) {
    ((u32::from_be_bytes(octets) as u128) << 96, length)
}

const fn v6(first: [u16; 3], length: u32) -> (u128, u32) {
    let [a, b, c] = first;
    ((a as u128) << 112 | (b as u128) << 96 | (c as u128) << 80, length)
}

/// The registry of IPv4 addresses, as it was on 2026-11-20: first address (in the upper bits) and length of each block.
const SPECIAL_V4: [(u128, u32); 19] = [
    v4([0, 0, 0, 0], 8),       // "this network"
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // shared
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocol assignments
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 31, 196, 0], 24), // AS112
    v4([192, 52, 193, 0], 24), // AMT
    v4([192, 88, 99, 0], 24),  // 6to4 relays
    v4([192, 168, 0, 0], 16),  // private
    v4([192, 175, 48, 0], 24), // AS112, direct delegation
    v4([198, 18, 0, 0], 15),   // benchmarking
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 4),     // multicast
    v4([240, 0, 0, 0], 4),     // reserved
    v4([255, 255, 255, 255], 32),
];

/// The same of IPv6 addresses.
const SPECIAL_V6: [(u128, u32); 17] = [
    (0, 128),                          // unspecified
    (1, 128),                          // loopback
    (0xffff << 32, 96),                // IPv4, mapped
    v6([0x64, 0xff9b, 0], 96),         // IPv4, translated
    v6([0x64, 0xff9b, 1], 48),         // IPv4, translated
    v6([0x100, 0, 0], 64),             // discard
    (0x0100_0000_0000_0001 << 64, 64), // dummy prefix
    v6([0x2001, 0, 0], 23),            // protocol assignments
    v6([0x2001, 0xdb8, 0], 32),        // documentation
    v6([0x2002, 0, 0], 16),            // 6to4
    v6([0x2620, 0x4f, 0x8000], 48),    // AS112, direct delegation
    v6([0x3fff, 0, 0], 20),            // documentation
    v6([0x5f00, 0, 0], 16),            // segment routing
    v6([0xfc00, 0, 0], 7),             // unique local
    v6([0xfe80, 0, 0], 10),            // link-local
    v6([0xfec0, 0, 0], 10),            // site-local, deprecated
    v6([0xff00, 0, 0], 8),             // multicast
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DnsName {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_normalised() {
        assert_eq!(name("WWW.Example.COM.").as_str(), "www.example.com");
        assert_eq!(name("bücher.example.com").as_str(), "xn--bcher-kva.example.com");
        assert_eq!(name("intranet").as_str(), "intranet");
    }

    #[test]
    fn odd_names_are_refused() {
        let long = format!("{}.example.com", "a".repeat(64));
        for bad in [
            "",
            ".",
            "a..b",
            "-a.com",
            "a-.com",
            "a_b.com",
            "a b.com",
            "*.x.com",
            "x.*.com",
            "1.2.3",
            "xn--a.com",
            "a\0.com",
            "http://x.com",
            "ab--c.com",
            "x.com..",
            &long,
        ] {
            assert!(bad.parse::<DnsName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn authorization_names_stop_at_the_registrable_domain() {
        let adns: Vec<_> = name("a.b.example.co.uk")
            .authorization_names()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(adns, ["a.b.example.co.uk", "b.example.co.uk", "example.co.uk"]);
        assert_eq!(name("co.uk").authorization_names().len(), 1);
        for given in [
            "a.b.example.co.uk",
            "example.co.uk",
            "a.github.io",
            "co.uk",
            "intranet",
            "www.x.nosuchtld",
        ] {
            let given = name(given);
            let mut all = given.authorization_names();
            for text in given.as_str().char_indices().map(|(at, _)| &given.as_str()[at..]) {
                let found = given.authorization_name(text);
                let at = all.iter().position(|adn| adn.as_str() == text);
                assert_eq!(found, at.map(|at| all.remove(at)), "{given} {text}");
            }
            assert!(all.is_empty(), "{given} {all:?}");
        }
        assert_eq!(name("a.example.com").authorization_name(""), None);
        let below = name("a.github.io").authorization_names();
        assert_eq!(
            below,
            [name("a.github.io"), name("github.io")],
            "the list's private section is none"
        );
    }

    #[test]
    fn public_or_not() {
        for yes in ["example.com", "www.example.co.uk", "github.io", "s3.amazonaws.com"] {
            assert!(name(yes).is_public(), "{yes}");
        }
        for no in [
            "intranet",
            "srv.local",
            "a.test",
            "1.0.0.10.in-addr.arpa",
            "x.nosuchtld",
            "com",
            "co.uk",
        ] {
            assert!(!name(no).is_public(), "{no}");
        }
        assert!(!"*.co.uk".parse::<CertName>().unwrap().is_public());
        assert!("*.github.io".parse::<CertName>().unwrap().is_public());
    }

    /// BR 4.2.2 and 1.6.1: no address in the block of any entry of either registry.
    #[test]
    fn addresses_of_the_registries_are_not_public() {
        for no in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.1",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.9",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.255",
            "192.88.99.1",
            "192.168.0.1",
            "192.175.48.6",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.255",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::8.8.8.8",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!no.parse::<CertName>().unwrap().is_public(), "{no}");
        }
        for yes in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.0",
            "192.0.1.1",
            "192.31.195.255",
            "192.31.197.0",
            "192.175.49.0",
            "198.17.0.1",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:db9::1",
            "2606:4700::1111",
            "2620:4f:8001::1",
            "2a00::1",
            "3fff:1000::1",
        ] {
            assert!(yes.parse::<CertName>().unwrap().is_public(), "{yes}");
        }
    }

    #[test]
    fn twins() {
        assert_eq!(name("example.com").www_twin(), Some(name("www.example.com")));
        assert_eq!(name("www.example.com").www_twin(), Some(name("example.com")));
        assert_eq!(name("www.com").www_twin(), None);
    }
}
