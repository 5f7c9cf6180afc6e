//! The table of rules.

use std::collections::HashSet;

use der::oid::ObjectIdentifier;
use der::{Decode, Encode, Tag};
use domain::names::CertName;
use domain::subject;
use domain::time::{DAY, SECOND, Time};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, KeyUsage,
};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::Seen;
use super::mail;
use super::names::{is_public_http_url, may_be_public};
use crate::name::Attribute;
use crate::oid;
use crate::profile::{Hierarchy, Purpose};
use crate::spki::{self, KeyFacts};
use crate::tbs;

/// A rule, where it stands, and how it is checked.
pub struct Rule {
    /// Which leaves it binds.
    pub of: Of,
    /// Its name in reports.
    pub name: &'static str,
    /// Where it is written.
    pub source: &'static str,
    /// What it says.
    pub text: &'static str,
    /// True when the certificate keeps it.
    pub holds: fn(&Seen<'_>) -> bool,
}

/// Which leaves a rule binds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of {
    /// Every leaf.
    All,
    /// Those of servers.
    Server,
    /// Those for mail.
    Mail,
}

impl Rule {
    /// Whether it binds leaves of this purpose.
    #[must_use]
    pub fn binds(&self, purpose: Purpose) -> bool {
        match self.of {
            Of::All => true,
            Of::Server => purpose == Purpose::Server,
            Of::Mail => purpose == Purpose::Mail,
        }
    }
}

macro_rules! rules {
    ($($of:ident $name:literal, $source:literal, $text:literal, $holds:expr;)*) => {
        /// Every rule.
        pub const RULES: &[Rule] =
            &[$(Rule { of: Of::$of, name: $name, source: $source, text: $text, holds: $holds },)*];
    };
}

