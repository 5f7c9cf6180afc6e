//! The pages of domain control mails. A GET shows a page with a button; only a POST settles anything, because scanners
//! open links. The values may stand in the query or in the body: programs in use post with the values in the query.

use std::sync::Arc;

use domain::certificate::OrderNumber;
use http::{Method, Request};
use hyper::body::Incoming as Body;

use super::{MAX_FORM, html, pages};
use crate::app::codes::{self, Declined, Entered};
use crate::house::House;
use crate::http::body;
use crate::http::routes::{Answer, Forwarded, Peer};

/// Which page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    /// `/products/EnterDCVCode` and `EnterDCVCode2`.
    Enter,
    /// `/products/RejectDCVCode`.
    Reject,
}

impl Page {
    /// The page at a path in lower case.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        match path {
            "/products/enterdcvcode" | "/products/enterdcvcode2" => Some(Page::Enter),
            "/products/rejectdcvcode" => Some(Page::Reject),
            _ => None,
        }
    }

    /// The last part of the path of its form.
    fn form(self) -> &'static str {
        match self {
            Page::Enter => "EnterDCVCode",
            Page::Reject => "RejectDCVCode",
        }
    }
}

/// What the form says.
#[derive(Default)]
struct Form {
    order: Option<String>,
    code: Option<String>,
}

impl Form {
    fn read(&mut self, encoded: &[u8]) {
        for (name, value) in form_urlencoded::parse(encoded) {
            let slot = match name.to_ascii_lowercase().as_str() {
                "ordernumber" => &mut self.order,
                "dcvcode" => &mut self.code,
                _ => continue,
            };
            slot.get_or_insert(value.trim().to_owned());
        }
    }
}

/// Answers.
pub async fn answer(house: &Arc<House>, peer: Peer, request: Request<Body>, page: Page) -> Answer {
    let brand = house.rules.brand.as_str();
    let (parts, body) = request.into_parts();
    let mut form = Form::default();
    form.read(parts.uri.query().unwrap_or_default().as_bytes());
    if parts.method != Method::POST {
        let (order, code) = (form.order.as_deref(), form.code.as_deref());
        return html(match page {
            Page::Enter => pages::enter_code(brand, order, code),
            Page::Reject => pages::reject(brand, order, code),
        });
    }
    let from = Forwarded::of(house, peer, &parts.headers);
    match body::read(body, MAX_FORM, house.rules.connections, from.share(house), 0).await {
        Ok(whole) => form.read(&whole.octets),
        Err(_) => return html(pages::problem(brand, pages::Trouble::NoSuchPage)),
    }
    let number = form.order.as_deref().and_then(|n| n.parse().ok()).map(OrderNumber);
    let (Some(number), Some(code)) = (number, form.code) else {
        return html(pages::invalid(brand, page.form(), form.order.as_deref()));
    };
    let from = from.address;
    if !house.code_tries.allows(from, number) {
        return html(pages::problem(brand, pages::Trouble::TooMany));
    }
    let from = from.to_string();
    html(match page {
        Page::Enter => match codes::enter_code(house, number, code, from).await {
            Ok(Entered::Right { domain, waiting }) => {
                pages::confirmed(brand, number.0, &domain, waiting)
            }
            Ok(Entered::AlreadyIssued) => pages::already_issued(brand, number.0),
            Ok(Entered::Over) => pages::over(brand, number.0),
            Ok(Entered::Wrong) => pages::invalid(brand, page.form(), form.order.as_deref()),
            Err(failure) => trouble(brand, failure),
        },
        Page::Reject => match codes::reject_by_code(house, number, code, from).await {
            Ok(Declined::Rejected(domain)) => pages::rejected(brand, number.0, &domain),
            Ok(Declined::AlreadyIssued) => pages::too_late(brand, number.0),
            Ok(Declined::Over) => pages::over(brand, number.0),
            Ok(Declined::Wrong) => pages::invalid(brand, page.form(), form.order.as_deref()),
            Err(failure) => trouble(brand, failure),
        },
    })
}

fn trouble(brand: &str, failure: crate::app::Failure) -> pages::Page {
    let _ = failure.told("dcv page");
    pages::problem(brand, pages::Trouble::Internal)
}
