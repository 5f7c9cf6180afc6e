//! Any bytes as a certification request of either kind, as octets and as text.

#![no_main]

use std::sync::LazyLock;

use issuance::csr;
use issuance::weak_keys::WeakKeys;
use libfuzzer_sys::fuzz_target;

static WEAK: LazyLock<WeakKeys> = LazyLock::new(WeakKeys::without_lists);

fuzz_target!(|data: &[u8]| {
    let from_octets = csr::read_either_der(data, &WEAK);
    let text = String::from_utf8_lossy(data);
    let _ = csr::decode(&text, &WEAK);
    let _ = csr::read(&text, &WEAK);
    let _ = csr::read_either(&text, &WEAK);
    let _ = csr::microsoft_template(data);
    if let Ok(read) = from_octets {
        // What was taken once is taken again, in the form in which it is kept.
        assert!(csr::read_either_der(&read.der, &WEAK).is_ok());
    }
});