rules! {
    All "version", "BR 7.1.1, S/MIME BR 7.1.1", "version 3",
        |s| s.tbs.version() == x509_cert::certificate::Version::V3;
    All "serial", "BR 7.1.2.7, S/MIME BR 7.1, RFC 5280 4.1.2.2",
        "positive, 64 bits at least, below 2^159", serial;
    All "algorithm", "BR 7.1.3.2, S/MIME BR 7.1.3.2",
        "the issuer's AlgorithmIdentifier, byte for byte",
        |s| s.algorithm == s.rules.ca.algorithm().der();
    All "issuer", "BR 7.1.4.1, S/MIME BR 7.1.4.1", "the issuer's subject, byte for byte",
        |s| s.issuer == s.rules.ca.subject();
    All "time_form", "RFC 5280 4.1.2.5", "UTCTime through 2049, whole seconds, Z",
        |s| is_time(s.times[0], s.validity.not_before) && is_time(s.times[1], s.validity.not_after);
    All "not_before", "BR 7.1.2.7", "notBefore within 48 hours of signing",
        |s| s.rules.now.since(s.validity.not_before).abs() <= 2 * DAY;
    All "validity", "BR 6.3.2, S/MIME BR 6.3.2",
        "no longer than the rules of the day allow, both ends counted", validity;
    All "nesting", "RFC 5280 6.1", "within the issuer's validity",
        |s| s.validity.not_before >= s.rules.ca.validity().not_before
            && s.validity.not_after <= s.rules.ca.validity().not_after;
    All "key", "BR and S/MIME BR 6.1.5, 6.1.6, 7.1.3.1", "an allowed key in the one allowed form",
        key;
    All "no_unique_ids", "BR 7.1.2.7", "no issuerUniqueID or subjectUniqueID",
        |s| s.tbs.issuer_unique_id().is_none() && s.tbs.subject_unique_id().is_none();
    All "rdn", "BR 7.1.4.1", "one attribute per RDN", |s| s.single_valued;
    All "attributes", "BR 7.1.2.7.2-4, EVG 7.1.4.2, S/MIME BR 7.1.4.2.3-4",
        "only attributes of the profile; never an OU",
        |s| s.subject.iter().all(|(a, _, _)| a.is_some_and(|a| s.rules.profile.takes(a)));
    All "required", "BR 7.1.2.7.2-4, EVG 7.1.4.2, S/MIME BR 7.1.4.2.4",
        "every attribute that the profile requires",
        |s| s.rules.profile.required().iter().all(|r| s.values(*r).next().is_some());
    Server "place", "BR 7.1.2.7.3-4", "a locality or a state beside an organisation or a person", place;
    All "attribute_order", "BR 7.1.4.2", "the order of attributes",
        |s| s.subject.is_sorted_by_key(|(a, _, _)| *a);
    All "attribute_once", "BR 7.1.4.1, S/MIME BR 7.1.4.2.2", "each attribute once, streets apart",
        attribute_once;
    All "values", "BR 7.1.4.2, 7.1.4.3, S/MIME BR 7.1.4.2",
        "string type, length, and no value that says nothing", values;
    All "characters", "RFC 5280 8", "no control, and none that hides or turns text",
        |s| s.subject.iter().all(|(_, _, text)| text.chars().all(subject::is_harmless));
    All "country", "BR 7.1.4.2, S/MIME BR 7.1.4.2.2 n", "an ISO 3166-1 code in capitals", country;
    Server "business_category", "EVG 7.1.4.2.3", "one of four", business_category;
    Server "common_name", "BR 7.1.4.3", "at most one, character for character one of the names",
        common_name;
    Mail "mail_common_name", "S/MIME BR 7.1.4.2.2 a",
        "one of the mailboxes, or the organisation's name where one was validated",
        mail::common_name;
    Mail "subject_mailboxes", "S/MIME BR 7.1.4.2.1",
        "every mailbox of the subject is among the names, character for character",
        mail::subject_mailboxes;
    Mail "organization_identifier", "S/MIME BR 7.1.4.2.2 d, appendix A",
        "of a known register, and of the subject's country", mail::organization_identifier;
    All "extensions", "BR 7.1.2.7.6, S/MIME BR 7.1.2.3, 7.1.2.4",
        "the extensions of this house, each once, in their order", extensions;
    All "critical", "BR 7.1.2.7.6, S/MIME BR 7.1.2.3", "criticality of every extension", critical;
    All "authority_key", "BR 7.1.2.11.1, S/MIME BR 7.1.2.3 g",
        "the issuer's key identifier and nothing else", authority_key;
    Mail "key_identifier", "S/MIME BR 7.1.2.3 n, RFC 5280 4.2.1.2", "SHA-1 of the key",
        mail::key_identifier;
    Server "key_usage", "BR 7.1.2.7.11", "digitalSignature alone",
        |s| s.extension(oid::KEY_USAGE).is_some_and(|(_, v)| v == [3, 2, 7, 0x80])
            && s.parsed::<KeyUsage>(oid::KEY_USAGE).is_some_and(|k| k.digital_signature());
    Mail "mail_key_usage", "S/MIME BR 7.1.2.3 e",
        "digitalSignature with keyEncipherment for RSA, with keyAgreement for EC", mail::key_usage;
    All "basic_constraints", "BR 7.1.2.7.8, S/MIME BR 7.1.2.3 d", "no CA: an empty SEQUENCE",
        |s| s.extension(oid::BASIC_CONSTRAINTS).is_some_and(|(_, v)| v == [0x30, 0])
            && s.parsed::<BasicConstraints>(oid::BASIC_CONSTRAINTS).is_some_and(|b| !b.ca);
    Server "server_auth", "BR 7.1.2.7.10, Chrome Root Program 3.2", "serverAuth and nothing else",
        |s| s.parsed::<ExtendedKeyUsage>(oid::EXT_KEY_USAGE)
            .is_some_and(|e| is_only(&e.0, oid::SERVER_AUTH));
    Mail "email_protection", "S/MIME BR 7.1.2.3 f",
        "emailProtection, with clientAuth in the multipurpose generation, and nothing else",
        mail::email_protection;
    All "policy", "BR 7.1.2.7.9, S/MIME BR 7.1.2.3 a",
        "exactly the profile's reserved policy, without qualifiers", policy;
    All "crl_url", "BR 7.1.2.11.2, S/MIME BR 7.1.2.3 b", "one distribution point with one http URL",
        crl_url;
    All "issuer_url", "BR 7.1.2.7.7, S/MIME BR 7.1.2.3 c",
        "caIssuers with an http URL, and nothing else", issuer_url;
    Server "names_form", "BR 7.1.2.7.12", "dNSName in LDH labels and iPAddress only, at least one",
        |s| all_are(s, |name| name.mailbox().is_none());
    Mail "mailboxes_form", "S/MIME BR 7.1.4.2.1", "rfc822Name with a mailbox only, at least one",
        |s| all_are(s, |name| name.mailbox().is_some());
    All "names_once", "RFC 5280 4.2.1.6", "no name twice",
        |s| s.names.iter().collect::<HashSet<_>>().len() == s.names.len();
    Server "names_public", "BR 7.1.2.7.12, 4.2.2",
        "no internal name, no reserved address, nothing in arpa",
        |s| s.rules.profile.hierarchy() == Hierarchy::Private || s.names.iter().all(may_be_public);
    Mail "mailboxes_public", "S/MIME BR 3.2.2", "domains under a top-level domain of the Internet",
        |s| s.names.iter().all(CertName::is_public);
    Server "names_kind", "EVG 7.1.4.2", "wildcards and addresses only where the profile takes them",
        names_kind;
    Mail "template", "S/MIME BR 7.1.2.4, MS-WCCE 2.2.2.7.7",
        "Microsoft's template, if there is one, in its form and short", mail::template;
    All "hierarchy", "BR 7.1.2.6, S/MIME BR 7.1.2.2",
        "under a CA of the profile's kind and hierarchy, live or test as the order", hierarchy;
}

