//! How much of the memory bodies may take that are under way: all together, and those of one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::neighbourhood;

/// Whoever brings no more than this finds room also when long bodies have taken theirs: nearly every call is as short.
const SHORT: usize = 16 * 1_024;

/// Octets that may be held at a time. Short bodies find a quarter more.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Of bodies of one address.
    pub of_one: usize,
    /// Of all.
    pub of_all: usize,
}

impl Room {
    /// So many for all, a quarter of them for one address.
    #[must_use]
    pub const fn for_all(octets: usize) -> Self {
        Self { of_one: octets / 4, of_all: octets }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::for_all(64 * 1_024 * 1_024)
    }
}

/// Octets of bodies that are held now.
#[derive(Clone, Debug, Default)]
pub struct Bodies(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// What one body holds, until dropped.
#[derive(Debug)]
pub struct Share {
    bodies: Bodies,
    room: Room,
    from: Option<IpAddr>,
    octets: usize,
}

impl Bodies {
    /// The share of a body from this address; None for a proxy's, who brings everybody's.
    #[must_use]
    pub fn share(&self, from: Option<IpAddr>, room: Room) -> Share {
        Share { bodies: self.clone(), room, from: from.map(neighbourhood), octets: 0 }
    }
}

impl Share {
    /// Gives everything back.
    pub fn clear(&mut self) {
        if self.octets == 0 {
            return;
        }
        let mut held = self.bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        let octets = std::mem::take(&mut self.octets);
        held.all = held.all.saturating_sub(octets);
        let Some(from) = self.from else { return };
        if let Some(of_one) = held.by_address.get_mut(&from) {
            *of_one = of_one.saturating_sub(octets);
            if *of_one == 0 {
                held.by_address.remove(&from);
            }
        }
    }

    /// Takes so many octets more; false, and nothing is taken, when there is no room.
    #[must_use]
    pub fn take(&mut self, more: usize) -> bool {
        let mut held = self.bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        let short = self.octets.saturating_add(more) <= SHORT;
        let fits = |held: usize, room: usize| {
            let room = if short { room.saturating_add(room / 4) } else { room };
            held.saturating_add(more) <= room
        };
        let of_one = self.from.and_then(|from| held.by_address.get(&from)).copied();
        if !fits(held.all, self.room.of_all) || !fits(of_one.unwrap_or(0), self.room.of_one) {
            return false;
        }
        held.all += more;
        if let Some(from) = self.from {
            *held.by_address.entry(from).or_default() += more;
        }
        self.octets += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1_024;

    #[test]
    fn long_bodies_leave_room_for_short_ones_and_one_address_for_others() {
        let room = Room { of_one: 100 * KIB, of_all: 200 * KIB };
        let bodies = Bodies::default();
        let share = |ip: &str| bodies.share(Some(ip.parse().unwrap()), room);
        let mut long = share("192.0.2.1");
        assert!(long.take(60 * KIB) && long.take(40 * KIB));
        assert!(!long.take(1), "its address has as much as it may");
        assert!(!share("::ffff:192.0.2.1").take(17 * KIB));
        let mut short = share("192.0.2.1");
        assert!(short.take(10 * KIB), "short ones find a quarter more");
        assert!(!short.take(7 * KIB), "which is long now");
        let mut other = share("192.0.2.2");
        assert!(other.take(90 * KIB));
        assert!(!share("192.0.2.3").take(17 * KIB), "all have as much as they may");
        assert!(share("192.0.2.3").take(16 * KIB));
        let mut proxy = bodies.share(None, room);
        assert!(!proxy.take(17 * KIB) && proxy.take(10 * KIB));
        drop(long);
        assert!(proxy.take(90 * KIB), "given back, and of no address");
        drop((other, short, proxy));
        let held = bodies.0.lock().unwrap();
        assert_eq!((held.all, held.by_address.len()), (0, 0));
    }
}
