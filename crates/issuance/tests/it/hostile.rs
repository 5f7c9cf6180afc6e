use issuance::csr;
use issuance::weak_keys::WeakKeys;
use proptest::prelude::*;

use crate::requests::Odd;

proptest! {
    #[test]
    fn any_text_is_answered(text in ".{0,400}") {
        let _ = csr::decode(&text, &WeakKeys::without_lists());
    }

    #[test]
    fn any_base64_is_answered(text in "(-----BEGIN CERTIFICATE REQUEST-----)?[A-Za-z0-9+/= \r\n]{0,400}") {
        let _ = csr::decode(&text, &WeakKeys::without_lists());
    }

    #[test]
    fn any_octets_are_answered(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = csr::decode_der(&octets, &WeakKeys::without_lists());
        let wrapped = crate::asn1::seq(&[&octets]);
        let _ = csr::decode_der(&wrapped, &WeakKeys::without_lists());
    }

    #[test]
    fn bent_requests_are_never_taken(changes in proptest::collection::vec((any::<u16>(), 1_u8..), 1..4)) {
        let odd = Odd::new();
        let mut der = odd.der();
        let info = odd.info();
        for (at, by) in changes {
            let at = usize::from(at) % der.len();
            der[at] ^= by;
        }
        if let Ok(csr) = csr::read_der(&der, &WeakKeys::without_lists()) {
            let signed = csr::normalise::first_inside(&csr.der).unwrap_or_default();
            prop_assert_eq!(signed, info.as_slice());
        }
    }

    #[test]
    fn cut_and_grown_requests_are_answered(cut in any::<u16>(), grow in any::<u8>()) {
        let mut der = Odd::new().der();
        let at = usize::from(cut) % der.len();
        der.insert(at, grow);
        let _ = csr::decode_der(&der, &WeakKeys::without_lists());
        der.truncate(at);
        let _ = csr::decode_der(&der, &WeakKeys::without_lists());
    }
}
