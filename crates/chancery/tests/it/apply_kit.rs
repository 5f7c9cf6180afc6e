//! What the stories of !AutoApplySSL share: a sandbox in which nothing may ever be stored, requests made octet by octet,
//! and the specification's own lists.

use std::process::Command;
use std::sync::OnceLock;

use num_bigint::BigUint;
use sha2::{Digest, Sha256};
use store::Database;

use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};

/// The endpoint.
pub const APPLY: &str = "!AutoApplySSL";

/// Makes of each story two tests on the sandboxes of [`refusing`].
#[macro_export]
macro_rules! on_both_refusing {
    ($($story:ident),+ $(,)?) => {
        mod refusing_sqlite {
            $(#[test] fn $story() {
                super::$story($crate::apply_kit::refusing(store::Database::Sqlite));
            })+
        }
        mod refusing_postgres {
            $(#[test] fn $story() {
                super::$story($crate::apply_kit::refusing(store::Database::Postgres));
            })+
        }
    };
}

/// A sandbox whose stories are all refused, so that each may look whether anything at all was stored.
pub fn refusing(database: Database) -> &'static Sandbox {
    static SQLITE: OnceLock<Sandbox> = OnceLock::new();
    static POSTGRES: OnceLock<Sandbox> = OnceLock::new();
    let place = if database == Database::Sqlite { &SQLITE } else { &POSTGRES };
    place.get_or_init(|| Sandbox::start_kept(database))
}

/// Nothing was ordered here: no order, request, name, token, mail, debit, event of an order, job about one.
#[track_caller]
pub fn nothing_stored(sandbox: &Sandbox) {
    for (table, which) in [
        ("orders", ""),
        ("certificate_requests", ""),
        ("request_names", ""),
        ("request_tokens", ""),
        ("mails", ""),
        ("ledger", " WHERE kind <> 'deposit'"),
        ("events", " WHERE order_number IS NOT NULL"),
        ("jobs", " WHERE kind = 'validate'"),
    ] {
        let count = format!("SELECT CAST(count(*) AS TEXT) FROM {table}{which}");
        assert_eq!(sandbox.value(&count), "0", "{table}");
    }
}

impl Sandbox {
    /// Orders as a demo account and reads the answer as pairs.
    pub fn apply(&self, role: &str, form: &Form) -> Answer {
        Answer::read(&self.post(APPLY, &form.clone().login(self, role)))
    }

    /// An account's balance in minor units.
    pub fn balance(&self, role: &str) -> i64 {
        let [(_, login), _] = self.login(role);
        let sql =
            format!("SELECT CAST(balance AS TEXT) FROM accounts WHERE login_name = '{login}'");
        self.value(&sql).parse().expect("a number")
    }

    /// A column of an order, as text.
    #[track_caller]
    pub fn order_column(&self, order: &str, column: &str) -> String {
        self.value(&format!(
            "SELECT CAST({column} AS TEXT) FROM orders WHERE order_number = {order}"
        ))
    }

    /// A column of an order's certificate request, as text.
    #[track_caller]
    pub fn request_column(&self, order: &str, column: &str) -> String {
        self.value(&format!(
            "SELECT CAST({column} AS TEXT) FROM certificate_requests WHERE order_number = {order}"
        ))
    }

    /// The names of an order: name, implicit, method, address.
    pub fn order_names(&self, order: &str) -> Vec<Vec<String>> {
        self.rows(&format!(
            "SELECT n.name, CAST(n.implicit AS TEXT), n.method, n.address FROM request_names n \
             JOIN certificate_requests r ON r.certificate_id = n.certificate_id \
             WHERE r.order_number = {order} ORDER BY n.position"
        ))
    }
}

/// A CSR that many refused orders may share, of a name that is never proven.
pub fn any_csr() -> &'static Csr {
    static CSR: OnceLock<Csr> = OnceLock::new();
    CSR.get_or_init(|| Csr::new(&fresh_name("any")))
}

