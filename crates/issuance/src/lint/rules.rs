//! The table of rules.

use std::collections::HashSet;

use der::oid::ObjectIdentifier;
use der::{Decode, Encode, Tag};
use domain::subject;
use domain::time::{DAY, SECOND, Time};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, KeyUsage,
};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::Seen;
use super::names::{is_public_http_url, may_be_public};
use crate::name::Attribute;
use crate::oid;
use crate::profile::Hierarchy;
use crate::spki::{self, KeyFacts};
use crate::tbs;

/// A rule, where it stands, and how it is checked.
pub struct Rule {
    /// Its name in reports.
    pub name: &'static str,
    /// Where it is written.
    pub source: &'static str,
    /// What it says.
    pub text: &'static str,
    /// True when the certificate keeps it.
    pub holds: fn(&Seen<'_>) -> bool,
}

macro_rules! rules {
    ($($name:literal, $source:literal, $text:literal, $holds:expr;)*) => {
        /// Every rule.
        pub const RULES: &[Rule] =
            &[$(Rule { name: $name, source: $source, text: $text, holds: $holds },)*];
    };
}

rules! {
    "version", "BR 7.1.1", "version 3",
        |s| s.tbs.version() == x509_cert::certificate::Version::V3;
    "serial", "BR 7.1.2.7, RFC 5280 4.1.2.2", "positive, 64 bits at least, below 2^159", serial;
    "algorithm", "BR 7.1.3.2", "the issuer's AlgorithmIdentifier, byte for byte",
        |s| s.algorithm == s.rules.ca.algorithm().der();
    "issuer", "BR 7.1.4.1", "the issuer's subject, byte for byte",
        |s| s.issuer == s.rules.ca.subject();
    "time_form", "RFC 5280 4.1.2.5", "UTCTime through 2049, whole seconds, Z",
        |s| is_time(s.times[0], s.validity.not_before) && is_time(s.times[1], s.validity.not_after);
    "not_before", "BR 7.1.2.7", "notBefore within 48 hours of signing",
        |s| s.rules.now.since(s.validity.not_before).abs() <= 2 * DAY;
    "validity", "BR 6.3.2", "no longer than the rules of the day allow, both ends counted", validity;
    "nesting", "RFC 5280 6.1", "within the issuer's validity",
        |s| s.validity.not_before >= s.rules.ca.validity().not_before
            && s.validity.not_after <= s.rules.ca.validity().not_after;
    "key", "BR 6.1.5, 6.1.6, 7.1.3.1", "an allowed key in the one allowed form", key;
    "no_unique_ids", "BR 7.1.2.7", "no issuerUniqueID or subjectUniqueID",
        |s| s.tbs.issuer_unique_id().is_none() && s.tbs.subject_unique_id().is_none();
    "rdn", "BR 7.1.4.1", "one attribute per RDN", |s| s.single_valued;
    "attributes", "BR 7.1.2.7.2-4, EVG 7.1.4.2", "only attributes of the profile; never an OU",
        |s| s.subject.iter().all(|(a, _, _)| a.is_some_and(|a| s.rules.profile.takes(a)));
    "required", "BR 7.1.2.7.2-4, EVG 7.1.4.2", "every attribute that the profile requires",
        |s| s.rules.profile.required().iter().all(|r| s.values(*r).next().is_some());
    "place", "BR 7.1.2.7.3-4", "a locality or a state beside an organisation or a person", place;
    "attribute_order", "BR 7.1.4.2", "the order of attributes",
        |s| s.subject.is_sorted_by_key(|(a, _, _)| *a);
    "attribute_once", "BR 7.1.4.1", "each attribute once, streets apart", attribute_once;
    "values", "BR 7.1.4.2, 7.1.4.3", "string type, length, and no value that says nothing", values;
    "characters", "RFC 5280 8", "no control, and none that hides or turns text",
        |s| s.subject.iter().all(|(_, _, text)| text.chars().all(subject::is_harmless));
    "country", "BR 7.1.4.2", "an ISO 3166-1 code in capitals", country;
    "business_category", "EVG 7.1.4.2.3", "one of four", business_category;
    "common_name", "BR 7.1.4.3", "at most one, character for character one of the names",
        common_name;
    "extensions", "BR 7.1.2.7.6", "the extensions of this house, each once, in their order",
        extensions;
    "critical", "BR 7.1.2.7.6", "criticality of every extension", critical;
    "authority_key", "BR 7.1.2.11.1", "the issuer's key identifier and nothing else",
        authority_key;
    "key_usage", "BR 7.1.2.7.11", "digitalSignature alone",
        |s| s.extension(oid::KEY_USAGE).is_some_and(|(_, v)| v == [3, 2, 7, 0x80])
            && s.parsed::<KeyUsage>(oid::KEY_USAGE).is_some_and(|k| k.digital_signature());
    "basic_constraints", "BR 7.1.2.7.8", "no CA: an empty SEQUENCE",
        |s| s.extension(oid::BASIC_CONSTRAINTS).is_some_and(|(_, v)| v == [0x30, 0])
            && s.parsed::<BasicConstraints>(oid::BASIC_CONSTRAINTS).is_some_and(|b| !b.ca);
    "server_auth", "BR 7.1.2.7.10, Chrome Root Program 3.2", "serverAuth and nothing else",
        |s| s.parsed::<ExtendedKeyUsage>(oid::EXT_KEY_USAGE)
            .is_some_and(|e| is_only(&e.0, oid::SERVER_AUTH));
    "policy", "BR 7.1.2.7.9", "exactly the profile's reserved policy, without qualifiers", policy;
    "crl_url", "BR 7.1.2.11.2", "one distribution point with one http URL", crl_url;
    "issuer_url", "BR 7.1.2.7.7", "caIssuers with an http URL, and nothing else", issuer_url;
    "names_form", "BR 7.1.2.7.12", "dNSName in LDH labels and iPAddress only, at least one",
        |s| s.name_count > 0 && s.names.len() == s.name_count;
    "names_once", "RFC 5280 4.2.1.6", "no name twice",
        |s| s.names.iter().collect::<HashSet<_>>().len() == s.names.len();
    "names_public", "BR 7.1.2.7.12, 4.2.2", "no internal name, no reserved address, nothing in arpa",
        |s| s.rules.profile.hierarchy() == Hierarchy::Private || s.names.iter().all(may_be_public);
    "names_kind", "EVG 7.1.4.2", "wildcards and addresses only where the profile takes them",
        names_kind;
    "hierarchy", "BR 7.1.2.6", "under a CA of the profile's kind and hierarchy, live or test as the order",
        hierarchy;
}

fn serial(s: &Seen<'_>) -> bool {
    let octets = s.serial_octets;
    let negative = octets.first().is_none_or(|b| *b >= 0x80);
    let significant = octets.iter().skip_while(|b| **b == 0).count();
    !negative && s.serial.is_some() && significant >= 8 && octets.len() <= 20
}

fn validity(s: &Seen<'_>) -> bool {
    let seconds = s.validity.not_after.since(s.validity.not_before) + SECOND;
    let cap = i64::from(s.rules.policy.tls_days(s.rules.now)) * DAY;
    (SECOND + 1..=cap).contains(&seconds)
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
        *tag == attribute.string_tag()
            && (*tag != Tag::PrintableString || printable)
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
const ORDER: [&[u8]; 8] = [
    oid::AUTHORITY_KEY_ID,
    oid::KEY_USAGE,
    oid::BASIC_CONSTRAINTS,
    oid::EXT_KEY_USAGE,
    oid::CERTIFICATE_POLICIES,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::AUTHORITY_INFO_ACCESS,
    oid::SUBJECT_ALT_NAME,
];

fn extensions(s: &Seen<'_>) -> bool {
    let there = s.tbs.extensions().into_iter().flatten().map(|e| e.extn_id.as_bytes());
    let wanted = ORDER
        .into_iter()
        .filter(|id| *id != oid::CERTIFICATE_POLICIES || s.rules.profile.policy().is_some());
    there.eq(wanted)
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
