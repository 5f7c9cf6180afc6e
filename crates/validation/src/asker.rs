//! The one who asks.

use std::sync::Arc;
use std::time::Duration;

use domain::evidence::{Answer, CaaEvidence, Evidence, Question};
use domain::names::DnsName;
use domain::time::Time;
use hickory_proto::rr::{RData, RecordType};

use crate::caa::{self, Memory};
use crate::contacts::{self, Contacts};
use crate::dns::{self, Dns, DnsFailure, RrSet};
use crate::http::Fetcher;
use crate::settings::Settings;

/// Why no asker can be built.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SetupError {
    /// No name servers, or the system's cannot be read.
    #[error("name servers: {0}")]
    Nameservers(String),
    /// The TLS library refuses its own defaults.
    #[error("TLS: {0}")]
    Tls(String),
}

/// Asks name servers and web servers. Clones share connections and memory.
///
/// It belongs to the tokio runtime in which it first asks.
#[derive(Clone)]
pub struct Asker {
    shared: Arc<Shared>,
}

struct Shared {
    dns: Dns,
    fetcher: Fetcher,
    memory: Memory,
}

impl Asker {
    /// From settings; opens no connection yet.
    ///
    /// # Errors
    /// [`SetupError`] when there are no name servers to ask.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let dns = Dns::new(&settings)?;
        let memory = Memory::new(settings.caa_cache);
        let fetcher = Fetcher::new(settings.http, settings.reach)?;
        Ok(Self { shared: Arc::new(Shared { dns, fetcher, memory }) })
    }

    /// Asks a question once and says what came back. Codes are asked of people, and that fails here.
    pub async fn ask(&self, question: &Question, now: Time) -> Evidence {
        let Shared { dns, fetcher, .. } = &*self.shared;
        let (answer, via) = match question {
            Question::File { scheme, host, path } => fetcher.ask(dns, *scheme, host, path).await,
            Question::Cname { owner, .. } => answer(dns, dns.aliases(owner).await, cnames),
            Question::Txt { owner, .. } => {
                answer(dns, dns.lookup(owner, RecordType::TXT).await, |set| {
                    Answer::Txt(dns::texts(set))
                })
            }
            Question::Code { .. } | Question::MailboxCode { .. } => {
                (Answer::Failed("asked of a person".into()), String::new())
            }
        };
        Evidence { question: question.clone(), answer, at: now, via }
    }

    /// The relevant CAA record set of a name (without asterisk), by climbing from it to its top-level domain.
    pub async fn caa(&self, name: &DnsName, now: Time) -> CaaEvidence {
        caa::relevant_set(&self.shared.dns, &self.shared.memory, name, now).await
    }

    /// The same for several names of one request: what they have in common is asked once.
    pub async fn caa_of(&self, names: &[&DnsName], now: Time) -> Vec<CaaEvidence> {
        caa::relevant_sets(&self.shared.dns, &self.shared.memory, names, now).await
    }

    /// The mail addresses that a domain publishes for validation. Takes `within` at most; what failed or has not come is
    /// left out.
    pub async fn contact_addresses(&self, adn: &DnsName, now: Time, within: Duration) -> Contacts {
        contacts::find(&self.shared.dns, &self.shared.memory, adn, now, within).await
    }

    /// Forgets the remembered CAA sets.
    pub fn forget(&self) {
        self.shared.memory.forget();
    }
}

fn answer(
    dns: &Dns,
    found: Result<RrSet, DnsFailure>,
    read: impl Fn(&RrSet) -> Answer,
) -> (Answer, String) {
    match found {
        Ok(set) if set.records.is_empty() => (Answer::NotThere, dns.via(&set)),
        Ok(set) => (read(&set), dns.via(&set)),
        Err(failure) => (Answer::Failed(failure.0), dns.via.to_string()),
    }
}

fn cnames(set: &RrSet) -> Answer {
    let target = |record: &RData| match record {
        RData::CNAME(name) => Some(dns::text_of(&name.0)),
        _ => None,
    };
    Answer::Cname(set.records.iter().filter_map(target).collect())
}
