//! CMMF, as Navigator took it: draft-ietf-pkix-cmmf-02 (1998), which never became a standard. Its tags are IMPLICIT, other
//! than those of CMP, which came of it: the one reader that is known (NSS) refuses the explicit ones.

use der::asn1::AnyRef;
use der::{Decode, Encode, Sequence, Tag, TagNumber, Tagged};

use super::elements;

/// CertRepContent.
#[derive(Sequence)]
struct CertRepContent<'a> {
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    ca_pubs: Option<Vec<AnyRef<'a>>>,
    response: Vec<CertResponse<'a>>,
}

#[derive(Sequence)]
struct CertResponse<'a> {
    request: u8,
    status: StatusInfo,
    key_pair: CertifiedKeyPair<'a>,
}

/// PKIStatusInfo without words.
#[derive(Sequence)]
struct StatusInfo {
    status: u8,
}

/// A certificate, as `[0]` in place of its own tag.
#[derive(Sequence)]
struct CertifiedKeyPair<'a> {
    certificate: AnyRef<'a>,
}

const GRANTED: u8 = 0;

/// The answer to the one request, number 0: the leaf, and as caPubs the certificates of the CAs in the given order.
///
/// # Errors
/// If one of the certificates is not DER.
pub fn cmmf(leaf: &[u8], chain: &[&[u8]]) -> der::Result<Vec<u8>> {
    let leaf = AnyRef::from_der(leaf)?;
    leaf.tag().assert_eq(Tag::Sequence)?;
    let implicit = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    let response = CertResponse {
        request: 0,
        status: StatusInfo { status: GRANTED },
        key_pair: CertifiedKeyPair { certificate: AnyRef::new(implicit, leaf.value())? },
    };
    let ca_pubs = if chain.is_empty() { None } else { Some(elements(chain)?) };
    CertRepContent { ca_pubs, response: vec![response] }.to_der()
}
