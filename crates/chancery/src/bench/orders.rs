//! Orders, written before they are sent: keys, requests, forms, proofs.

use bytes::Bytes;
use form_urlencoded::Serializer;
use md5::Digest as _;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, RsaKeySize};
use sha2::Sha256;

/// Keys of requests. A pool of keys is used in turn; every request is another one, for its name differs.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyKind {
    P256,
    P384,
    Rsa2048,
}

/// Who orders.
#[derive(Clone)]
pub struct Login {
    pub name: String,
    pub password: String,
}

/// An order that was not sent yet.
pub struct Prepared {
    pub form: Bytes,
    pub login: usize,
    md5: [u8; 16],
    sha256: [u8; 32],
    name: Box<str>,
}

/// An order of an S/MIME certificate that was not sent yet.
pub struct PreparedMail {
    pub form: Bytes,
    pub login: usize,
    pub mailbox: Box<str>,
}

impl Prepared {
    /// Owner and target of the CNAME that proves it.
    pub fn proof(&self) -> (String, String) {
        let sha256 = hex::encode(self.sha256);
        let (head, tail) = sha256.split_at(32);
        let host = format!("_{}.{}", hex::encode(self.md5), self.name);
        (host, format!("{head}.{tail}.sectigo.com"))
    }
}

/// Makes orders.
pub struct Maker {
    keys: Vec<KeyPair>,
    /// `loginName=…&loginPassword=…`.
    logins: Vec<String>,
    run: u64,
    next: std::sync::atomic::AtomicU64,
}

impl Maker {
    pub fn new(kind: KeyKind, logins: Vec<Login>) -> anyhow::Result<Self> {
        let pool = if kind == KeyKind::Rsa2048 { 16 } else { 1_024 };
        let key = |_| match kind {
            KeyKind::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            KeyKind::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            KeyKind::Rsa2048 => {
                KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048)
            }
        };
        let keys = (0..pool).map(key).collect::<Result<_, _>>()?;
        let login = |login: Login| {
            let mut form = Serializer::new(String::new());
            form.append_pair("loginName", &login.name)
                .append_pair("loginPassword", &login.password)
                .finish()
        };
        // Another name in every run: the database may be an old one.
        let run = server::clock::real_now().ms().unsigned_abs() / 100;
        Ok(Self {
            keys,
            logins: logins.into_iter().map(login).collect(),
            run,
            next: std::sync::atomic::AtomicU64::new(0),
        })
    }

    /// So many fresh orders, made by two threads.
    pub fn make(&self, count: usize) -> anyhow::Result<Vec<Prepared>> {
        let half = count / 2;
        let part = |n: usize| (0..n).map(|_| self.one()).collect::<anyhow::Result<Vec<_>>>();
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| part(half));
            (first.join(), part(count - half))
        });
        let mut made = first.map_err(|_| anyhow::anyhow!("making requests failed"))??;
        made.append(&mut second?);
        Ok(made)
    }

    /// The same of S/MIME certificates.
    pub fn make_mail(&self, count: usize) -> anyhow::Result<Vec<PreparedMail>> {
        (0..count).map(|_| self.one_mail()).collect()
    }

    fn one_mail(&self) -> anyhow::Result<PreparedMail> {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mailbox = format!("b{:x}-{number:x}@mail.example.com", self.run);
        let index = usize::try_from(number)?;
        let (key, login) = (&self.keys[index % self.keys.len()], index % self.logins.len());
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(mailbox.clone()));
        let csr = params.serialize_request(key)?;
        let mut form = Serializer::new(self.logins[login].clone());
        form.extend_pairs([
            ("product", "794"),
            ("days", "365"),
            ("sanEmailAddress", &mailbox),
            ("appRepEmailAddress", "rep@example.com"),
            ("isCustomerValidated", "N"),
            ("responseFormat", "1"),
            ("csr", &csr.pem()?),
        ]);
        Ok(PreparedMail { form: form.finish().into(), login, mailbox: mailbox.into() })
    }

    /// The question for an S/MIME order's certificate and chain.
    pub fn collect_mail_form(&self, login: usize, order: u64) -> Bytes {
        let login = &self.logins[login];
        format!("{login}&orderNumber={order}&queryType=1").into()
    }

    fn one(&self) -> anyhow::Result<Prepared> {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("b{:x}-{number:x}.example.com", self.run);
        let index = usize::try_from(number)?;
        let (key, login) = (&self.keys[index % self.keys.len()], index % self.logins.len());
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(name.clone()));
        let csr = params.serialize_request(key)?;
        let mut form = Serializer::new(self.logins[login].clone());
        form.extend_pairs([
            ("product", "488"),
            ("days", "365"),
            ("serverSoftware", "-1"),
            ("dcvMethod", "CNAME_CSR_HASH"),
            ("emailAddress", "none"),
            ("responseFormat", "1"),
            ("csr", &csr.pem()?),
        ]);
        Ok(Prepared {
            form: form.finish().into(),
            login,
            md5: md5::Md5::digest(csr.der()).into(),
            sha256: Sha256::digest(csr.der()).into(),
            name: name.into(),
        })
    }

    /// The question for an order's certificate and chain.
    pub fn collect_form(&self, login: usize, order: u64) -> Bytes {
        let login = &self.logins[login];
        format!("{login}&orderNumber={order}&queryType=1&responseType=3&responseFormat=1").into()
    }

    /// The wish that an order's proof be looked at now.
    pub fn nudge_form(&self, login: usize, order: u64) -> Bytes {
        let login = &self.logins[login];
        format!("{login}&orderNumber={order}&newMethod=CNAME_CSR_HASH").into()
    }
}
