//! What a CA's certificate says, for people.

use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::CaCertificate;
use crate::signer::SignatureAlgorithm;
use crate::spki;

impl CaCertificate {
    /// Its serial, capitals of hexadecimal; empty if it cannot be read.
    #[must_use]
    pub fn serial(&self) -> String {
        let read = Certificate::from_der(&self.der);
        read.map_or_else(
            |_| String::new(),
            |c| hex::encode_upper(c.tbs_certificate().serial_number().as_bytes()),
        )
    }

    /// Its subject (RFC 4514); empty if it cannot be read.
    #[must_use]
    pub fn subject_text(&self) -> String {
        let read = Certificate::from_der(&self.der);
        read.map_or_else(|_| String::new(), |c| c.tbs_certificate().subject().to_string())
    }

    /// Kind and size of its key: `P-384`, `RSA 3072`.
    #[must_use]
    pub fn key_words(&self) -> String {
        match self.algorithm() {
            SignatureAlgorithm::EcdsaSha256 => "P-256".to_owned(),
            SignatureAlgorithm::EcdsaSha384 => "P-384".to_owned(),
            SignatureAlgorithm::RsaSha256 => {
                let octets = spki::rsa_numbers(self.spki()).map_or(0, |(modulus, _)| modulus.len());
                format!("RSA {}", octets * 8)
            }
        }
    }
}
