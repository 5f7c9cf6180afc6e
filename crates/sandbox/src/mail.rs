//! The mailbox: mails as a test wants to read them, newest first, in bounded memory.

mod find;
mod parse;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

/// One mail as one recipient got it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// Counts up from 1, and on after a reset.
    pub id: u64,
    /// The recipient; a mail to several arrives once for each.
    pub to: String,
    /// The address in the From header, else the envelope's.
    pub from: String,
    /// The subject, decoded.
    pub subject: String,
    /// The text part, or the text of the HTML part.
    pub text: String,
    /// The HTML part, if there is one.
    pub html: Option<String>,
    /// The web addresses in text and HTML, in order, each once.
    pub links: Vec<String>,
    /// What looks like a validation code in the text: see [`Mailbox`].
    pub codes: Vec<String>,
    /// Business time of arrival, RFC 3339.
    pub at: String,
    /// The files attached.
    pub attachments: Vec<Attachment>,
}

/// A file in a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// The file name, empty if it has none.
    pub name: String,
    /// The media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// The content.
    pub base64: String,
}

/// How the SMTP sink refuses a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reply code, 4xx for "later" and 5xx for "never".
    pub code: u16,
    /// The reply's text.
    pub text: String,
}

/// The mails captured: the newest 10 000, of 64 MB together.
///
/// A *code* is a line of its own that holds nothing but 16 to 64 letters, digits, `*` and `-`, of
/// which at least eight are letters or digits; a rule of dashes is none, a long single word is.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    mails: VecDeque<(usize, Arc<Mail>)>,
    bytes: usize,
    last_id: u64,
    refused: HashMap<String, Refusal>,
}

impl Mailbox {
    /// Takes a message in for each recipient.
    pub(crate) fn deliver(&self, sender: &str, recipients: &[String], message: &[u8], at: String) {
        let mail = parse::mail(sender, message, at);
        let size = message.len().saturating_mul(2).saturating_add(500);
        let mut inside = self.lock();
        for to in recipients {
            inside.last_id += 1;
            let mail = Mail { id: inside.last_id, to: to.clone(), ..mail.clone() };
            inside.put(size, mail);
        }
    }

    /// The mails to `to` (to anybody with `None`), newest first.
    #[must_use]
    pub fn mails(&self, to: Option<&str>) -> Vec<Arc<Mail>> {
        let inside = self.lock();
        let wanted = |mail: &&Arc<Mail>| to.is_none_or(|to| mail.to.eq_ignore_ascii_case(to));
        inside.mails.iter().rev().map(|(_, mail)| mail).filter(wanted).cloned().collect()
    }

    /// Recipient and first code of each mail that came after the one with this ID and has a code, oldest first, and the ID of the
    /// last mail: for load generators, to which a whole mail is too much to read.
    #[must_use]
    pub fn codes_after(&self, id: u64) -> (u64, Vec<(String, String)>) {
        let inside = self.lock();
        let new = inside.mails.iter().rev().take_while(|(_, mail)| mail.id > id);
        let with_code =
            new.filter_map(|(_, mail)| Some((mail.to.clone(), mail.codes.first()?.clone())));
        let mut codes: Vec<_> = with_code.collect();
        codes.reverse();
        (inside.last_id, codes)
    }

    /// Throws mails to `to` (to anybody with `None`) away and says how many.
    pub fn clear(&self, to: Option<&str>) -> usize {
        let mut inside = self.lock();
        let before = inside.mails.len();
        inside.mails.retain(|(_, mail)| to.is_some_and(|to| !mail.to.eq_ignore_ascii_case(to)));
        inside.bytes = inside.mails.iter().map(|(size, _)| size).sum();
        before - inside.mails.len()
    }

    /// Refuses a recipient from now on, or takes its mail again with `None`.
    pub fn refuse(&self, to: &str, refusal: Option<Refusal>) {
        let to = to.to_ascii_lowercase();
        match refusal {
            Some(refusal) => self.lock().refused.insert(to, refusal),
            None => self.lock().refused.remove(&to),
        };
    }

    pub(crate) fn refusal(&self, to: &str) -> Option<Refusal> {
        self.lock().refused.get(&to.to_ascii_lowercase()).cloned()
    }

    pub(crate) fn reset(&self) {
        let mut inside = self.lock();
        *inside = Inside { last_id: inside.last_id, ..Inside::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn put(&mut self, size: usize, mail: Mail) {
        self.mails.push_back((size, Arc::new(mail)));
        self.bytes = self.bytes.saturating_add(size);
        while self.mails.len() > 1 && (self.mails.len() > MAX_MAILS || self.bytes > MAX_BYTES) {
            if let Some((size, _)) = self.mails.pop_front() {
                self.bytes = self.bytes.saturating_sub(size);
            }
        }
    }
}

const MAX_MAILS: usize = 10_000;
const MAX_BYTES: usize = 64 << 20;
