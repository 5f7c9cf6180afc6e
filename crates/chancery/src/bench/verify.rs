//! Whether what came back is right: every order exactly one certificate, each another one, signed by our roots.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;

use super::load::{self, Done, What};

/// What was collected so far.
#[derive(Default)]
pub struct Checked {
    orders: HashSet<u64>,
    certificates: HashSet<u64>,
    samples: Vec<(What, u64, usize, Bytes)>,
}

impl Checked {
    /// Takes what a phase collected.
    pub fn take(&mut self, done: &Done) -> anyhow::Result<()> {
        anyhow::ensure!(
            done.collected.len() == done.placed.len() || done.placed.is_empty(),
            "{} orders, {} certificates",
            done.placed.len(),
            done.collected.len()
        );
        for (order, certificate) in &done.collected {
            anyhow::ensure!(self.orders.insert(*order), "order {order} was given twice");
            anyhow::ensure!(
                self.certificates.insert(*certificate),
                "order {order} has a certificate that another order has"
            );
        }
        let samples = done.samples.iter().cloned();
        self.samples.extend(samples.map(|(order, login, body)| (done.what, order, login, body)));
        Ok(())
    }

    /// The samples.
    pub fn samples(&mut self) -> Vec<(What, u64, usize, Bytes)> {
        std::mem::take(&mut self.samples)
    }
}

/// The same certificate again.
pub fn same(order: u64, first: &[u8], second: &[u8]) -> anyhow::Result<()> {
    anyhow::ensure!(
        load::leaf(first).is_some() && load::leaf(first) == load::leaf(second),
        "order {order} has another certificate now"
    );
    Ok(())
}

/// Signatures and chains up to the roots in the folder.
pub fn chains(roots: &Path, samples: &[(u64, Bytes)]) -> anyhow::Result<()> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(read(roots)?, provider).build()?;
    let now = now();
    for (order, answer) in samples {
        let answer = client::Answer::read(answer)?;
        let certificate = client::Certificate::read(&answer)?;
        let leaf = CertificateDer::from(certificate.leaf);
        let chain: Vec<_> = certificate.chain.into_iter().map(CertificateDer::from).collect();
        let name = ServerName::try_from(common_name(&leaf)?)?;
        verifier
            .verify_server_cert(&leaf, &chain, &name, &[], now)
            .with_context(|| format!("the certificate of order {order}"))?;
    }
    Ok(())
}

/// The same of S/MIME certificates of the multipurpose generation, by what they may do besides mail: show who a client is.
pub fn mail_chains(roots: &Path, samples: &[(u64, Bytes)]) -> anyhow::Result<()> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(read(roots)?, provider).build()?;
    for (order, answer) in samples {
        let certificates = CertificateDer::pem_slice_iter(answer);
        let mut chain = certificates.collect::<Result<Vec<_>, _>>()?;
        let leaf = chain.pop().with_context(|| format!("order {order} has no certificate"))?;
        verifier
            .verify_client_cert(&leaf, &chain, now())
            .with_context(|| format!("the certificate of order {order}"))?;
    }
    Ok(())
}

fn read(roots: &Path) -> anyhow::Result<Arc<RootCertStore>> {
    let mut store = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(roots)? {
        store.add(root?)?;
    }
    Ok(Arc::new(store))
}

fn now() -> UnixTime {
    let now = server::clock::real_now().ms().unsigned_abs();
    UnixTime::since_unix_epoch(std::time::Duration::from_millis(now))
}

/// The name that the load generator ordered: it is the only one of its shape in the certificate.
fn common_name(leaf: &[u8]) -> anyhow::Result<String> {
    const END: &[u8] = b".example.com";
    let at = leaf.windows(END.len()).position(|w| w == END).context("no name")?;
    let start = leaf[..at].iter().rposition(|b| !b.is_ascii_alphanumeric() && *b != b'-');
    let name = &leaf[start.map_or(0, |s| s + 1)..at + END.len()];
    Ok(String::from_utf8(name.to_vec())?)
}
