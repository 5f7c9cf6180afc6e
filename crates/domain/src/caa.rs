//! Certification authority authorization (RFC 8659, RFC 8657): does a record set let us issue?

use crate::evidence::{CaaEvidence, CaaRecord};
use crate::names::CertName;
use crate::time::Time;

/// Why issuance is not allowed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CaaRefusal {
    /// No answer could be had.
    #[error("CAA: look-up failed for {0}: {1}")]
    LookupFailed(String, String),
    /// The evidence is too old.
    #[error("CAA: evidence for {0} is out of date")]
    Stale(String),
    /// A critical property that is not understood.
    #[error("CAA: unknown critical property '{1}' at {0}")]
    UnknownCritical(String, String),
    /// Other issuers are named.
    #[error("CAA: Not authorized to issue for {0}")]
    NotAuthorized(String),
}

impl CaaRefusal {
    /// True where the name's owner has not said no: it may be otherwise at the next look.
    #[must_use]
    pub fn is_for_now(&self) -> bool {
        match self {
            CaaRefusal::LookupFailed(..) | CaaRefusal::Stale(_) => true,
            CaaRefusal::UnknownCritical(..) | CaaRefusal::NotAuthorized(_) => false,
        }
    }
}

/// For what issuance is asked: which properties govern it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// The name itself.
    Host,
    /// `*.` before it.
    Wildcard,
    /// A mailbox there (RFC 9495).
    Mail,
}

impl Asked {
    /// By what is to be certified.
    #[must_use]
    pub fn of(name: &CertName) -> Self {
        match name {
            CertName::Dns(_) | CertName::Ip(_) => Asked::Host,
            CertName::Wildcard(_) => Asked::Wildcard,
            CertName::Mail(_) => Asked::Mail,
        }
    }
}

/// Whether the record set permits issuance for what is `asked` at the name by a CA that is known by any of the `identities`
/// (issuer domain names), at `now`.
///
/// `issuewild` alone governs wildcards where it is present, else `issue` does; mailboxes are governed by `issuemail` alone. None
/// of them present means no restriction.
/// A property that is not written as RFC 8659 has it permits nobody. Its parameters are read: `validationmethods` and `accounturi` of RFC 8657 bind us from 2027-03-15 on
/// (SC-098v2); as this interface has no such methods or account URIs, a property that carries them does not name us then.
///
/// # Errors
/// [`CaaRefusal`] with the reason.
pub fn permits(
    evidence: &CaaEvidence,
    asked: Asked,
    identities: &[String],
    now: Time,
) -> Result<(), CaaRefusal> {
    let name = evidence.name.to_string();
    if let Some(why) = &evidence.failed {
        return Err(CaaRefusal::LookupFailed(name, why.clone()));
    }
    if now > evidence.usable_until {
        return Err(CaaRefusal::Stale(name));
    }
    let records = &evidence.records;
    if let Some(odd) = records.iter().find(|r| r.critical && !is_known(&r.tag)) {
        return Err(CaaRefusal::UnknownCritical(name, odd.tag.clone()));
    }
    let with_tag = |tag: &str| -> Vec<&CaaRecord> {
        records.iter().filter(|r| r.tag.eq_ignore_ascii_case(tag)).collect()
    };
    let relevant = match asked {
        Asked::Host => with_tag("issue"),
        Asked::Wildcard => match with_tag("issuewild") {
            none if none.is_empty() => with_tag("issue"),
            wild => wild,
        },
        Asked::Mail => with_tag("issuemail"),
    };
    if relevant.is_empty() || relevant.iter().any(|r| names_us(&r.value, identities, now)) {
        Ok(())
    } else {
        Err(CaaRefusal::NotAuthorized(name))
    }
}

fn is_known(tag: &str) -> bool {
    const KNOWN: [&str; 8] = [
        "issue",
        "issuewild",
        "iodef",
        "contactemail",
        "contactphone",
        "issuemail",
        "issuevmc",
        "issueprv",
    ];
    KNOWN.iter().any(|k| k.eq_ignore_ascii_case(tag))
}

/// An empty issuer, or a value that is not written as RFC 8659 section 4.2 has it, names nobody.
fn names_us(value: &str, identities: &[String], now: Time) -> bool {
    const RFC_8657_BINDS: Time = Time::from_secs(1_805_068_800);
    let Some(property) = IssueValue::read(value) else {
        return false;
    };
    let bound = property.parameters.iter().any(|key| {
        key.eq_ignore_ascii_case("accounturi") || key.eq_ignore_ascii_case("validationmethods")
    });
    let ours = identities.iter().any(|id| id.eq_ignore_ascii_case(property.issuer));
    ours && !(bound && now >= RFC_8657_BINDS)
}

/// The value of an `issue`, `issuewild` or `issuemail` property (RFC 8659 section 4.2, RFC 9495).
struct IssueValue<'a> {
    /// The issuer's domain name; empty where none stands.
    issuer: &'a str,
    /// The tags of its parameters.
    parameters: Vec<&'a str>,
}

