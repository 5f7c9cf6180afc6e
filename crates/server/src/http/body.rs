//! Reading the body of a call: whole, not too long, and not too slowly.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming as Body;
use tokio::time::{Instant, timeout_at};

use super::limits::Limits;

/// The longest body: more than every parameter at its longest, percent-encoded.
pub const MAX_BODY: usize = 2 * 1_024 * 1_024;

/// How far a body that is too long is read before the connection is given up.
const MAX_READ: usize = 256 * 1_024 * 1_024;

/// What is said of what is too long.
pub const TOO_LONG: &str = "The request is too long";

/// Reads a body of at most [`MAX_BODY`], as fast as it must come. What is beyond is read on and thrown away, up to
/// [`MAX_READ`]: a caller who is still sending would not see the answer otherwise, over HTTP/2 neither.
///
/// # Errors
/// Why there is no body, in words for the caller.
pub async fn read(mut body: Body, limits: Limits) -> Result<Bytes, &'static str> {
    let began = Instant::now();
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    while seen <= MAX_READ {
        let next = timeout_at(began + limits.time_for(seen), body.frame());
        let Some(frame) = next.await.map_err(|_| "The request comes too slowly")? else { break };
        let Ok(data) = frame.map_err(|_| "The request was cut off")?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= MAX_BODY {
            kept.extend_from_slice(&data);
        }
    }
    if seen <= MAX_BODY { Ok(kept.freeze()) } else { Err(TOO_LONG) }
}
