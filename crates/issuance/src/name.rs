//! Distinguished names as they are written: one attribute per RDN, in one fixed order.

use der::asn1::{Any, SetOfVec};
use der::oid::ObjectIdentifier;
use der::{Encode, Tag};
use x509_cert::attr::AttributeTypeAndValue;

use crate::oid;

/// The attributes that subjects may have, in the order in which they are written (BR 7.1.4.2, EVG 7.1.4.2; S/MIME BR 7.1.4
/// leaves it open).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Attribute {
    /// EV: country of incorporation.
    JurisdictionCountry,
    /// EV: state of incorporation.
    JurisdictionState,
    /// EV: locality of incorporation.
    JurisdictionLocality,
    /// EV: business category.
    BusinessCategory,
    /// EV: registration number.
    SerialNumber,
    /// countryName.
    Country,
    /// stateOrProvinceName.
    State,
    /// localityName.
    Locality,
    /// postalCode.
    PostalCode,
    /// streetAddress.
    Street,
    /// organizationName.
    Organization,
    /// surname.
    Surname,
    /// givenName.
    GivenName,
    /// commonName.
    CommonName,
    /// organizationIdentifier.
    OrganizationIdentifier,
    /// emailAddress of PKCS #9: of S/MIME certificates alone.
    EmailAddress,
}

impl Attribute {
    /// Content octets of the type's identifier.
    #[must_use]
    pub fn oid(self) -> &'static [u8] {
        match self {
            Attribute::JurisdictionCountry => oid::JURISDICTION_COUNTRY,
            Attribute::JurisdictionState => oid::JURISDICTION_STATE,
            Attribute::JurisdictionLocality => oid::JURISDICTION_LOCALITY,
            Attribute::BusinessCategory => oid::BUSINESS_CATEGORY,
            Attribute::SerialNumber => oid::SERIAL_NUMBER,
            Attribute::Country => oid::COUNTRY,
            Attribute::State => oid::STATE,
            Attribute::Locality => oid::LOCALITY,
            Attribute::PostalCode => oid::POSTAL_CODE,
            Attribute::Street => oid::STREET,
            Attribute::Organization => oid::ORGANIZATION,
            Attribute::Surname => oid::SURNAME,
            Attribute::GivenName => oid::GIVEN_NAME,
            Attribute::CommonName => oid::COMMON_NAME,
            Attribute::OrganizationIdentifier => oid::ORGANIZATION_IDENTIFIER,
            Attribute::EmailAddress => oid::EMAIL,
        }
    }

    /// Name of the type, as X.520 and the EV Guidelines write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Attribute::JurisdictionCountry => "jurisdictionCountryName",
            Attribute::JurisdictionState => "jurisdictionStateOrProvinceName",
            Attribute::JurisdictionLocality => "jurisdictionLocalityName",
            Attribute::BusinessCategory => "businessCategory",
            Attribute::SerialNumber => "serialNumber",
            Attribute::Country => "countryName",
            Attribute::State => "stateOrProvinceName",
            Attribute::Locality => "localityName",
            Attribute::PostalCode => "postalCode",
            Attribute::Street => "streetAddress",
            Attribute::Organization => "organizationName",
            Attribute::Surname => "surname",
            Attribute::GivenName => "givenName",
            Attribute::CommonName => "commonName",
            Attribute::OrganizationIdentifier => "organizationIdentifier",
            Attribute::EmailAddress => "emailAddress",
        }
    }

    /// By the content octets of its identifier.
    #[must_use]
    pub fn from_oid(content: &[u8]) -> Option<Self> {
        ALL.into_iter().find(|a| a.oid() == content)
    }

    /// The most characters that RFC 5280's and X.520's upper bounds allow.
    #[must_use]
    pub fn limit(self) -> usize {
        match self {
            Attribute::JurisdictionCountry | Attribute::Country => 2,
            Attribute::JurisdictionState
            | Attribute::JurisdictionLocality
            | Attribute::BusinessCategory
            | Attribute::State
            | Attribute::Locality
            | Attribute::Street => 128,
            Attribute::SerialNumber | Attribute::Organization | Attribute::CommonName => 64,
            Attribute::PostalCode | Attribute::Surname => 40,
            Attribute::GivenName => 16,
            Attribute::OrganizationIdentifier => 256,
            Attribute::EmailAddress => 255,
        }
    }

    /// PrintableString or IA5String where the type demands it, UTF8String elsewhere.
    #[must_use]
    pub fn string_tag(self) -> Tag {
        match self {
            Attribute::JurisdictionCountry | Attribute::Country | Attribute::SerialNumber => {
                Tag::PrintableString
            }
            Attribute::EmailAddress => Tag::Ia5String,
            _ => Tag::Utf8String,
        }
    }
}

/// All attributes, in order.
pub const ALL: [Attribute; 16] = [
    Attribute::JurisdictionCountry,
    Attribute::JurisdictionState,
    Attribute::JurisdictionLocality,
    Attribute::BusinessCategory,
    Attribute::SerialNumber,
    Attribute::Country,
    Attribute::State,
    Attribute::Locality,
    Attribute::PostalCode,
    Attribute::Street,
    Attribute::Organization,
    Attribute::Surname,
    Attribute::GivenName,
    Attribute::CommonName,
    Attribute::OrganizationIdentifier,
    Attribute::EmailAddress,
];

/// DER of a Name with these attributes, sorted into their order; streets and the like keep theirs among themselves.
///
/// # Errors
/// If a value is longer than the encoder takes (256 MiB).
pub fn encode(attributes: &[(Attribute, &str)]) -> der::Result<Vec<u8>> {
    let mut sorted = attributes.to_vec();
    sorted.sort_by_key(|(attribute, _)| *attribute);
    let rdns = sorted.into_iter().map(|(attribute, value)| rdn(attribute, value));
    let rdns = rdns.collect::<der::Result<Vec<_>>>();
    rdns.and_then(|rdns| rdns.to_der())
}

fn rdn(attribute: Attribute, value: &str) -> der::Result<SetOfVec<AttributeTypeAndValue>> {
    let oid = ObjectIdentifier::from_bytes(attribute.oid())?;
    let value = Any::new(attribute.string_tag(), value.as_bytes())?;
    SetOfVec::try_from([AttributeTypeAndValue { oid, value }])
}