fn serial(s: &Seen<'_>) -> bool {
    let octets = s.serial_octets;
    let negative = octets.first().is_none_or(|b| *b >= 0x80);
    let significant = octets.iter().skip_while(|b| **b == 0).count();
    !negative && s.serial.is_some() && significant >= 8 && octets.len() <= 20
}

fn validity(s: &Seen<'_>) -> bool {
    let seconds = s.validity.not_after.since(s.validity.not_before) + SECOND;
    let days = match s.rules.profile.purpose() {
        Purpose::Server => s.rules.policy.tls_days(s.rules.now),
        Purpose::Mail => s.rules.policy.smime_days(s.rules.now),
    };
    (SECOND + 1..=i64::from(days) * DAY).contains(&seconds)
}

fn is_time(octets: &[u8], at: Time) -> bool {
    tbs::time(at).and_then(|time| time.to_der()).is_ok_and(|time| time == octets)
}

fn key(s: &Seen<'_>) -> bool {
    SubjectPublicKeyInfoRef::from_der(s.spki)
        .is_ok_and(|key| spki::read(&key, &mut KeyFacts::default()).is_ok_and(|k| k.spki == s.spki))
}

fn place(s: &Seen<'_>) -> bool {
    let named = s.values(Attribute::Organization).chain(s.values(Attribute::Surname)).next();
    let place = s.values(Attribute::Locality).chain(s.values(Attribute::State)).next();
    named.is_none() || place.is_some() || s.rules.profile.hierarchy() == Hierarchy::Private
}

fn attribute_once(s: &Seen<'_>) -> bool {
    let mut seen = HashSet::new();
    s.subject.iter().all(|(a, _, _)| *a == Some(Attribute::Street) || seen.insert(a))
}

fn values(s: &Seen<'_>) -> bool {
    s.subject.iter().all(|(attribute, tag, text)| {
        let Some(attribute) = attribute else { return false };
        let printable =
            text.bytes().all(|b| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b));
        let fits = match tag {
            Tag::PrintableString => printable,
            Tag::Ia5String => text.is_ascii(),
            _ => true,
        };
        fits && *tag == attribute.string_tag()
            && text.trim() == text
            && text.chars().count() <= attribute.limit()
            && subject::says_something(text)
    })
}

fn country(s: &Seen<'_>) -> bool {
    let assigned = |text: &str| {
        text == "XX"
            || text.parse::<domain::country::CountryCode>().is_ok_and(|code| code.as_str() == text)
    };
    s.values(Attribute::Country).chain(s.values(Attribute::JurisdictionCountry)).all(assigned)
}

fn business_category(s: &Seen<'_>) -> bool {
    const FOUR: [&str; 4] =
        ["Private Organization", "Government Entity", "Business Entity", "Non-Commercial Entity"];
    s.values(Attribute::BusinessCategory).all(|v| FOUR.contains(&v))
}

fn common_name(s: &Seen<'_>) -> bool {
    let mut values = s.values(Attribute::CommonName);
    let first = values.next();
    values.next().is_none()
        && first.is_none_or(|text| s.names.iter().any(|name| name.to_string() == text))
}

/// The order in which leaves have their extensions.
const ORDER: [&[u8]; 9] = [
    oid::AUTHORITY_KEY_ID,
    oid::SUBJECT_KEY_ID,
    oid::KEY_USAGE,
    oid::BASIC_CONSTRAINTS,
    oid::EXT_KEY_USAGE,
    oid::CERTIFICATE_POLICIES,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::AUTHORITY_INFO_ACCESS,
    oid::SUBJECT_ALT_NAME,
];

