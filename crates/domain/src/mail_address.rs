//! Mail addresses as this house takes them.

use std::fmt;
use std::str::FromStr;

use crate::names::DnsName;

/// `local@domain`: a dot-atom of RFC 5322 in ASCII (64 octets at most) and a DNS name of two labels or more, which is
/// kept as A-labels. Quoted local parts, address literals and comments are not taken. 255 octets at most.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailAddress {
    text: Box<str>,
    at: usize,
}

/// The text is no such address; the words say why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotAnAddress(pub &'static str);

impl MailAddress {
    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// What stands behind the `@`, lower case A-labels.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// True when mails to it may leave the house: its domain is under a top-level domain of the Internet.
    #[must_use]
    pub fn has_internet_tld(&self) -> bool {
        self.domain().parse().is_ok_and(|domain: DnsName| domain.has_internet_tld())
    }

    /// Equal but for the case of the local part.
    #[must_use]
    pub fn same_mailbox(&self, other: &MailAddress) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl FromStr for MailAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        if text.len() > 1_024 {
            return Err(NotAnAddress("Address is too long"));
        }
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnAddress("Address has no @"))?;
        if local.is_empty() || local.len() > 64 {
            return Err(NotAnAddress("Local part is empty or too long"));
        }
        let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
        let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
        if dots || !local.bytes().all(atom) {
            return Err(NotAnAddress("Local part has a character that is not allowed"));
        }
        let domain: DnsName = domain.parse().map_err(|_| NotAnAddress("Invalid domain name"))?;
        if domain.labels().count() < 2 {
            return Err(NotAnAddress("Invalid Internet TLD"));
        }
        let text = format!("{local}@{domain}");
        if text.len() > 255 {
            return Err(NotAnAddress("Address is too long"));
        }
        Ok(Self { at: local.len(), text: text.into() })
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_level_domains() {
        let known = |text: &str| text.parse::<MailAddress>().unwrap().has_internet_tld();
        for yes in ["a@example.com", "a@b.example.co.uk", "a@bücher.example.org", "a@github.io"] {
            assert!(known(yes), "{yes}");
        }
        for no in
            ["a@example.nosuchtld", "a@host.local", "a@x.test", "a@x.onion", "a@1.10.in-addr.arpa"]
        {
            assert!(!known(no), "{no}");
        }
    }

    #[test]
    fn good_and_bad() {
        for good in ["a@example.com", "a.b+c@Example.COM", "o'neil@bücher.example.com"] {
            assert!(good.parse::<MailAddress>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "@",
            "a@",
            "@x.com",
            "a@b",
            "a..b@x.com",
            ".a@x.com",
            "a b@x.com",
            "\"a\"@x.com",
            "a@[1.2.3.4]",
            "ü@x.com",
            "a@x.com\r\nBcc: b@x.com",
            "a@b@",
            "a,b@x.com",
        ] {
            assert!(bad.parse::<MailAddress>().is_err(), "{bad}");
        }
    }
}
