//! Kinds of certificates: what was validated, and what follows from it whatever a profile says.

use der::oid::ObjectIdentifier;
use serde::Deserialize;

use crate::name::Attribute;
use crate::oid::id;

/// What was validated of a subject.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValidationKind {
    /// The domain.
    Dv,
    /// An organisation.
    Ov,
    /// A person.
    Iv,
    /// An organisation, by the EV Guidelines.
    Ev,
    /// A mailbox, multipurpose generation.
    #[serde(rename = "mv-multi")]
    MailboxMultipurpose,
    /// A mailbox, strict generation.
    #[serde(rename = "mv-strict")]
    MailboxStrict,
    /// An organisation and a mailbox, multipurpose generation.
    #[serde(rename = "ov-multi")]
    OrganizationMultipurpose,
}

/// For what a leaf is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A TLS server: names are DNS names and addresses.
    Server,
    /// S/MIME: names are mailboxes.
    Mail,
}

impl ValidationKind {
    /// Those of server certificates.
    pub const SERVER: [ValidationKind; 4] =
        [ValidationKind::Dv, ValidationKind::Ov, ValidationKind::Iv, ValidationKind::Ev];

    /// Those of S/MIME certificates.
    pub const MAIL: [ValidationKind; 3] = [
        ValidationKind::MailboxMultipurpose,
        ValidationKind::MailboxStrict,
        ValidationKind::OrganizationMultipurpose,
    ];

    /// For what its leaves are.
    #[must_use]
    pub fn purpose(self) -> Purpose {
        match self {
            ValidationKind::Dv | ValidationKind::Ov | ValidationKind::Iv | ValidationKind::Ev => {
                Purpose::Server
            }
            ValidationKind::MailboxMultipurpose
            | ValidationKind::MailboxStrict
            | ValidationKind::OrganizationMultipurpose => Purpose::Mail,
        }
    }

    /// The extended key usages of its leaves, and of the CAs that issue them: servers' keys serve nothing else (Chrome Root
    /// Program 3.2), and those for mail never a server (S/MIME BR 7.1.2.3 f).
    #[must_use]
    pub fn key_purposes(self) -> &'static [ObjectIdentifier] {
        match self {
            ValidationKind::Dv | ValidationKind::Ov | ValidationKind::Iv | ValidationKind::Ev => {
                &[id::SERVER_AUTH]
            }
            ValidationKind::MailboxMultipurpose | ValidationKind::OrganizationMultipurpose => {
                &[id::EMAIL_PROTECTION, id::CLIENT_AUTH]
            }
            ValidationKind::MailboxStrict => &[id::EMAIL_PROTECTION],
        }
    }

    /// `dv` and so on.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ValidationKind::Dv => "dv",
            ValidationKind::Ov => "ov",
            ValidationKind::Iv => "iv",
            ValidationKind::Ev => "ev",
            ValidationKind::MailboxMultipurpose => "mv-multi",
            ValidationKind::MailboxStrict => "mv-strict",
            ValidationKind::OrganizationMultipurpose => "ov-multi",
        }
    }

    /// The policy that the CA/Browser Forum reserved for it.
    #[must_use]
    pub fn reserved_policy(self) -> &'static str {
        match self {
            ValidationKind::Dv => "2.23.140.1.2.1",
            ValidationKind::Ov => "2.23.140.1.2.2",
            ValidationKind::Iv => "2.23.140.1.2.3",
            ValidationKind::Ev => "2.23.140.1.1",
            ValidationKind::MailboxMultipurpose => "2.23.140.1.5.1.2",
            ValidationKind::MailboxStrict => "2.23.140.1.5.1.3",
            ValidationKind::OrganizationMultipurpose => "2.23.140.1.5.2.2",
        }
    }

    /// The ceiling of a public subject: no other attribute, whatever the data says (BR 7.1.2.7, EVG 7.1.4.2, S/MIME
    /// BR 7.1.4.2.3 and 7.1.4.2.4).
    pub(super) fn allows(self, attribute: Attribute) -> bool {
        use Attribute as A;
        match self {
            ValidationKind::Dv => matches!(attribute, A::CommonName),
            ValidationKind::Ov => matches!(
                attribute,
                A::Country
                    | A::State
                    | A::Locality
                    | A::PostalCode
                    | A::Street
                    | A::Organization
                    | A::CommonName
            ),
            ValidationKind::Iv => matches!(
                attribute,
                A::Country
                    | A::State
                    | A::Locality
                    | A::PostalCode
                    | A::Street
                    | A::Surname
                    | A::GivenName
                    | A::CommonName
            ),
            ValidationKind::Ev => !matches!(attribute, A::Surname | A::GivenName | A::EmailAddress),
            ValidationKind::MailboxMultipurpose | ValidationKind::MailboxStrict => {
                matches!(attribute, A::CommonName | A::EmailAddress)
            }
            ValidationKind::OrganizationMultipurpose => matches!(
                attribute,
                A::Country
                    | A::State
                    | A::Locality
                    | A::Organization
                    | A::CommonName
                    | A::OrganizationIdentifier
                    | A::EmailAddress
            ),
        }
    }
}

impl From<domain::product::Level> for ValidationKind {
    fn from(level: domain::product::Level) -> Self {
        use domain::product::Level;
        match level {
            Level::Dv => ValidationKind::Dv,
            Level::Ov => ValidationKind::Ov,
            Level::Ev | Level::QwacLegal | Level::QwacPsd2 => ValidationKind::Ev,
            Level::QwacNatural => ValidationKind::Iv,
            Level::MailboxMultipurpose => ValidationKind::MailboxMultipurpose,
            Level::MailboxStrict => ValidationKind::MailboxStrict,
            Level::OrganizationMultipurpose => ValidationKind::OrganizationMultipurpose,
        }
    }
}
