//! Object identifiers: as the content octets that stand in DER, and in [`id`] as the type that encoders take.

use der::oid::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $dotted:literal;)*) => {
        $(
            $(#[$doc])*
            pub const $name: &[u8] = id::$name.as_bytes();
        )*

        /// The same identifiers, typed.
        pub mod id {
            use super::ObjectIdentifier;

            $(
                $(#[$doc])*
                pub const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($dotted);
            )*
        }
    };
}

oids! {
    /// rsaEncryption.
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    /// md5WithRSAEncryption.
    MD5_WITH_RSA = "1.2.840.113549.1.1.4";
    /// sha1WithRSAEncryption.
    SHA1_WITH_RSA = "1.2.840.113549.1.1.5";
    /// The same by its old name of OIW.
    SHA1_WITH_RSA_OIW = "1.3.14.3.2.29";
    /// id-RSASSA-PSS.
    RSASSA_PSS = "1.2.840.113549.1.1.10";
    /// id-mgf1.
    MGF1 = "1.2.840.113549.1.1.8";
    /// sha256WithRSAEncryption.
    SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
    /// sha384WithRSAEncryption.
    SHA384_WITH_RSA = "1.2.840.113549.1.1.12";
    /// sha512WithRSAEncryption.
    SHA512_WITH_RSA = "1.2.840.113549.1.1.13";
    /// SHA-256.
    SHA256 = "2.16.840.1.101.3.4.2.1";
    /// SHA-384.
    SHA384 = "2.16.840.1.101.3.4.2.2";
    /// SHA-512.
    SHA512 = "2.16.840.1.101.3.4.2.3";
    /// id-ecPublicKey.
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    /// P-256.
    P256 = "1.2.840.10045.3.1.7";
    /// P-384.
    P384 = "1.3.132.0.34";
    /// P-521.
    P521 = "1.3.132.0.35";
    /// ecdsa-with-SHA1.
    ECDSA_SHA1 = "1.2.840.10045.4.1";
    /// ecdsa-with-SHA256.
    ECDSA_SHA256 = "1.2.840.10045.4.3.2";
    /// ecdsa-with-SHA384.
    ECDSA_SHA384 = "1.2.840.10045.4.3.3";
    /// ecdsa-with-SHA512.
    ECDSA_SHA512 = "1.2.840.10045.4.3.4";

    /// commonName.
    COMMON_NAME = "2.5.4.3";
    /// surname.
    SURNAME = "2.5.4.4";
    /// serialNumber.
    SERIAL_NUMBER = "2.5.4.5";
    /// countryName.
    COUNTRY = "2.5.4.6";
    /// localityName.
    LOCALITY = "2.5.4.7";
    /// stateOrProvinceName.
    STATE = "2.5.4.8";
    /// streetAddress.
    STREET = "2.5.4.9";
    /// organizationName.
    ORGANIZATION = "2.5.4.10";
    /// organizationalUnitName.
    ORGANIZATIONAL_UNIT = "2.5.4.11";
    /// businessCategory.
    BUSINESS_CATEGORY = "2.5.4.15";
    /// postalCode.
    POSTAL_CODE = "2.5.4.17";
    /// postOfficeBox.
    POST_OFFICE_BOX = "2.5.4.18";
    /// telephoneNumber.
    TELEPHONE = "2.5.4.20";
    /// givenName.
    GIVEN_NAME = "2.5.4.42";
    /// organizationIdentifier.
    ORGANIZATION_IDENTIFIER = "2.5.4.97";
    /// emailAddress of PKCS #9.
    EMAIL = "1.2.840.113549.1.9.1";
    /// jurisdictionLocalityName of the EV Guidelines.
    JURISDICTION_LOCALITY = "1.3.6.1.4.1.311.60.2.1.1";
    /// jurisdictionStateOrProvinceName.
    JURISDICTION_STATE = "1.3.6.1.4.1.311.60.2.1.2";
    /// jurisdictionCountryName.
    JURISDICTION_COUNTRY = "1.3.6.1.4.1.311.60.2.1.3";

    /// extensionRequest of PKCS #9.
    EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
    /// Microsoft's certificate extensions attribute.
    MS_EXTENSION_REQUEST = "1.3.6.1.4.1.311.2.1.14";
    /// Microsoft's certificate template, version 2.
    MS_TEMPLATE = "1.3.6.1.4.1.311.21.7";
    /// Microsoft's certificate template name.
    MS_TEMPLATE_NAME = "1.3.6.1.4.1.311.20.2";

    /// subjectKeyIdentifier.
    SUBJECT_KEY_ID = "2.5.29.14";
    /// keyUsage.
    KEY_USAGE = "2.5.29.15";
    /// subjectAltName.
    SUBJECT_ALT_NAME = "2.5.29.17";
    /// basicConstraints.
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// cRLNumber.
    CRL_NUMBER = "2.5.29.20";
    /// reasonCode.
    REASON_CODE = "2.5.29.21";
    /// issuingDistributionPoint.
    ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
    /// cRLDistributionPoints.
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    /// certificatePolicies.
    CERTIFICATE_POLICIES = "2.5.29.32";
    /// authorityKeyIdentifier.
    AUTHORITY_KEY_ID = "2.5.29.35";
    /// extKeyUsage.
    EXT_KEY_USAGE = "2.5.29.37";
    /// authorityInfoAccess.
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    /// The access method caIssuers.
    CA_ISSUERS = "1.3.6.1.5.5.7.48.2";
    /// id-kp-serverAuth.
    SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    /// id-kp-clientAuth.
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
    /// id-kp-emailProtection.
    EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4";

    /// PKCS #7 data.
    PKCS7_DATA = "1.2.840.113549.1.7.1";
    /// PKCS #7 signedData.
    PKCS7_SIGNED_DATA = "1.2.840.113549.1.7.2";
    /// Netscape's certificate sequence.
    NETSCAPE_CERT_SEQUENCE = "2.16.840.1.113730.2.5";
}

/// The content octets of a dotted identifier; None if it is none.
#[must_use]
pub fn from_dotted(text: &str) -> Option<Vec<u8>> {
    ObjectIdentifier::new(text).ok().map(|oid| oid.as_bytes().to_vec())
}
