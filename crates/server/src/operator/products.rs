//! Products: what can be ordered, at what price.

use std::path::Path;

use domain::product::{Catalogue, Product};
use serde::Serialize;

use super::{Complaint, Done};
use crate::app::bought::{kind_word, level_word};

/// A product for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct ProductView {
    /// The code that was asked for.
    pub code: i64,
    /// The code that it stands for, if it is another.
    pub alias_of: Option<i64>,
    /// Name.
    pub name: String,
    /// What is validated; `logo` for add-ons.
    pub level: &'static str,
    /// How many names.
    pub kind: &'static str,
    /// Names in the base price.
    pub included_names: u32,
    /// The most names.
    pub max_names: u32,
    /// Whether a list of names may have wildcards.
    pub wildcards: bool,
    /// Under the private root.
    pub intranet: bool,
    /// Whether bonus days may be asked for.
    pub bonus_days: bool,
    /// Add-ons that may be ordered with it.
    pub logos: Vec<i64>,
    /// Terms and prices.
    pub terms: Vec<TermView>,
}

/// A term and its prices.
#[derive(Clone, Debug, Serialize)]
pub struct TermView {
    /// Days; none for add-ons, whose price is the same for every term.
    pub days: Option<u32>,
    /// For the order.
    pub base: String,
    /// For each further name.
    pub per_name: String,
    /// For each further server.
    pub per_server: String,
}

/// The catalogue: a file, or the one that comes with the program.
///
/// # Errors
/// Words that name the row.
pub fn catalogue(file: Option<&Path>) -> Done<Catalogue> {
    let Some(path) = file else { return Ok(Catalogue::builtin()) };
    let text =
        std::fs::read_to_string(path).map_err(|e| Complaint(format!("{}: {e}", path.display())))?;
    Catalogue::from_toml(&text).map_err(|e| Complaint(format!("{}: {e}", path.display())))
}

/// Every product and add-on, by code.
#[must_use]
pub fn list(catalogue: &Catalogue) -> Vec<ProductView> {
    let products = catalogue.products().map(|(code, p)| view(code, p));
    let logos = catalogue.logos().map(|l| ProductView {
        code: l.code,
        alias_of: None,
        name: l.name.clone(),
        level: "logo",
        kind: "",
        included_names: 0,
        max_names: 0,
        wildcards: false,
        intranet: false,
        bonus_days: false,
        logos: Vec::new(),
        terms: vec![TermView {
            days: None,
            base: l.price.to_string(),
            per_name: "0.00".to_owned(),
            per_server: "0.00".to_owned(),
        }],
    });
    let mut all: Vec<ProductView> = products.chain(logos).collect();
    all.sort_by_key(|p| p.code);
    all
}

/// One product.
///
/// # Errors
/// When there is none of that code.
pub fn show(catalogue: &Catalogue, code: i64) -> Done<ProductView> {
    list(catalogue).into_iter().find(|p| p.code == code).ok_or_else(|| unknown(code))
}

/// The code that a stub order keeps: aliases stand for their product.
pub(super) fn canonical(catalogue: &Catalogue, code: i64) -> Done<i64> {
    let add_on = || catalogue.logos().any(|logo| logo.code == code);
    catalogue.product(code).map(|p| p.code).ok_or_else(|| match add_on() {
        true => Complaint(format!("{code} is an add-on, which is ordered with a product")),
        false => unknown(code),
    })
}

fn unknown(code: i64) -> Complaint {
    Complaint(format!("there is no product {code}; `chancery product list` shows all"))
}

fn view(code: i64, p: &Product) -> ProductView {
    let terms = p.terms.iter().map(|t| TermView {
        days: Some(t.days),
        base: t.base.to_string(),
        per_name: t.per_name.to_string(),
        per_server: t.per_server.to_string(),
    });
    ProductView {
        code,
        alias_of: (p.code != code).then_some(p.code),
        name: p.name.clone(),
        level: level_word(p.level),
        kind: kind_word(p.kind),
        included_names: p.included_names,
        max_names: p.max_names,
        wildcards: p.wildcards,
        intranet: p.intranet,
        bonus_days: p.bonus,
        logos: p.logos.clone(),
        terms: terms.collect(),
    }
}