/// The parameters of an organisation.
pub fn organization(form: Form) -> Form {
    form.set("organizationName", "Example GmbH")
        .set("streetAddress1", "Hauptstrasse 1")
        .set("localityName", "Berlin")
        .set("postalCode", "10115")
        .set("countryName", "DE")
        .set("appRepForename", "Erika")
        .set("appRepSurname", "Mustermann")
        .set("appRepEmailAddress", "erika@example.com")
        .set("appRepTelephone", "+49 30 1234567")
}

/// An order of any product of the specification's list with what it needs: (form, names).
pub fn complete(product: i64, csr: &Csr, name: &str) -> Form {
    let form = organization(Form::order(product, csr));
    let form = match product {
        337 | 410 | 556 | 557 | 562 | 563 | 567 | 568 | 732 => form.set("joiCountryName", "DE"),
        783 | 784 => {
            form.set("joiCountryName", "DE").set("organizationIdentifier", "VATDE-123456789")
        }
        788 | 789 => [
            "accountServicingRole",
            "paymentInitiationRole",
            "accountInformationRole",
            "paymentServiceRole",
        ]
        .into_iter()
        .fold(form, |form, role| form.set(role, "Y"))
        .set("joiCountryName", "DE")
        .set("organizationIdentifier", "PSDDE-BAFIN-123456")
        .set("ncaIdentifier", "DE-BAFIN"),
        791 | 792 => form.set("personalIdentifier", "PASDE-C01X00T47"),
        _ => form,
    };
    let form = match product {
        279 | 335 | 410 | 512 | 557 | 563 | 568 | 583 | 732 | 751 | 784 | 789 | 792 => {
            form.set("domainNames", name)
        }
        361 | 492 => form.set("domainNames", name),
        35 | 65 | 289 | 322 | 324 | 331 | 489 | 511 | 750 => {
            form.set("commonName", &format!("*.{name}")).set("servers", "1")
        }
        44 => form.set("commonName", "intranet"),
        _ => form.set("commonName", name),
    };
    match product {
        43 | 291 | 342 => form.without("days"),
        _ => form,
    }
}

/// The rows of one of the specification's lists for !AutoApplySSL, without the first column.
pub fn spec_rows(list: &str) -> Vec<Vec<String>> {
    spec_rows_of("AutoApplySSL", list)
}

/// The same for another endpoint.
pub fn spec_rows_of(endpoint: &str, list: &str) -> Vec<Vec<String>> {
    let rows = csv::Reader::from_reader(list.as_bytes()).into_records();
    let rows = rows.map(|row| row.expect("CSV"));
    let mine = rows.filter(|row| row[0] == *endpoint);
    mine.map(|row| row.iter().skip(1).map(str::to_owned).collect()).collect()
}

/// `wire/spec/errors.csv`.
pub const ERRORS: &str = include_str!("../../../wire/spec/errors.csv");
/// `wire/spec/parameters.csv`.
pub const PARAMETERS: &str = include_str!("../../../wire/spec/parameters.csv");

// --- requests made octet by octet ---

/// One DER element.
pub fn tlv(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let mut out = vec![tag];
    match contents.len() {
        short @ 0..=127 => out.push(short as u8),
        long => {
            let octets: Vec<u8> = long.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
            out.push(0x80 | octets.len() as u8);
            out.extend(octets);
        }
    }
    out.extend(contents);
    out
}

/// A SEQUENCE.
pub fn seq(contents: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, contents)
}

/// A BIT STRING of whole octets.
pub fn bits(contents: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], contents])
}

/// An INTEGER.
pub fn int(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let sign: &[u8] = if bytes.first().is_some_and(|b| *b >= 0x80) { &[0] } else { &[] };
    tlv(2, &[sign, &bytes])
}

/// AlgorithmIdentifier of rsaEncryption.
pub const RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
const SHA256_RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11, 5, 0];

/// The part of a request that is signed, for a common name and a SubjectPublicKeyInfo.
pub fn request_info(common_name: &str, spki: &[u8]) -> Vec<u8> {
    let cn = seq(&[&[6, 3, 0x55, 4, 3], &tlv(12, &[common_name.as_bytes()])]);
    seq(&[&[2, 1, 0], &seq(&[&tlv(0x31, &[&cn])]), spki, &[0xa0, 0]])
}

