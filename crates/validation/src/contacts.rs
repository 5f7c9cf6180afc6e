//! Mail addresses that a domain publishes for validation: CAA `contactemail` and the `_validation-contactemail` TXT record.

use std::time::Duration;

use domain::evidence::CaaEvidence;
use domain::mail_address::MailAddress;
use domain::names::DnsName;
use domain::time::Time;
use hickory_proto::rr::RecordType;

use crate::caa::{self, Memory};
use crate::dns::{self, Dns};

/// Published addresses, each list in the order found and without repetition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contacts {
    /// From the relevant CAA set (BR 3.2.2.4.13).
    pub caa: Vec<MailAddress>,
    /// From the TXT record at the authorization domain name (BR 3.2.2.4.14).
    pub txt: Vec<MailAddress>,
}

/// Looks for published addresses; what has not come within the time is left out.
pub(crate) async fn find(
    dns: &Dns,
    memory: &Memory,
    adn: &DnsName,
    now: Time,
    within: Duration,
) -> Contacts {
    let caa = tokio::time::timeout(within, caa::relevant_set(dns, memory, adn, now));
    let owner = adn.below("_validation-contactemail");
    let txt = tokio::time::timeout(within, dns.lookup(&owner, RecordType::TXT));
    let (caa, txt) = futures_util::join!(caa, txt);
    Contacts {
        caa: caa.map(|set| addresses(contact_values(&set))).unwrap_or_default(),
        txt: match txt {
            Ok(Ok(set)) => addresses(dns::texts(&set)),
            Ok(Err(_)) | Err(_) => Vec::new(),
        },
    }
}

fn contact_values(set: &CaaEvidence) -> Vec<String> {
    let contact = |tag: &str| tag.eq_ignore_ascii_case("contactemail");
    set.records.iter().filter(|r| contact(&r.tag)).map(|r| r.value.clone()).collect()
}

fn addresses(values: Vec<String>) -> Vec<MailAddress> {
    let mut found = Vec::new();
    for address in values.iter().filter_map(|v| v.trim().parse::<MailAddress>().ok()) {
        if !found.contains(&address) && found.len() < MOST_ADDRESSES {
            found.push(address);
        }
    }
    found
}

const MOST_ADDRESSES: usize = 20;