impl<'a> IssueValue<'a> {
    /// None for what the grammar does not know.
    fn read(text: &'a str) -> Option<Self> {
        let (issuer, rest) = match text.split_once(';') {
            Some((issuer, rest)) => (unpadded(issuer), unpadded(rest)),
            None => (unpadded(text), ""),
        };
        if !issuer.is_empty() && !issuer.split('.').all(is_label) {
            return None;
        }
        let parameter = |text: &'a str| {
            let (tag, value) = text.split_once('=')?;
            let (tag, value) = (unpadded(tag), unpadded(value));
            (is_label(tag) && value.bytes().all(|b| b.is_ascii_graphic())).then_some(tag)
        };
        let parameters = match rest {
            "" => Vec::new(),
            some => some.split(';').map(|one| parameter(unpadded(one))).collect::<Option<_>>()?,
        };
        Some(Self { issuer, parameters })
    }
}

/// Without the blanks and tabs at its ends.
fn unpadded(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A label of a domain name, or a parameter's tag: letters, digits and hyphens between them.
fn is_label(text: &str) -> bool {
    let known = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    known && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    type Record = (bool, &'static str, &'static str);

    fn set(records: &[Record]) -> CaaEvidence {
        CaaEvidence {
            name: "www.example.com".parse().unwrap(),
            found_at: Some("example.com".into()),
            records: records
                .iter()
                .map(|(critical, tag, value)| CaaRecord {
                    critical: *critical,
                    tag: (*tag).into(),
                    value: (*value).into(),
                })
                .collect(),
            failed: None,
            via: String::new(),
            at: Time::from_secs(1_800_000_000),
            usable_until: Time::from_secs(1_900_000_000),
        }
    }

    #[test]
    fn record_sets() {
        let ids = ["sectigo.com".to_owned()];
        let now = Time::from_secs(1_800_000_000);
        let table: [(&[Record], bool, bool); 11] = [
            (&[], true, true),
            (&[(false, "issue", "sectigo.com")], true, true),
            (&[(false, "ISSUE", " Sectigo.com ; policy=ev")], true, true),
            (&[(false, "issue", "other.example")], false, false),
            (&[(false, "issue", ";")], false, false),
            (&[(false, "issue", "sectigo.com"), (false, "issuewild", ";")], true, false),
            (&[(false, "issue", ";"), (false, "issuewild", "sectigo.com")], false, true),
            (&[(false, "issuewild", ";")], true, false),
            (&[(false, "iodef", "mailto:a@example.com")], true, true),
            (&[(true, "future", "x")], false, false),
            (&[(false, "future", "x")], true, true),
        ];
        for (records, plain, wildcard) in table {
            let evidence = set(records);
            assert_eq!(permits(&evidence, Asked::Host, &ids, now).is_ok(), plain, "{records:?}");
            assert_eq!(
                permits(&evidence, Asked::Wildcard, &ids, now).is_ok(),
                wildcard,
                "{records:?} *"
            );
        }
    }

    /// RFC 8659 sections 4.2 and 4.3: what the grammar does not know counts as an empty issuer.
    #[test]
    fn values_are_read_by_the_whole_grammar() {
        let ids = ["sectigo.com".to_owned()];
        let now = Time::from_secs(1_800_000_000);
        let permitted =
            |tag, value| permits(&set(&[(false, tag, value)]), Asked::Wildcard, &ids, now).is_ok();
        for good in [
            "sectigo.com",
            " \tsectigo.com\t ",
            "sectigo.com;",
            "sectigo.com ; ",
            "sectigo.com; policy=ev",
            "sectigo.com;policy = ev ;a=b",
            "sectigo.com; empty=",
            "sectigo.com; a-1=b=c:/?%",
        ] {
            for tag in ["issue", "issuewild"] {
                assert!(permitted(tag, good), "{tag} {good:?}");
            }
        }
        for bad in [
            "",
            ";",
            "sectigo.com; %%%%",
            "sectigo.com; foo bar",
            "sectigo.com;;",
            "sectigo.com; a=b;",
            "sectigo.com; a=b; ;c=d",
            "sectigo.com; =b",
            "sectigo.com; -a=b",
            "sectigo.com; a-=b",
            "sectigo.com; a_b=c",
            "sectigo.com; a=b c",
            "sectigo.com; a=\u{fc}",
            "sectigo.com; a=\u{7f}",
            "sectigo.com.",
            ".sectigo.com",
            "sectigo..com",
            "sectigo.com policy=ev",
            "\u{a0}sectigo.com",
            "sectigo.com\n",
            "sectigo.com\0",
        ] {
            for tag in ["issue", "issuewild"] {
                assert!(!permitted(tag, bad), "{tag} {bad:?}");
            }
        }
        // Another property that names us permits still.
        let both = set(&[(false, "issue", "sectigo.com;;"), (false, "issue", "sectigo.com")]);
        assert!(permits(&both, Asked::Host, &ids, now).is_ok());
    }

    #[test]
    fn parameters_bind_from_march_2027() {
        let ids = ["sectigo.com".to_owned()];
        let evidence = set(&[(false, "issue", "sectigo.com; validationmethods=dns-01")]);
        assert!(permits(&evidence, Asked::Host, &ids, Time::parse("2027-03-14").unwrap()).is_ok());
        assert!(permits(&evidence, Asked::Host, &ids, Time::parse("2027-03-15").unwrap()).is_err());
    }
}
