//! How the rules that bind leaves for mail alone are checked.

use domain::identifiers::OrganizationIdentifier;
use domain::mail_address::MailAddress;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};

use super::Seen;
use crate::leaf::template;
use crate::name::Attribute;
use crate::oid;
use crate::profile::ValidationKind;
use crate::spki;

/// The two types of Microsoft's template.
pub const TEMPLATES: [&[u8]; 2] = [oid::MS_TEMPLATE, oid::MS_TEMPLATE_NAME];

fn names(s: &Seen<'_>, mailbox: &str) -> bool {
    s.names.iter().any(|name| name.mailbox().is_some_and(|m| m.as_str() == mailbox))
}

/// A mailbox profile takes no organization, so that there is none whose name it could be.
pub fn common_name(s: &Seen<'_>) -> bool {
    let organization = |text: &str| {
        s.rules.profile.takes(Attribute::Organization)
            && s.values(Attribute::Organization).any(|name| name == text)
    };
    s.values(Attribute::CommonName).all(|text| names(s, text) || organization(text))
}

/// So is a common name that reads as a mailbox, were it an organisation's name too.
pub fn subject_mailboxes(s: &Seen<'_>) -> bool {
    let common_name = s.values(Attribute::CommonName);
    let common_name = common_name.filter(|text| text.parse::<MailAddress>().is_ok());
    s.values(Attribute::EmailAddress).chain(common_name).all(|text| names(s, text))
}

/// LEI and INT are of no country.
pub fn organization_identifier(s: &Seen<'_>) -> bool {
    s.values(Attribute::OrganizationIdentifier).all(|text| {
        OrganizationIdentifier::parse(text).is_ok_and(|identifier| {
            let of = identifier.country();
            of.is_none_or(|of| s.values(Attribute::Country).any(|text| text == of.as_str()))
        })
    })
}

pub fn key_identifier(s: &Seen<'_>) -> bool {
    let there = s.parsed::<SubjectKeyIdentifier>(oid::SUBJECT_KEY_ID);
    let wanted = spki::key_identifier_sha1(s.spki);
    there.zip(wanted.ok()).is_some_and(|(there, wanted)| there.0.as_bytes() == wanted)
}

pub fn key_usage(s: &Seen<'_>) -> bool {
    let rsa = spki::rsa_numbers(s.spki).is_some();
    let wanted = if rsa { [3, 2, 5, 0xa0] } else { [3, 2, 3, 0x88] };
    s.extension(oid::KEY_USAGE).is_some_and(|(_, value)| value == wanted)
}

pub fn email_protection(s: &Seen<'_>) -> bool {
    let wanted: &[&[u8]] = match s.rules.profile.kind() {
        ValidationKind::MailboxStrict => &[oid::EMAIL_PROTECTION],
        _ => &[oid::EMAIL_PROTECTION, oid::CLIENT_AUTH],
    };
    let there = s.parsed::<ExtendedKeyUsage>(oid::EXT_KEY_USAGE);
    there.is_some_and(|there| there.0.iter().map(|id| id.as_bytes()).eq(wanted.iter().copied()))
}

pub fn template(s: &Seen<'_>) -> bool {
    TEMPLATES
        .into_iter()
        .filter_map(|id| Some((id, s.extension(id)?.1)))
        .all(|(id, value)| value.len() <= template::MAX_OCTETS && template::is_template(id, value))
}