fn extensions(s: &Seen<'_>) -> bool {
    let profile = s.rules.profile;
    let mail = profile.purpose() == Purpose::Mail;
    let mut there: Vec<&[u8]> =
        s.tbs.extensions().into_iter().flatten().map(|e| e.extn_id.as_bytes()).collect();
    if mail && there.last().is_some_and(|id| mail::TEMPLATES.contains(id)) {
        there.pop();
    }
    let wanted = ORDER.into_iter().filter(|id| match *id {
        oid::SUBJECT_KEY_ID => mail,
        oid::CERTIFICATE_POLICIES => profile.policy().is_some(),
        _ => true,
    });
    there.into_iter().eq(wanted)
}

fn critical(s: &Seen<'_>) -> bool {
    s.tbs.extensions().into_iter().flatten().all(|e| {
        let wanted = match e.extn_id.as_bytes() {
            oid::KEY_USAGE | oid::BASIC_CONSTRAINTS => true,
            oid::SUBJECT_ALT_NAME => s.subject.is_empty(),
            _ => false,
        };
        e.critical == wanted
    })
}

fn authority_key(s: &Seen<'_>) -> bool {
    s.parsed::<AuthorityKeyIdentifier>(oid::AUTHORITY_KEY_ID).is_some_and(|a| {
        a.key_identifier.is_some_and(|k| k.as_bytes() == s.rules.ca.key_id())
            && a.authority_cert_issuer.is_none()
            && a.authority_cert_serial_number.is_none()
    })
}

fn is_only(ids: &[ObjectIdentifier], wanted: &[u8]) -> bool {
    matches!(ids, [one] if one.as_bytes() == wanted)
}

fn policy(s: &Seen<'_>) -> bool {
    let there = s.parsed::<CertificatePolicies>(oid::CERTIFICATE_POLICIES);
    match (there, s.rules.profile.policy()) {
        (None, None) => true,
        (Some(list), Some(wanted)) => matches!(
            list.0.as_slice(),
            [one] if one.policy_identifier.as_bytes() == wanted && one.policy_qualifiers.is_none()
        ),
        _ => false,
    }
}

fn is_url(name: &GeneralName) -> bool {
    matches!(name, GeneralName::UniformResourceIdentifier(url) if is_public_http_url(url.as_str()))
}

fn crl_url(s: &Seen<'_>) -> bool {
    let list = s.parsed::<CrlDistributionPoints>(oid::CRL_DISTRIBUTION_POINTS);
    list.is_some_and(|list| match list.0.as_slice() {
        [one] => {
            let url = match &one.distribution_point {
                Some(DistributionPointName::FullName(names)) => {
                    matches!(names.as_slice(), [name] if is_url(name))
                }
                _ => false,
            };
            url && one.reasons.is_none() && one.crl_issuer.is_none()
        }
        _ => false,
    })
}

fn issuer_url(s: &Seen<'_>) -> bool {
    let list = s.parsed::<AuthorityInfoAccessSyntax>(oid::AUTHORITY_INFO_ACCESS);
    list.is_some_and(|list| match list.0.as_slice() {
        [one] => one.access_method.as_bytes() == oid::CA_ISSUERS && is_url(&one.access_location),
        _ => false,
    })
}

/// Whether there are names, all of them such, and none that could not be read.
fn all_are(s: &Seen<'_>, such: fn(&CertName) -> bool) -> bool {
    s.name_count > 0 && s.names.len() == s.name_count && s.names.iter().all(such)
}

fn names_kind(s: &Seen<'_>) -> bool {
    s.names.iter().all(|name| {
        (s.rules.profile.takes_wildcards() || !name.is_wildcard())
            && (s.rules.profile.takes_addresses() || name.dns().is_some())
    })
}

fn hierarchy(s: &Seen<'_>) -> bool {
    let (slot, profile) = (s.rules.ca.slot, s.rules.profile);
    let kind = match slot.role {
        crate::ca::CaRole::Issuing { kind, .. } => kind == profile.kind(),
        crate::ca::CaRole::Root => false,
    };
    kind && slot.hierarchy == profile.hierarchy() && slot.test == s.rules.test
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_a_source() {
        let names: HashSet<&str> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
        assert!(RULES.iter().all(|rule| !rule.source.is_empty() && !rule.text.is_empty()));
    }
}
