//! Everything the outside world knows, shared by its servers.

use std::{fmt, sync::Arc};

use crate::{dns::Dns, history::History, mail::Mailbox, web::Files};

/// Tells business time in milliseconds since 1970; mails are dated with it.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How a world behaves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Time to live of every DNS answer, in seconds. The default is 0: what a script has just set
    /// must be seen by the very next question, whatever resolver caches stand between.
    pub dns_ttl: u32,
}

/// DNS data, web files, mails, and what was asked of them.
pub struct World {
    dns: Dns,
    files: Files,
    mailbox: Mailbox,
    history: History,
    now: Now,
}

impl World {
    /// An empty world in which every name has the address 192.0.2.1.
    #[must_use]
    pub fn new(now: Now, options: &Options) -> Arc<Self> {
        Arc::new(Self {
            dns: Dns::new(options.dns_ttl),
            files: Files::default(),
            mailbox: Mailbox::default(),
            history: History::default(),
            now,
        })
    }

    /// The names and their records.
    #[must_use]
    pub fn dns(&self) -> &Dns {
        &self.dns
    }

    /// The files of the fake web.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The mails captured.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// The newest questions to the DNS and web servers.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Business time in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.now)()
    }

    /// Makes everything as new.
    pub fn reset(&self) {
        self.dns.reset();
        self.files.reset();
        self.mailbox.reset();
        self.history.reset();
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}
