//! The pages behind the links of domain-control mails. Pure: a page is made from what it says.
//!
//! Mail scanners open links, so a GET only ever shows a form, built from the address alone: it looks nothing up and
//! says nothing about whether an order exists. What a POST of the form led to is told by [`confirmed`],
//! [`already_issued`], [`invalid`], [`over`], [`too_late`] and [`rejected`]; programs that post the form themselves look
//! for one of three sentences of them and expect status 200. An unknown order is answered like a wrong code, by [`invalid`].
//!
//! The pages need no script. Their one stylesheet is a file of ours ([`STYLESHEET`] at [`STYLESHEET_PATH`]), so the
//! policy in [`HEADERS`] allows nothing inline and nothing from elsewhere. A page's address may hold a code: it is sent
//! to nobody as a referrer and kept by no cache.

use askama::Template;

/// A page to send as `text/html; charset=utf-8` with [`HEADERS`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// The document.
    pub html: String,
}

/// Headers of every page.
pub const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
];

/// The policy of a page with a script.
pub const SCRIPT_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where the collection page looks for its script.
pub const SCRIPT_PATH: &str = "/static/smime.js";

/// The script that makes keys and PKCS #12 files in the browser.
pub const SCRIPT: &str = include_str!("../../static/smime.js");

/// Where pages look for the stylesheet.
pub const STYLESHEET_PATH: &str = "/static/chancery.css";

/// The stylesheet, `text/css; charset=utf-8`.
pub const STYLESHEET: &str = include_str!("../../static/chancery.css");

/// `GET EnterDCVCode`: asks for the code, or shows the given one, with a button that posts to `EnterDCVCode2`. Both
/// values as they were given; one that cannot be right is left for the reader to type.
#[must_use]
pub fn enter_code(brand: &str, order: Option<&str>, code: Option<&str>) -> Page {
    page(200, &EnterCode { brand, order: plausible_order(order), code: plausible_code(code) })
}

/// `GET RejectDCVCode`: asks whether to decline, with a button that posts to `RejectDCVCode`.
#[must_use]
pub fn reject(brand: &str, order: Option<&str>, code: Option<&str>) -> Page {
    page(200, &Reject { brand, order: plausible_order(order), code: plausible_code(code) })
}

/// The code was right: this domain is confirmed, and so many more of the order wait for a confirmation of their own.
#[must_use]
pub fn confirmed(brand: &str, order: i64, domain: &str, waiting: usize) -> Page {
    page(200, &Confirmed { brand, order, domain, waiting })
}

/// The code was right, and comes too late to matter.
#[must_use]
pub fn already_issued(brand: &str, order: i64) -> Page {
    page(200, &AlreadyIssued { brand, order })
}

/// The code was right, and the order has a certificate: it can no longer be declined.
#[must_use]
pub fn too_late(brand: &str, order: i64) -> Page {
    page(200, &TooLate { brand, order })
}

/// The code was right, and the order has come to nothing before.
#[must_use]
pub fn over(brand: &str, order: i64) -> Page {
    page(200, &Over { brand, order })
}

/// The code is wrong or too old, or there is no such order: nobody learns which. `form`: `EnterDCVCode` or `RejectDCVCode`,
/// where it can be tried again.
#[must_use]
pub fn invalid(brand: &str, form: &str, order: Option<&str>) -> Page {
    page(200, &Invalid { brand, form, order: plausible_order(order) })
}

/// The order was declined for this domain.
#[must_use]
pub fn rejected(brand: &str, order: i64, domain: &str) -> Page {
    page(200, &Rejected { brand, order, domain })
}

/// What kept a request from being answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// No page of ours, or an address that is mangled.
    NoSuchPage,
    /// Too many attempts.
    TooMany,
    /// A fault of ours.
    Internal,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Trouble; 3] = [Trouble::NoSuchPage, Trouble::TooMany, Trouble::Internal];
}

/// A page about trouble, which tells nothing about any order.
#[must_use]
pub fn problem(brand: &str, trouble: Trouble) -> Page {
    let (status, title, advice) = match trouble {
        Trouble::NoSuchPage => (
            404,
            "This link does not work",
            "Please check that the whole address from our mail was opened; some programs break long ones at the line's end.",
        ),
        Trouble::TooMany => (
            429,
            "Too many attempts",
            "Please wait a few minutes and then open the link from our mail again.",
        ),
        Trouble::Internal => (
            500,
            "Something went wrong here",
            "This was our fault, and your code stays usable. Please open the link from our mail again in a few minutes.",
        ),
    };
    page(status, &Problem { brand, title, advice })
}

#[derive(Template)]
#[template(path = "dcv/enter_code.html")]
struct EnterCode<'a> {
    brand: &'a str,
    order: Option<&'a str>,
    code: &'a str,
}

#[derive(Template)]
#[template(path = "dcv/reject.html")]
struct Reject<'a> {
    brand: &'a str,
    order: Option<&'a str>,
    code: &'a str,
}

#[derive(Template)]
#[template(path = "dcv/confirmed.html")]
struct Confirmed<'a> {
    brand: &'a str,
    order: i64,
    domain: &'a str,
    waiting: usize,
}

#[derive(Template)]
#[template(path = "dcv/already_issued.html")]
struct AlreadyIssued<'a> {
    brand: &'a str,
    order: i64,
}

#[derive(Template)]
#[template(path = "dcv/too_late.html")]
struct TooLate<'a> {
    brand: &'a str,
    order: i64,
}

#[derive(Template)]
#[template(path = "dcv/over.html")]
struct Over<'a> {
    brand: &'a str,
    order: i64,
}

#[derive(Template)]
#[template(path = "dcv/invalid.html")]
struct Invalid<'a> {
    brand: &'a str,
    form: &'a str,
    order: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "dcv/rejected.html")]
