//! Ranges of IP addresses, as lists of allowed callers, proxies and private networks write them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An address or a range of addresses (`192.0.2.0/24`, `2001:db8::/32`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IpRange {
    address: IpAddr,
    bits: u8,
}

/// The text is neither an address nor a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an IP address or range; write it like 192.0.2.0/24")]
pub struct NotARange;

impl IpRange {
    /// Whether the address lies in the range; an IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (ours, theirs) = (as_bits(self.address), as_bits(ip.to_canonical()));
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        let shift = width - u32::from(self.bits);
        self.address.is_ipv4() == ip.to_canonical().is_ipv4()
            && (shift >= 128 || ours >> shift == theirs >> shift)
    }
}

fn as_bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl FromStr for IpRange {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| NotARange)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.trim().parse().map_err(|_| NotARange)?,
            None => width,
        };
        if bits > width { Err(NotARange) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let inside =
            |range: &str, ip: &str| range.parse::<IpRange>().unwrap().contains(ip.parse().unwrap());
        assert!(inside("192.0.2.0/24", "192.0.2.77"));
        assert!(inside("192.0.2.0/24", "::ffff:192.0.2.77"));
        assert!(!inside("192.0.2.0/24", "192.0.3.1"));
        assert!(inside("0.0.0.0/0", "8.8.8.8"));
        assert!(!inside("0.0.0.0/0", "2001:db8::1"));
        assert!(inside("::/0", "2001:db8::1"));
        assert!(inside("127.0.0.1", "127.0.0.1"));
        for bad in ["", "1.2.3.4/33", "1.2.3/8", "x", "::/129", "1.2.3.4/-1"] {
            assert!(bad.parse::<IpRange>().is_err(), "{bad}");
        }
    }
}
