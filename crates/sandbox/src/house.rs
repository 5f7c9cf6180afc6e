//! What the control API needs from the running server.

use std::{future::Future, pin::Pin};

use serde_json::Value;

use crate::World;

/// A boxed future, so that [`House`] can be a trait object.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The real server, as the control API sees it.
///
/// An `Err` is a sentence for the caller; the control API answers it with status 400 and
/// `{"error": …}` (500 for [`House::reset`]).
pub trait House: Send + Sync + 'static {
    /// Business time, in milliseconds since 1970.
    fn now(&self) -> i64;

    /// How far business time is ahead of real time, in seconds.
    fn offset_seconds(&self) -> i64;

    /// Turns the clock forward to `ms` and runs the scheduled work up to that time before it
    /// returns. Never called with a time before [`House::now`].
    fn advance_to(&self, ms: i64) -> Boxed<'_, Result<(), String>>;

    /// The fake DNS was changed: whatever is remembered of its answers is worth nothing now.
    fn dns_changed(&self) {}

    /// Settles one check of an order as a validation officer would; `result` is the caller's word
    /// (`pass`, `fail`).
    fn settle(
        &self,
        order_number: u64,
        check: String,
        result: String,
    ) -> Boxed<'_, Result<Value, String>>;

    /// Every call of the partner API seen, with a verdict per parameter.
    fn requests(&self) -> Boxed<'_, Result<Value, String>>;

    /// Forgets the calls seen.
    fn clear_requests(&self) -> Boxed<'_, Result<(), String>>;

    /// The fault rules in force.
    fn faults(&self) -> Boxed<'_, Result<Value, String>>;

    /// Adds the fault rule(s) of a request body, which is passed on as it came.
    fn set_faults(&self, rules: Value) -> Boxed<'_, Result<Value, String>>;

    /// Drops fault rules: all of them with `None`, else those that the body names.
    fn clear_faults(&self, which: Option<Value>) -> Boxed<'_, Result<Value, String>>;

    /// Brings the server back to its first day; ports, CAs and TLS stay. It calls [`World::reset`] once nothing of its old
    /// days is at work any more, and before it works again.
    fn reset<'a>(&'a self, world: &'a World) -> Boxed<'a, Result<(), String>>;
}
