//! The collection page of an S/MIME order: how it stands, the key that is made in the reader's own browser, the certificate's
//! files. Whoever has the code is let in, and nobody else learns whether there is such an order.

use std::sync::Arc;

use domain::refusal::Refusal;
use http::{HeaderValue, Method, Request, header};
use hyper::body::Incoming as Body;
use issuance::collect;
use serde_json::json;

use super::smime_pages::{self, Voice};
use super::{MAX_FORM, html, html_with_script, pages};
use crate::app::Failure;
use crate::app::smime::{self, CodeHolder};
use crate::app::smime_page::{self, NotMade};
use crate::house::House;
use crate::http::body;
use crate::http::routes::{Answer, Forwarded, Peer};
use crate::texts;

/// What of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// `/products/SMIMECollection`.
    Page,
    /// `/products/SMIMECollectionKey`: where the page's script brings the request.
    Key,
    /// `/products/SMIMECollectionFile`.
    File,
}

impl Part {
    /// The part at a path in lower case.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        match path {
            "/products/smimecollection" => Some(Part::Page),
            "/products/smimecollectionkey" => Some(Part::Key),
            "/products/smimecollectionfile" => Some(Part::File),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Form {
    code: Option<String>,
    csr: Option<String>,
    file: Option<String>,
}

impl Form {
    fn read(&mut self, encoded: &[u8]) {
        for (name, value) in form_urlencoded::parse(encoded) {
            let slot = match &*name {
                "code" => &mut self.code,
                "csr" => &mut self.csr,
                "as" => &mut self.file,
                _ => continue,
            };
            slot.get_or_insert(value.trim().to_owned());
        }
    }
}

/// Answers.
pub async fn answer(house: &Arc<House>, peer: Peer, request: Request<Body>, part: Part) -> Answer {
    let (parts, body) = request.into_parts();
    let from = Forwarded::of(house, peer, &parts.headers);
    let mut form = Form::default();
    form.read(parts.uri.query().unwrap_or_default().as_bytes());
    if parts.method == Method::POST {
        match body::read(body, MAX_FORM, house.rules.connections, from.share(house), 0).await {
            Ok(whole) => form.read(&whole.octets),
            Err(_) => return unknown(house),
        }
    }
    let code = form.code.unwrap_or_default();
    let holder = match smime::let_in(house, &code, from.address).await {
        Ok(holder) => holder,
        Err(Failure::Refused(Refusal::CallLimit)) => {
            return trouble(house, pages::Trouble::TooMany);
        }
        Err(Failure::Refused(_)) => return unknown(house),
        Err(failure) => return failed(house, failure),
    };
    match (part, form.csr) {
        (Part::Page, _) => page(house, &holder, &code).await,
        (Part::Key, Some(csr)) if parts.method == Method::POST => key(house, &holder, &csr).await,
        (Part::Key, _) => unknown(house),
        (Part::File, _) => file(house, &holder, form.file.as_deref()).await,
    }
}

async fn page(house: &Arc<House>, holder: &CodeHolder, code: &str) -> Answer {
    match smime_page::look(house, holder).await {
        Ok(shown) => {
            let voice = Voice { brand: &house.rules.brand, language: shown.language };
            html_with_script(smime_pages::collection(voice, &shown, code))
        }
        Err(failure) => failed(house, failure),
    }
}

/// JSON for the page's script, in the words of the order's language.
async fn key(house: &Arc<House>, holder: &CodeHolder, csr: &str) -> Answer {
    let answer = match smime_page::make(house, holder, csr).await {
        Ok(certificates) => {
            let all: Vec<String> =
                certificates.iter().map(|der| collect::bare_base64(der)).collect();
            json!({ "certificates": all })
        }
        Err(why) => {
            if let NotMade::Failed(failure) = why {
                let _ = failure.told("collection key");
            }
            let language = smime_page::look(house, holder).await.map(|shown| shown.language);
            json!({ "error": texts::pages(language.unwrap_or_default()).collection.failed })
        }
    };
    octets("application/json", answer.to_string().into_bytes())
}

async fn file(house: &Arc<House>, holder: &CodeHolder, kind: Option<&str>) -> Answer {
    let certificates = match smime_page::certificates_of(house, holder).await {
        Ok(Some(certificates)) => certificates,
        Ok(None) => return unknown(house),
        Err(failure) => return failed(house, failure),
    };
    let all: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    match kind {
        Some("p7b") => match collect::pkcs7(&all) {
            Ok(bytes) => octets("application/x-pkcs7-certificates", bytes),
            Err(e) => failed(house, Failure::Internal(format!("p7b: {e}"))),
        },
        _ => octets("application/x-pem-file", collect::pem_chain(&all).into_bytes()),
    }
}

fn octets(kind: &'static str, bytes: Vec<u8>) -> Answer {
    let mut answer = Answer::new(http_body_util::Full::new(bytes.into()));
    let headers = answer.headers_mut();
    for (name, value) in pages::HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn unknown(house: &House) -> Answer {
    let voice =
        Voice { brand: &house.rules.brand, language: domain::order_ssl::Language::default() };
    html(smime_pages::unknown(voice))
}

fn trouble(house: &House, trouble: pages::Trouble) -> Answer {
    html(pages::problem(&house.rules.brand, trouble))
}

fn failed(house: &House, failure: Failure) -> Answer {
    let _ = failure.told("collection page");
    trouble(house, pages::Trouble::Internal)
}
