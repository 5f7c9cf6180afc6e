//! Signing CRLs: on schedule, and at once after a revocation.

use std::sync::Arc;

use store::jobs::Job;

use crate::app::crls;
use crate::house::House;

/// Runs the job.
///
/// # Errors
/// When the key or the store fails.
pub async fn run(house: &Arc<House>, job: Job) -> Result<(), String> {
    crls::renew(house, job.subject, job.ticket).await
}
