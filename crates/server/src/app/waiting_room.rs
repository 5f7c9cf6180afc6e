//! Who waits for a password to be checked: so many in all, from one address and for one name; of a name one at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::account::MAX_FAILED_TRIES;
use tokio::sync::oneshot;

/// Places in all: some seconds of Argon2.
const PLACES: usize = 256;
/// Places for callers from one address (IPv6: from one network of 64 bits).
const PLACES_OF_ADDRESS: usize = 128;
/// Places for one name: so many wrong passwords lock it, and nobody needs more to be let in.
const PLACES_OF_NAME: usize = MAX_FAILED_TRIES as usize;

/// The room.
#[derive(Default)]
pub struct WaitingRoom(Mutex<Taken>);

/// The places that are taken. Rows without any are removed, so that it stays as small as the room.
#[derive(Default)]
struct Taken {
    all: usize,
    of_address: HashMap<IpAddr, usize>,
    of_name: HashMap<Box<str>, usize>,
    /// Of each name, when the last in the line has gone.
    last: HashMap<Box<str>, oneshot::Receiver<()>>,
}

/// A place in the room; given back when dropped. Whoever takes one waits for its turn.
pub struct Place {
    room: Arc<WaitingRoom>,
    name: Box<str>,
    address: IpAddr,
    /// When the one before has gone.
    before: Option<oneshot::Receiver<()>>,
    /// Lets the next one know that this one has gone.
    _gone: oneshot::Sender<()>,
}

impl WaitingRoom {
    /// A place, unless too many wait already.
    #[must_use]
    pub fn enter(self: &Arc<Self>, name: &str, from: IpAddr) -> Option<Place> {
        let address = network(from);
        let mut taken = self.taken();
        let full = taken.all >= PLACES
            || count(&taken.of_address, &address) >= PLACES_OF_ADDRESS
            || taken.of_name.get(name).is_some_and(|n| *n >= PLACES_OF_NAME);
        if full {
            return None;
        }
        let name: Box<str> = name.into();
        taken.all += 1;
        *taken.of_address.entry(address).or_default() += 1;
        *taken.of_name.entry(name.clone()).or_default() += 1;
        let (gone, last) = oneshot::channel();
        let before = taken.last.insert(name.clone(), last);
        Some(Place { room: self.clone(), name, address, before, _gone: gone })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until everybody who came before for this name has gone.
    pub async fn turn(&mut self) {
        if let Some(before) = &mut self.before {
            // Nothing is ever sent: the sender goes with its place.
            let _ = before.await;
        }
        self.before = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.all -= 1;
        give_back(&mut taken.of_address, &self.address);
        if give_back(&mut taken.of_name, &self.name) {
            taken.last.remove(&self.name);
        }
    }
}

fn count<K: Eq + Hash>(taken: &HashMap<K, usize>, key: &K) -> usize {
    taken.get(key).copied().unwrap_or_default()
}

/// Takes one off, and says whether none is left.
fn give_back<K: Eq + Hash>(taken: &mut HashMap<K, usize>, key: &K) -> bool {
    let left = count(taken, key).saturating_sub(1);
    match taken.get_mut(key) {
        Some(n) if left > 0 => *n = left,
        _ => {
            taken.remove(key);
        }
    }
    left == 0
}

/// The address, or for IPv6 the network of 64 bits around it, which one customer has to themselves.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_bounded_per_name_per_address_and_in_all() {
        let room = Arc::new(WaitingRoom::default());
        let of_name: Vec<_> =
            (0..PLACES_OF_NAME).map(|_| room.enter("a", ip("192.0.2.1")).unwrap()).collect();
        assert!(room.enter("a", ip("192.0.2.2")).is_none());
        let free = PLACES_OF_ADDRESS - PLACES_OF_NAME;
        let of_address: Vec<_> = (0..free)
            .map(|i| room.enter(&format!("b{i}"), ip("::ffff:192.0.2.1")).unwrap())
            .collect();
        assert!(room.enter("c", ip("192.0.2.1")).is_none());
        let others: Vec<_> = (0..PLACES - PLACES_OF_ADDRESS)
            .map(|i| room.enter(&format!("d{i}"), ip(&format!("2001:db8:0:{i:x}::1"))).unwrap())
            .collect();
        assert!(room.enter("e", ip("192.0.2.3")).is_none());
        drop((of_name, of_address, others));
        let taken = room.taken();
        assert_eq!(
            (taken.all, taken.of_address.len(), taken.of_name.len(), taken.last.len()),
            (0, 0, 0, 0)
        );
    }

    #[test]
    fn one_network_is_one_caller() {
        assert_eq!(network(ip("2001:db8::1")), network(ip("2001:db8::ffff:0:0:1")));
        assert_ne!(network(ip("2001:db8::1")), network(ip("2001:db8:0:1::1")));
        assert_ne!(network(ip("192.0.2.1")), network(ip("192.0.2.2")));
    }

    #[test]
    fn of_a_name_one_at_a_time_and_in_order() {
        let room = Arc::new(WaitingRoom::default());
        let [mut first, mut second, mut third] =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|from| room.enter("a", ip(from)).unwrap());
        let its_turn = |place: &mut Place| place.turn().now_or_never().is_some();
        assert!(its_turn(&mut first) && !its_turn(&mut third) && !its_turn(&mut second));
        assert!(its_turn(&mut room.enter("b", ip("192.0.2.1")).unwrap()));
        drop(first);
        assert!(!its_turn(&mut third) && its_turn(&mut second));
        drop(second);
        assert!(its_turn(&mut third));
    }
}
