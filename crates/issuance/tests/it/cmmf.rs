//! CMMF: its structure, and what NSS, the one program that is known to read it, makes of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::csr::PublicKey;
use issuance::collect;
use issuance::profile::Hierarchy;

use crate::asn1::{seq, tlv};
use crate::support::*;

fn issued(dir: &Dir) -> (Vec<u8>, Vec<Vec<u8>>) {
    let cas = cas(&dir.0);
    let profile = profile("mv-multi");
    let key: PublicKey =
        key(dir, "k", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let authority = cas.issuer_of(Hierarchy::Mail, profile.kind(), false, false).unwrap();
    let leaf = issue_with(authority, &profile, &key, &["ann@example.com"], &[]);
    let chain = cas.chain(authority.certificate.id).iter().map(|c| c.der.clone()).collect();
    (leaf.der, chain)
}

/// The tag of the leaf is [0] in place of SEQUENCE, that of the CAs' list [1].
#[test]
fn cmmf_is_tagged_implicitly() {
    let dir = Dir::new("cmmf");
    let (leaf, chain) = issued(&dir);
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let mut tagged = leaf.clone();
    assert_eq!(std::mem::replace(&mut tagged[0], 0xa0), 0x30);
    let response =
        |tagged: &[u8]| seq(&[&seq(&[&[2, 1, 0], &seq(&[&[2, 1, 0]]), &seq(&[tagged])])]);
    let made = collect::cmmf(&leaf, &chain).unwrap();
    assert_eq!(made, seq(&[&tlv(0xa1, &chain), &response(&tagged)]));
    let alone = collect::cmmf(&leaf, &[]).unwrap();
    assert_eq!(alone, seq(&[&response(&tagged)]));
    for bad in [&b"no DER"[..], &[], &[5, 0], &leaf[..leaf.len() - 1], &[&leaf[..], &[0]].concat()]
    {
        assert!(collect::cmmf(bad, &chain).is_err());
        assert!(collect::cmmf(&leaf, &[bad]).is_err() || bad == [5, 0]);
    }
}

/// The reader stands beside the repository, in the folder of what all work on it share (or where CHANCERY_SHARED says).
#[test]
fn nss_reads_cmmf() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("CHANCERY_SHARED").map_or_else(beside, PathBuf::from);
    let source = shared.join("checks/cmmf_nss.c");
    if !source.exists() {
        let said = format!("\nLEFT OUT: nss_reads_cmmf, for {} is not there\n", source.display());
        // Past the test harness, which keeps what is printed to itself.
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    }
    let dir = Dir::new("cmmf-nss");
    let build = format!(
        "cc -o cmmf_nss '{}' $(pkg-config --cflags nss) -lcrmf $(pkg-config --libs nss) -lsmime3",
        source.display()
    );
    let built = Command::new("sh").args(["-c", &build]).current_dir(&dir.0).output().unwrap();
    let words = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{words}\n(apt-get install gcc pkg-config libnss3-dev)");
    let (leaf, chain) = issued(&dir);
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    dir.put("answer.der", collect::cmmf(&leaf, &chain).unwrap());
    let read = Command::new(dir.0.join("cmmf_nss"))
        .args(["dec", "answer.der"])
        .current_dir(&dir.0)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&read.stdout);
    assert!(read.status.success(), "{text}");
    assert!(text.contains("responses: 1") && text.contains("certReqId=0 status=0"), "{text}");
    assert!(text.contains("cert subject: CN=ann@example.com"), "{text}");
    let places = ["S/MIME MV EC CA 1", "Mail Root P384 1"].map(|name| text.find(name));
    assert!(places.iter().all(Option::is_some), "{text}");
    assert_eq!(text.matches("caPub: ").count(), 2, "{text}");
}