struct Rejected<'a> {
    brand: &'a str,
    order: i64,
    domain: &'a str,
}

#[derive(Template)]
#[template(path = "dcv/problem.html")]
struct Problem<'a> {
    brand: &'a str,
    title: &'a str,
    advice: &'a str,
}

pub(super) fn page(status: u16, template: &impl Template) -> Page {
    match template.render() {
        Ok(html) => Page { status, html },
        Err(_) => Page { status: 500, html: "<!doctype html><title>Error</title>".to_owned() },
    }
}

pub(super) fn plausible_order(order: Option<&str>) -> Option<&str> {
    let digits = |o: &&str| (1..=19).contains(&o.len()) && o.bytes().all(|b| b.is_ascii_digit());
    order.map(str::trim).filter(digits)
}

pub(super) fn plausible_code(code: Option<&str>) -> &str {
    let fits = |c: &&str| c.len() <= 100 && c.bytes().all(|b| b.is_ascii_graphic());
    code.map(str::trim).filter(fits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENTENCES: [&str; 3] = [
        "You have entered the correct Domain Control Validation code",
        "the certificate has already been issued",
        "Invalid Validation Code!",
    ];

    fn every_page(text: &str) -> Vec<Page> {
        let mut pages = vec![
            enter_code(text, Some(text), Some(text)),
            enter_code(text, None, None),
            reject(text, Some(text), Some(text)),
            reject(text, None, None),
            confirmed(text, i64::MIN, text, 0),
            confirmed(text, 10_000_007, text, 1),
            confirmed(text, 10_000_007, text, usize::MAX),
            already_issued(text, 0),
            too_late(text, 0),
            over(text, 0),
            invalid(text, text, Some(text)),
            invalid(text, "EnterDCVCode", None),
            rejected(text, 1, text),
        ];
        pages.extend(Trouble::ALL.map(|trouble| problem(text, trouble)));
        pages
    }

    fn sentences(page: &Page) -> Vec<&'static str> {
        SENTENCES.into_iter().filter(|s| page.html.contains(s)).collect()
    }

    #[test]
    fn results_hold_one_known_sentence_each_and_status_200() {
        let domain = "example.com";
        for (page, sentence) in [
            (confirmed("B", 10_000_007, domain, 0), SENTENCES[0]),
            (confirmed("B", 10_000_007, domain, 3), SENTENCES[0]),
            (already_issued("B", 10_000_007), SENTENCES[1]),
            (too_late("B", 10_000_007), SENTENCES[1]),
            (over("B", 10_000_007), SENTENCES[2]),
            (invalid("B", "EnterDCVCode", Some("10000007")), SENTENCES[2]),
        ] {
            assert_eq!((page.status, sentences(&page)), (200, vec![sentence]));
        }
        for page in [
            enter_code("B", Some("10000007"), Some("c")),
            reject("B", Some("10000007"), Some("c")),
            rejected("B", 10_000_007, domain),
            problem("B", Trouble::NoSuchPage),
        ] {
            assert!(sentences(&page).is_empty(), "{}", page.html);
        }
        assert!(confirmed("B", 1, domain, 0).html.contains("example.com is confirmed"));
    }

    #[test]
    fn forms_post_what_was_given() {
        let page = enter_code("B", Some("10000007"), Some("aB3-xyz*0123"));
        for wanted in [
            "<form method=\"post\" action=\"/products/EnterDCVCode2\">",
            "<input type=\"hidden\" name=\"orderNumber\" value=\"10000007\">",
            "name=\"dcvCode\" value=\"aB3-xyz*0123\"",
            "<label for=\"code\">",
            "<button type=\"submit\">",
        ] {
            assert!(page.html.contains(wanted), "{wanted} in {}", page.html);
        }
        let page = reject("B", Some("10000007"), None);
        assert!(page.html.contains("action=\"/products/RejectDCVCode\""));
        assert!(page.html.contains("name=\"dcvCode\" value=\"\""));
    }

    #[test]
    fn what_cannot_be_right_is_asked_for() {
        for order in [None, Some(""), Some("1 or 1"), Some("\u{661}"), Some("12345678901234567890")]
        {
            let page = enter_code("B", order, Some("two words"));
            assert!(page.html.contains("<label for=\"order\">"), "{order:?}");
            assert!(page.html.contains("name=\"dcvCode\" value=\"\""));
        }
    }

    #[test]
    fn everything_is_escaped_and_nothing_is_inline() {
        let odd = "\"><script>alert(1)</script>&'\u{0}\u{202e}";
        for page in every_page(odd) {
            assert!(!page.html.contains("<script"), "{}", page.html);
            for inline in ["<style", "style=", "onclick", "javascript:", "src="] {
                assert!(!page.html.contains(inline), "{inline}");
            }
            assert!(page.html.contains(&format!("href=\"{STYLESHEET_PATH}\"")));
            assert!(page.html.starts_with("<!doctype html>"));
        }
        let code = enter_code("B", None, Some("\"><b>"));
        assert!(!code.html.contains("<b>"));
    }

    #[test]
    fn an_unknown_order_looks_like_a_wrong_code() {
        for form in ["EnterDCVCode", "RejectDCVCode"] {
            let of = |order| invalid("B", form, Some(order)).html;
            assert_eq!(of("10000007").replace("10000007", "99999999"), of("99999999"));
            assert!(of("10000007").contains(&format!("/products/{form}?orderNumber=10000007")));
        }
    }

    #[test]
    fn the_stylesheet_asks_for_nothing_else() {
        for outside in ["url(", "@import", "http:", "https:"] {
            assert!(!STYLESHEET.contains(outside), "{outside}");
        }
    }
}
