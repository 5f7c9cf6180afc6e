//! What a connection may take of us, and how many one address may have.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bodies::Room;

/// Numbers and times of a listener's connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time and listener.
    pub at_a_time: usize,
    /// Of these, connections of one address.
    pub per_address: usize,
    /// For the TLS handshake, then for the first request's head, and for each further one once it has begun.
    pub first_request: Duration,
    /// How long a connection is kept on which nothing happens.
    pub idle: Duration,
    /// Octets that a body must bring a second, after the time of a head.
    pub body_rate: u64,
    /// Octets of bodies that are held at a time.
    pub bodies: Room,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_a_time: 4_096,
            per_address: 1_024,
            first_request: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            body_rate: 4 * 1_024,
            bodies: Room::default(),
        }
    }
}

impl Limits {
    /// By when a body must have brought so many octets, counted from its beginning.
    #[must_use]
    pub fn time_for(&self, octets: usize) -> Duration {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        self.first_request + Duration::from_secs(octets / self.body_rate.max(1))
    }
}

/// Counts connections by address.
#[derive(Clone, Debug, Default)]
pub struct Callers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection that is counted, until dropped.
#[derive(Debug)]
pub struct Counted {
    callers: Callers,
    from: IpAddr,
}

impl Callers {
    /// Counts one more connection; None when its address has as many as it may.
    #[must_use]
    pub fn admit(&self, from: IpAddr, at_most: usize) -> Option<Counted> {
        let from = neighbourhood(from);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(from).or_default();
        if *count >= at_most {
            return None;
        }
        *count += 1;
        Some(Counted { callers: self.clone(), from })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.callers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

/// The address itself, or of IPv6 the /64: whoever has one of its addresses has all.
pub(super) fn neighbourhood(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let callers = Callers::default();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = callers.admit(ip("192.0.2.1"), 2);
        let second = callers.admit(ip("::ffff:192.0.2.1"), 2);
        assert!(first.is_some() && second.is_some());
        assert!(callers.admit(ip("192.0.2.1"), 2).is_none());
        assert!(callers.admit(ip("192.0.2.2"), 2).is_some(), "another's place");
        drop(first);
        assert!(callers.admit(ip("192.0.2.1"), 2).is_some());
        let _one = callers.admit(ip("2001:db8::1"), 1);
        assert!(callers.admit(ip("2001:db8::2"), 1).is_none(), "the same network");
        assert!(callers.admit(ip("2001:db8:0:1::1"), 1).is_some());
        drop(second);
        assert_eq!(callers.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn bodies_have_time_by_their_length() {
        let limits = Limits::default();
        assert_eq!(limits.time_for(0), Duration::from_secs(10));
        assert_eq!(limits.time_for(2 * 1_024 * 1_024), Duration::from_secs(522));
    }
}