/// A whole request of that part, an AlgorithmIdentifier and a signature.
pub fn request(info: &[u8], algorithm: &[u8], signature: &[u8]) -> Csr {
    Csr::from_der(seq(&[info, algorithm, &bits(signature)]))
}

/// An RSA request of these primes and this exponent, rightly signed if the exponent has an inverse.
pub fn rsa_request(common_name: &str, primes: &[&BigUint], exponent: u32) -> Csr {
    let cn = seq(&[&[6, 3, 0x55, 4, 3], &tlv(12, &[common_name.as_bytes()])]);
    rsa_signed(&seq(&[&tlv(0x31, &[&cn])]), &[0xa0, 0], primes, exponent)
}

/// The same with any subject and attributes, both in DER.
pub fn rsa_signed(subject: &[u8], attributes: &[u8], primes: &[&BigUint], exponent: u32) -> Csr {
    let one = BigUint::from(1_u8);
    let n: BigUint = primes.iter().copied().product();
    let phi: BigUint = primes.iter().map(|p| *p - &one).product();
    let e = BigUint::from(exponent);
    let d = e.modinv(&phi).unwrap_or_else(|| one.clone());
    let spki = seq(&[RSA, &bits(&seq(&[&int(&n), &int(&e)]))]);
    let info = seq(&[&[2, 1, 0], subject, &spki, attributes]);
    let size = n.to_bytes_be().len();
    let digest = seq(&[
        &[0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0],
        &tlv(4, &[&Sha256::digest(&info)]),
    ]);
    let mut padded = vec![0xff; size - digest.len()];
    padded[0] = 0;
    padded[1] = 1;
    *padded.last_mut().expect("not empty") = 0;
    padded.extend(&digest);
    let signature = BigUint::from_bytes_be(&padded).modpow(&d, &n).to_bytes_be();
    let mut whole = vec![0; size - signature.len()];
    whole.extend(signature);
    request(&info, SHA256_RSA, &whole)
}

/// A random prime of so many bits.
pub fn prime(bits: u32) -> BigUint {
    let output = Command::new("openssl")
        .args(["prime", "-generate", "-hex", "-bits", &bits.to_string()])
        .output()
        .expect("openssl (apt-get install openssl)");
    let hex = String::from_utf8(output.stdout).expect("hexadecimal");
    BigUint::parse_bytes(hex.trim().as_bytes(), 16).expect("a number")
}

/// Whether a number is prime (Miller-Rabin with a few bases: enough for numbers that nobody chose to deceive).
pub fn is_prime(n: &BigUint) -> bool {
    let one = BigUint::from(1_u8);
    for small in (3_u32..2_000).step_by(2) {
        if (n % small) == BigUint::ZERO {
            return *n == BigUint::from(small);
        }
    }
    let last = n - &one;
    let zeros = last.trailing_zeros().unwrap_or_default();
    let odd = &last >> zeros;
    [2_u32, 3, 5].into_iter().all(|base| {
        let mut x = BigUint::from(base).modpow(&odd, n);
        if x == one || x == last {
            return true;
        }
        (1..zeros).any(|_| {
            x = x.modpow(&BigUint::from(2_u8), n);
            x == last
        })
    })
}

/// The next prime from here on.
pub fn next_prime(from: &BigUint) -> BigUint {
    let mut candidate = from | BigUint::from(1_u8);
    while !is_prime(&candidate) {
        candidate += 2_u8;
    }
    candidate
}

/// A prime of 1,024 bits as the faulty generator of CVE-2017-15361 makes them: k·M + (65537^a mod M).
pub fn roca_prime(seed: u64) -> BigUint {
    let small = (3_u32..702).step_by(2).filter(|n| (3..*n).step_by(2).all(|d| n % d != 0));
    let m: BigUint = std::iter::once(2).chain(small.take(125)).map(BigUint::from).product();
    let rest = BigUint::from(65_537_u32).modpow(&BigUint::from(seed), &m);
    let mut k = (BigUint::from(3_u8) << 1_022) / &m + seed;
    loop {
        let candidate = &k * &m + &rest;
        if is_prime(&candidate) {
            return candidate;
        }
        k += 1_u8;
    }
}
