//! Reading CSRs: of orders, and for people (DecodeCSR).

use std::sync::Arc;

use domain::certificate::AccountId;
use domain::country::CountryCode;
use domain::csr::{Csr, CsrError, CsrSubject, PublicKey};
use domain::names::{CertName, NameError};
use domain::product::Kind;
use domain::refusal::Refusal;
use issuance::csr;
use issuance::weak_keys::WeakKeys;
use store::certificates;
use store::orders::NewCsr;
use wire::decode_csr::{DecodeRequest, Decoded};

use super::Failure;
use crate::house::House;

/// Reads the CSR of an order of this account. What has to be computed of an RSA key takes long: its turn has to come, and it
/// is done beside the runtime.
///
/// # Errors
/// What is wrong with it; -14 when the work was not done.
pub async fn of_order(house: &Arc<House>, account: AccountId, text: &str) -> Result<Csr, Refusal> {
    let csr = csr::read(text, &house.weak_keys).map_err(Refusal::from)?;
    with_sound_factors(house, account, csr).await
}

/// The same of an order of an S/MIME certificate, which takes SPKAC as well.
///
/// # Errors
/// As [`of_order`].
pub async fn of_smime_order(
    house: &Arc<House>,
    account: AccountId,
    text: &str,
) -> Result<Csr, Refusal> {
    let csr = csr::read_either(text, &house.weak_keys).map_err(Refusal::from)?;
    with_sound_factors(house, account, csr).await
}

async fn with_sound_factors(
    house: &Arc<House>,
    account: AccountId,
    csr: Csr,
) -> Result<Csr, Refusal> {
    if !csr.key.kind.is_rsa() {
        return Ok(csr);
    }
    let turn = house.long_work.turn(account).await;
    let check = tokio::task::spawn_blocking(move || {
        // It goes on when nobody waits for it any more, and its turn lasts as long.
        let _turn = turn;
        WeakKeys::check_factors(&csr.key).map(|()| csr)
    });
    match check.await {
        Ok(Ok(csr)) => Ok(csr),
        Ok(Err(_)) => Err(CsrError::Compromised.into()),
        Err(_) => Err(Refusal::Internal(None)),
    }
}

/// A request as it is written down.
#[must_use]
pub fn to_keep(csr: &Csr) -> NewCsr {
    NewCsr {
        der: csr.der.clone(),
        sha256: csr.digests.sha256,
        spki: csr.key.spki.clone(),
        key_kind: csr.key.kind,
    }
}

/// Reads what can be read, and lists everything that is wrong, also what is known of the key since a revocation.
///
/// # Errors
/// When the store fails.
pub async fn decode(house: &House, request: &DecodeRequest) -> Result<Decoded, Failure> {
    let (mut decoded, key) = read(house, request);
    if let Some(key) = key
        && house
            .store
            .read("known_key", move |tx| certificates::key_is_compromised(tx, &key.spki))
            .await?
    {
        decoded.errors.insert(0, CsrError::Compromised.into());
    }
    Ok(decoded)
}

/// The answer, and the key if nothing speaks against it.
fn read(house: &House, request: &DecodeRequest) -> (Decoded, Option<PublicKey>) {
    let Some(text) = &request.csr else {
        return (refused(Refusal::Missing("csr")), None);
    };
    let read = match csr::decode(text, &house.weak_keys) {
        Ok(read) => read,
        Err(error) => return (refused(told(error)), None),
    };
    let mut errors: Vec<Refusal> = read.errors().into_iter().map(told).collect();
    errors.extend(name_errors(house, request, &read.subject));
    let mut country_name = None;
    if let Some(code) = &read.subject.country {
        match code.parse::<CountryCode>() {
            Ok(country) => country_name = country.name().map(str::to_owned),
            Err(_) => errors.push(Refusal::NotACountry(code.clone())),
        }
    }
    let facts = &read.key_facts;
    let decoded = Decoded {
        errors,
        country_name,
        public_key: facts.algorithm.map(str::to_owned),
        key_size: facts.bits.and_then(|bits| u16::try_from(bits).ok()),
        san_dns: read.wishes.san_dns,
        signature_algorithm: read.signature.ok().map(|s| signature_words(s).to_owned()),
        digests: Some(read.digests),
        subject: read.subject,
    };
    (decoded, read.key.ok())
}

fn refused(refusal: Refusal) -> Decoded {
    Decoded { errors: vec![refusal], ..Decoded::default() }
}

/// Here a key that is none has a code of its own, and what is not Base64 has none: it is no request.
fn told(error: CsrError) -> Refusal {
    match error {
        CsrError::InvalidKey => Refusal::InvalidKey,
        CsrError::Base64 => CsrError::Decode.into(),
        other => other.into(),
    }
}

fn signature_words(signature: domain::csr::RequestSignature) -> &'static str {
    match signature {
        domain::csr::RequestSignature::Md5 => "MD5",
        domain::csr::RequestSignature::Sha1 => "SHA-1",
        domain::csr::RequestSignature::Sha2 => "SHA-2",
    }
}

fn name_errors(house: &House, request: &DecodeRequest, subject: &CsrSubject) -> Vec<Refusal> {
    let product = request.product.and_then(|code| house.catalogue.product(code));
    let Some(cn) = subject.common_name.as_deref() else {
        let list = product.is_some_and(|p| p.kind.is_list());
        return if list { Vec::new() } else { vec![CsrError::MissingField.into()] };
    };
    if let Some(wrong) = spelling(cn, product.map(|p| p.kind)) {
        return vec![wrong];
    }
    let mut errors = Vec::new();
    let name = cn.parse::<CertName>();
    let address = matches!(name, Ok(CertName::Ip(_)));
    let public = name.as_ref().is_ok_and(CertName::is_public);
    if let Some(product) = product {
        let wildcard = product.kind == Kind::Wildcard;
        if wildcard && !(cn.starts_with("*.") && cn.matches('*').count() == 1) {
            errors.push(Refusal::WildcardRequired);
        } else if product.kind == Kind::Single && cn.contains('*') {
            errors.push(Refusal::WildcardNotAllowed);
        } else if product.intranet && address && public {
            errors.push(Refusal::PublicAddress);
        } else if product.intranet && public {
            errors.push(Refusal::FullyQualified);
        } else if !product.intranet && address && product.kind == Kind::Single {
            errors.push(Refusal::IpAddress);
        }
    }
    errors
}

/// What is wrong with a common name as it is written, whatever the product. Of asterisks in the wrong place, products that
/// take none or exactly one say more.
fn spelling(cn: &str, kind: Option<Kind>) -> Option<Refusal> {
    let begins = |with: &str| cn.get(..with.len()).is_some_and(|s| s.eq_ignore_ascii_case(with));
    if begins("http://") {
        return Some(Refusal::HttpPrefix);
    }
    if begins("https://") {
        return Some(Refusal::HttpsPrefix);
    }
    match cn.trim().parse::<CertName>() {
        Err(NameError::Wildcard) if matches!(kind, Some(Kind::Single | Kind::Wildcard)) => None,
        Err(
            NameError::Empty
            | NameError::TooLong
            | NameError::Character
            | NameError::Idna
            | NameError::Wildcard
            | NameError::Numeric,
        ) => Some(Refusal::NameCharacters),
        Ok(_) => None,
    }
}
