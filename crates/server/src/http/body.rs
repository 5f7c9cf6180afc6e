//! Reading the body of a call: whole, not too long, and not too slowly.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming as Body;
use tokio::time::{Instant, timeout_at};

use super::bodies::Share;
use super::limits::Limits;

/// The longest body: more than every parameter at its longest, percent-encoded.
pub const MAX_BODY: usize = 2 * 1_024 * 1_024;

/// How far a body that is too long is read before the connection is given up.
const MAX_READ: usize = 64 * 1_024 * 1_024;

/// What is said of what is too long.
pub const TOO_LONG: &str = "The request is too long";

/// What is said while there is no room for a body.
pub const NO_ROOM: &str = "Too much is being sent at the moment; try again";

/// A body, and the room that it is counted for.
pub struct Whole {
    /// The octets.
    pub octets: Bytes,
    /// Given back when dropped.
    pub share: Share,
}

/// How fast a body comes, piece by piece: what came fast at first gives nobody the right to be silent afterwards.
struct Pace {
    since: Instant,
    octets: usize,
}

impl Pace {
    /// A piece is over when so much of it has come.
    const PIECE: usize = 64 * 1_024;

    fn by(&self, limits: Limits) -> Instant {
        self.since + limits.time_for(self.octets)
    }

    fn count(&mut self, octets: usize) {
        self.octets = self.octets.saturating_add(octets);
        if self.octets >= Self::PIECE {
            *self = Self { since: Instant::now(), octets: 0 };
        }
    }
}

/// Reads a body of at most `at_most` octets, as fast as it must come and while there is room. What is refused is read on and
/// thrown away, up to [`MAX_READ`] and for no longer than an idle connection is kept: a caller who is still sending would not
/// see the answer otherwise, over HTTP/2 neither. `head`: the octets that are kept of its head as long, and count like it.
///
/// # Errors
/// Why there is no body, in words for the caller.
pub async fn read(
    mut body: Body,
    at_most: usize,
    limits: Limits,
    mut share: Share,
    head: usize,
) -> Result<Whole, &'static str> {
    let mut pace = Pace { since: Instant::now(), octets: 0 };
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    let mut refused = (!share.take(head)).then(|| (NO_ROOM, Instant::now()));
    while seen <= MAX_READ {
        let by = refused.map_or_else(|| pace.by(limits), |(_, since)| since + limits.idle);
        let next = match timeout_at(by, body.frame()).await {
            Ok(next) => next,
            Err(_) if refused.is_some() => break,
            Err(_) => return Err("The request comes too slowly"),
        };
        let Some(frame) = next else { break };
        let Ok(data) = frame.map_err(|_| "The request was cut off")?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        pace.count(data.len());
        if refused.is_some() {
            continue;
        }
        let why = match seen > at_most {
            true => TOO_LONG,
            false if share.take(data.len()) => {
                kept.extend_from_slice(&data);
                continue;
            }
            false => NO_ROOM,
        };
        refused = Some((why, Instant::now()));
        kept = BytesMut::new();
        share.clear();
    }
    match refused {
        None => Ok(Whole { octets: kept.freeze(), share }),
        Some((why, _)) => Err(why),
    }
}
