//! Reading the body of a call: whole, not too long, and not too slowly.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming as Body;
use tokio::time::{Instant, timeout_at};

use super::limits::Limits;

/// The longest body: more than every parameter at its longest, percent-encoded.
pub const MAX_BODY: usize = 2 * 1_024 * 1_024;

/// How far a body that is too long is read before the connection is given up.
const MAX_READ: usize = 64 * 1_024 * 1_024;

/// What is said of what is too long.
pub const TOO_LONG: &str = "The request is too long";

/// Reads a body of at most [`MAX_BODY`], as fast as it must come. What is beyond is read on and thrown away, up to
/// [`MAX_READ`] and for no longer than an idle connection is kept: a caller who is still sending would not see the answer
/// otherwise, over HTTP/2 neither.
///
/// # Errors
/// Why there is no body, in words for the caller.
pub async fn read(mut body: Body, limits: Limits) -> Result<Bytes, &'static str> {
    let began = Instant::now();
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    let mut thrown_since: Option<Instant> = None;
    while seen <= MAX_READ {
        let by = thrown_since.map_or(began + limits.time_for(seen), |since| since + limits.idle);
        let next = match timeout_at(by, body.frame()).await {
            Ok(next) => next,
            Err(_) if thrown_since.is_some() => break,
            Err(_) => return Err("The request comes too slowly"),
        };
        let Some(frame) = next else { break };
        let Ok(data) = frame.map_err(|_| "The request was cut off")?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= MAX_BODY {
            kept.extend_from_slice(&data);
        } else {
            thrown_since.get_or_insert_with(Instant::now);
        }
    }
    if seen <= MAX_BODY { Ok(kept.freeze()) } else { Err(TOO_LONG) }
}
