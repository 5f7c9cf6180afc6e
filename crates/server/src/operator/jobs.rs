//! Jobs that were given up: looked at, and tried again.

use serde::Serialize;
use store::jobs::{self, GivenUp};
use store::{Tx, mails};

use super::{Complaint, Done, Office};
use crate::jobs::{MAIL, NOTICE};

/// A job that nobody tries again by himself.
#[derive(Clone, Debug, Serialize)]
pub struct JobView {
    /// Its number.
    pub job: i64,
    /// What was to be done.
    pub kind: String,
    /// What it is about: of a mail, its number.
    pub subject: i64,
    /// The same in words.
    pub about: Option<String>,
    /// The order, where it is about one.
    pub order: Option<i64>,
    /// How often it was tried.
    pub tries: i64,
    /// Why it failed last.
    pub last_error: String,
    /// Since when it was to be done.
    pub created_at: String,
}

/// Jobs that were given up, the oldest first, after the one numbered `after`.
///
/// # Errors
/// When the store fails.
pub fn given_up(office: &Office, after: i64, limit: u32) -> Done<Vec<JobView>> {
    office.read("given_up", move |tx| {
        let found = jobs::given_up(tx, after, limit)?;
        found.into_iter().map(|job| view(tx, job)).collect()
    })
}

/// Lets a job that was given up be tried again, now and as often as a new one.
///
/// # Errors
/// When no job of that number was given up.
pub fn revive(office: &Office, number: i64) -> Done<()> {
    let now = office.now().ms();
    office.write("revive_job", move |tx| match jobs::revive(tx, number, now) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Complaint(format!(
            "no job {number} was given up; `chancery job list` shows those that were"
        ))),
        Err(error) if error.is_unique() => Err(Complaint(format!(
            "another job does what job {number} was to do; there is nothing to try again"
        ))),
        Err(error) => Err(error.into()),
    })
}

fn view(tx: &mut Tx<'_>, job: GivenUp) -> Done<JobView> {
    let is_mail = [MAIL, NOTICE].contains(&job.kind.as_str());
    let mail = if is_mail { mails::envelope(tx, job.subject)? } else { None };
    Ok(JobView {
        job: job.id,
        kind: job.kind,
        subject: job.subject,
        about: mail.as_ref().map(|m| format!("to {}: {}", m.recipient, m.subject)),
        order: mail.and_then(|m| m.order).map(|o| o.0),
        tries: job.attempts,
        last_error: job.last_error,
        created_at: domain::time::Time::from_ms(job.created_at).to_string(),
    })
}
