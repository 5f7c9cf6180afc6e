//! Which addresses may be dialled.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use domain::ip_range::IpRange;
use domain::names::is_global;

/// Which addresses web servers may have: those of the public Internet, and what is listed here.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Further ranges, for an operator whose customers live in a private network.
    pub allowed: Vec<IpRange>,
    /// Addresses with a port that stand for others: the sandbox's fake web. They need not be global.
    pub overrides: HashMap<SocketAddr, SocketAddr>,
}

impl Reach {
    /// Where to dial for this address and port; None when it must not be reached.
    #[must_use]
    pub fn dial(&self, ip: IpAddr, port: u16) -> Option<SocketAddr> {
        let ip = ip.to_canonical();
        let wanted = SocketAddr::new(ip, port);
        if let Some(other) = self.overrides.get(&wanted) {
            return Some(*other);
        }
        self.permits(ip).then_some(wanted)
    }

    /// Whether the address is global or in a listed range. Overrides do not count here.
    #[must_use]
    pub fn permits(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        is_global(ip) || self.allowed.iter().any(|range| range.contains(ip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "10.0.0.1", false),
            ("::/0", "fe80::1", true),
        ];
        for (range, address, inside) in table {
            let range: IpRange = range.parse().unwrap();
            assert_eq!(range.contains(ip(address)), inside, "{range} {address}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "::/129", "10.0.0.0/-1", "a/8"] {
            assert!(bad.parse::<IpRange>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_mapped_port_of_the_mapped_address_is_overridden() {
        let fake: SocketAddr = "127.0.0.1:4080".parse().unwrap();
        let reach = Reach {
            allowed: Vec::new(),
            overrides: HashMap::from([("192.0.2.1:80".parse().unwrap(), fake)]),
        };
        assert_eq!(reach.dial(ip("192.0.2.1"), 80), Some(fake));
        assert_eq!(reach.dial(ip("::ffff:192.0.2.1"), 80), Some(fake));
        assert_eq!(reach.dial(ip("192.0.2.1"), 443), None);
        assert_eq!(reach.dial(ip("192.0.2.2"), 80), None);
        assert_eq!(reach.dial(ip("127.0.0.1"), 4080), None);
        assert_eq!(reach.dial(ip("8.8.8.8"), 80), Some("8.8.8.8:80".parse().unwrap()));
    }
}
