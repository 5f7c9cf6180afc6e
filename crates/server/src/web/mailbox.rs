//! The page of a mailbox's code. A GET shows a form; only a POST settles anything, because scanners open links.

use std::sync::Arc;

use domain::certificate::OrderNumber;
use domain::order_ssl::Language;
use http::{Method, Request};
use hyper::body::Incoming as Body;

use super::smime_pages::{self, Voice};
use super::{MAX_FORM, html, pages};
use crate::app::codes::{self, EnteredMailbox, OfMailbox};
use crate::house::House;
use crate::http::body;
use crate::http::routes::{Answer, Forwarded, Peer};

/// Where the page is, in lower case.
pub const PATH: &str = "/products/entersmimecode";

/// What the form says.
#[derive(Default)]
struct Form {
    order: Option<String>,
    code: Option<String>,
    language: Option<Language>,
}

impl Form {
    fn read(&mut self, encoded: &[u8]) {
        for (name, value) in form_urlencoded::parse(encoded) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "ordernumber" => drop(self.order.get_or_insert(value.to_owned())),
                "code" => drop(self.code.get_or_insert(value.to_owned())),
                "languagename" => self.language = self.language.or(Language::from_code(value)),
                _ => {}
            }
        }
    }
}

/// Answers.
pub async fn answer(house: &Arc<House>, peer: Peer, request: Request<Body>) -> Answer {
    let brand = house.rules.brand.as_str();
    let (parts, body) = request.into_parts();
    let mut form = Form::default();
    form.read(parts.uri.query().unwrap_or_default().as_bytes());
    let voice = |form: &Form| Voice { brand, language: form.language.unwrap_or_default() };
    if parts.method != Method::POST {
        let (order, code) = (form.order.as_deref(), form.code.as_deref());
        return html(smime_pages::enter_code(voice(&form), order, code));
    }
    let from = Forwarded::of(house, peer, &parts.headers);
    match body::read(body, MAX_FORM, house.rules.connections, from.share(house), 0).await {
        Ok(whole) => form.read(&whole.octets),
        Err(_) => return html(pages::problem(brand, pages::Trouble::NoSuchPage)),
    }
    let voice = voice(&form);
    let order = form.order.unwrap_or_default();
    let number = order.parse().ok().map(OrderNumber);
    let (Some(number), Some(code)) = (number, form.code) else {
        return html(smime_pages::entered(voice, &order, &EnteredMailbox::Wrong, None));
    };
    if !house.code_tries.allows(from.address, number) {
        return html(pages::problem(brand, pages::Trouble::TooMany));
    }
    match codes::enter_mailbox_code(house, number, code, from.address.to_string()).await {
        Ok(OfMailbox { entered, known }) => {
            let language = known.as_ref().map_or(voice.language, |(_, language)| *language);
            let mailbox = known.as_ref().map(|(mailbox, _)| mailbox);
            html(smime_pages::entered(Voice { brand, language }, &order, &entered, mailbox))
        }
        Err(failure) => {
            let _ = failure.told("mailbox page");
            html(pages::problem(brand, pages::Trouble::Internal))
        }
    }
}
