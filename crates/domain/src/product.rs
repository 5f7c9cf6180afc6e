//! The catalogue: what can be ordered, for how long, at what price. Data, read from `products.toml`; an operator may
//! replace the file, and an order keeps a copy of what it bought.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::CheckKind;
use crate::money::Money;
use crate::order_smime::SmimeOrderRequest;
use crate::order_ssl::SslOrderRequest;
use crate::refusal::Refusal;

/// What has to be validated, and so which profile and issuing CA.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Domain control only.
    Dv,
    /// An organisation.
    Ov,
    /// An organisation, extended validation.
    Ev,
    /// eIDAS, legal person.
    QwacLegal,
    /// eIDAS, legal person that is a payment service provider.
    QwacPsd2,
    /// eIDAS, natural person.
    QwacNatural,
    /// S/MIME, mailbox-validated, multipurpose generation.
    MailboxMultipurpose,
    /// S/MIME, mailbox-validated, strict generation.
    MailboxStrict,
    /// S/MIME, organisation-validated, multipurpose generation.
    OrganizationMultipurpose,
}

impl Level {
    /// True for everything but domain and mailbox validation.
    #[must_use]
    pub fn names_a_subject(self) -> bool {
        !matches!(self, Level::Dv | Level::MailboxMultipurpose | Level::MailboxStrict)
    }

    /// True for S/MIME.
    #[must_use]
    pub fn is_mail(self) -> bool {
        matches!(
            self,
            Level::MailboxMultipurpose | Level::MailboxStrict | Level::OrganizationMultipurpose
        )
    }

    /// True where an organisation is named.
    #[must_use]
    pub fn names_an_organization(self) -> bool {
        matches!(
            self,
            Level::Ov
                | Level::Ev
                | Level::QwacLegal
                | Level::QwacPsd2
                | Level::OrganizationMultipurpose
        )
    }

    /// True where the EV Guidelines bind: neither wildcards nor IP addresses.
    #[must_use]
    pub fn is_extended(self) -> bool {
        matches!(self, Level::Ev | Level::QwacLegal | Level::QwacPsd2)
    }

    /// True for eIDAS products.
    #[must_use]
    pub fn is_eidas(self) -> bool {
        matches!(self, Level::QwacLegal | Level::QwacPsd2 | Level::QwacNatural)
    }

    /// The checks of an order at this level.
    #[must_use]
    pub fn checks(self) -> &'static [CheckKind] {
        use CheckKind as K;
        match self {
            Level::Dv => &[K::DomainControl],
            Level::Ov => &[
                K::DomainControl,
                K::Organization,
                K::ApplicantRepresentative,
                K::CallBack,
                K::Agreement,
            ],
            Level::Ev | Level::QwacLegal | Level::QwacPsd2 => &[
                K::DomainControl,
                K::Organization,
                K::ApplicantRepresentative,
                K::CallBack,
                K::Agreement,
                K::Jurisdiction,
                K::SecondPerson,
            ],
            Level::QwacNatural => {
                &[K::DomainControl, K::ApplicantRepresentative, K::CallBack, K::Agreement]
            }
            Level::MailboxMultipurpose | Level::MailboxStrict => &[K::MailboxControl],
            Level::OrganizationMultipurpose => &[
                K::MailboxControl,
                K::Organization,
                K::ApplicantRepresentative,
                K::CallBack,
                K::Agreement,
            ],
        }
    }
}

/// How many names, and of what kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One name, and its `www.` twin.
    Single,
    /// One wildcard, and the name under it.
    Wildcard,
    /// A list of names.
    Multi,
    /// A list of names, with the CSR's common name as primary name.
    Ucc,
    /// One mailbox.
    Mailbox,
}

impl Kind {
    /// True for the kinds with a list of names.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Kind::Multi | Kind::Ucc)
    }
}

/// A product of the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    /// The code of the interface.
    pub code: i64,
    /// For people.
    pub name: String,
    /// What is validated.
    pub level: Level,
    /// Names.
    pub kind: Kind,
    /// Names that the base price includes.
    pub included_names: u32,
    /// The most names in one order.
    pub max_names: u32,
    /// Whether a list of names may have wildcards.
    pub wildcards: bool,
    /// For names and addresses that the Internet does not know, under a private root.
    pub intranet: bool,
    /// With the extended key usage of Intel AMT.
    pub amt: bool,
    /// Whether up to 90 bonus days may be asked for.
    pub bonus: bool,
    /// TrustLogo codes that may be added.
    pub logos: Vec<i64>,
    /// Terms and prices, shortest first, at least one.
    pub terms: Vec<TermPrice>,
}

/// A term of a product and its prices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TermPrice {
    /// Days.
    pub days: u32,
    /// For the order.
    pub base: Money,
    /// For each name beyond the included ones.
    pub per_name: Money,
    /// For each server licence beyond the first.
    pub per_server: Money,
}

/// A TrustLogo: an add-on with a price, not a certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logo {
    /// The code of the interface.
    pub code: i64,
    /// For people.
    pub name: String,
    /// Price, whatever the term.
    pub price: Money,
}

/// All products and add-ons.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Catalogue {
    products: BTreeMap<i64, Product>,
    logos: BTreeMap<i64, Logo>,
}

/// What was chosen from the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The certificate product.
    pub product: Product,
    /// Add-ons.
    pub logos: Vec<Logo>,
    /// Days that were ordered, bonus days included.
    pub days: u32,
    /// The term that is paid for.
    pub term: TermPrice,
    /// Server licences.
    pub servers: u32,
}

impl Choice {
    /// The price for so many names.
    #[must_use]
    pub fn price(&self, names: usize) -> Money {
        let names = i64::try_from(names).unwrap_or(i64::MAX);
        let further = (names - i64::from(self.product.included_names)).max(0);
        let servers = i64::from(self.servers) - 1;
        let logos: Money = self.logos.iter().map(|l| l.price).sum();
        self.term.base + self.term.per_name * further + self.term.per_server * servers + logos
    }
}

/// The longest bonus beyond a term, in days.
pub const MAX_BONUS_DAYS: u32 = 90;

impl Catalogue {
    /// The catalogue that comes with the program.
    ///
    /// # Panics
    /// Never: a test reads the embedded file.
    #[must_use]
    pub fn builtin() -> Self {
        Self::from_toml(include_str!("../data/products.toml"))
            .expect("the embedded catalogue is right")
    }

    /// A certificate product by code or alias.
    #[must_use]
    pub fn product(&self, code: i64) -> Option<&Product> {
        self.products.get(&code)
    }

    /// Every product, by code; aliases are listed under their own code.
    pub fn products(&self) -> impl Iterator<Item = (i64, &Product)> {
        self.products.iter().map(|(code, product)| (*code, product))
    }

    /// Every add-on.
    pub fn logos(&self) -> impl Iterator<Item = &Logo> {
        self.logos.values()
    }

    /// Finds product, add-ons, term and licences of a request. `bonus`: whether the account may have bonus days.
    ///
    /// # Errors
    /// -4 `product` unless exactly one certificate product and only its add-ons are named; -3 `days` when a term must
    /// be named; -4 `days` or `years` for terms that the product does not have; -4 `servers` outside of 1 to 100 for wildcards.
    pub fn choose(&self, request: &SslOrderRequest, bonus: bool) -> Result<Choice, Refusal> {
        let (product, logos) = self.find(&request.products)?;
        let (days, term) = product.term(request.days, request.years, bonus)?;
        let servers = product.licences(request.servers)?;
        Ok(Choice { product: product.clone(), logos, days, term, servers })
    }

    /// What an S/MIME order chooses.
    ///
    /// # Errors
    /// As [`Catalogue::find_any`]; -4 `days`.
    pub fn choose_smime(&self, request: &SmimeOrderRequest) -> Result<Choice, Refusal> {
        let (product, logos) = self.find_any(&[request.product])?;
        let (days, term) = product.term(Some(request.days), None, false)?;
        Ok(Choice { product: product.clone(), logos, days, term, servers: 1 })
    }

    /// Finds product and add-ons by their codes.
    ///
    /// # Errors
    /// -4 `product` unless exactly one product for servers and only its add-ons are named.
    pub fn find(&self, codes: &[i64]) -> Result<(&Product, Vec<Logo>), Refusal> {
        let found = self.find_any(codes).map_err(|_| Refusal::invalid("product"))?;
        match found.0.level.is_mail() {
            true => Err(Refusal::invalid("product")),
            false => Ok(found),
        }
    }

    /// The same for an S/MIME product as well.
    ///
    /// # Errors
    /// -118 for a code that nothing has; -4 `product` unless exactly one certificate product and only its add-ons are named.
    pub fn find_any(&self, codes: &[i64]) -> Result<(&Product, Vec<Logo>), Refusal> {
        let mut product = None;
        let mut logos: Vec<Logo> = Vec::new();
        for code in codes {
            if let Some(found) = self.products.get(code) {
                if product.replace(found).is_some() {
                    return Err(Refusal::invalid("product"));
                }
            } else if let Some(logo) = self.logos.get(code) {
                if logos.iter().any(|l| l.code == logo.code) {
                    return Err(Refusal::invalid("product"));
                }
                logos.push(logo.clone());
            } else {
                return Err(Refusal::WrongProduct);
            }
        }
        let product: &Product = product.ok_or(Refusal::invalid("product"))?;
        match logos.iter().find(|l| !product.logos.contains(&l.code)) {
            Some(_) => Err(Refusal::invalid("product")),
            None => Ok((product, logos)),
        }
    }
}

impl Product {
    /// The days that are ordered and the term that is paid for. `days` wins over `years` (D54). `bonus`: whether the account
    /// may have bonus days.
    ///
    /// # Errors
    /// -3 `days` when a term must be named; -4 `days` or `years` for terms that the product does not have.
    pub fn term(
        &self,
        days: Option<u32>,
        years: Option<u32>,
        bonus: bool,
    ) -> Result<(u32, TermPrice), Refusal> {
        let (wanted, parameter) = match (days, years) {
            (Some(days), _) => (days, "days"),
            (None, Some(years)) => {
                (days_of_years(years).ok_or(Refusal::invalid("years"))?, "years")
            }
            (None, None) => match self.terms.as_slice() {
                [only] => return Ok((only.days, *only)),
                _ => return Err(Refusal::Missing("days")),
            },
        };
        let lower = self.terms.iter().rev().find(|t| t.days <= wanted);
        let term = lower.ok_or(Refusal::invalid(parameter))?;
        let beyond = wanted - term.days;
        let allowed = beyond == 0 || (bonus && self.bonus && beyond <= MAX_BONUS_DAYS);
        if allowed { Ok((wanted, *term)) } else { Err(Refusal::invalid(parameter)) }
    }

    /// Server licences: of wildcards as many as are asked for, 1 to 100.
    ///
    /// # Errors
    /// -4 `servers`.
    pub fn licences(&self, servers: Option<i64>) -> Result<u32, Refusal> {
        match (self.kind, servers) {
            (Kind::Wildcard, Some(n)) if (1..=100).contains(&n) => {
                Ok(u32::try_from(n).unwrap_or(1))
            }
            (Kind::Wildcard, Some(_)) => Err(Refusal::invalid("servers")),
            _ => Ok(1),
        }
    }

    /// Whether an order of this product must have a parameter that it does not have, because of the product or of another
    /// parameter (§0.4 step 8). `given`: the others, as they came.
    #[must_use]
    pub fn demands<'v>(&self, parameter: &str, given: impl Fn(&str) -> Option<&'v [u8]>) -> bool {
        let level = self.level;
        let there = |name| given(name).is_some();
        let other = || level.names_a_subject() && there("appRepOrganizationName");
        match parameter {
            "days" => level.is_mail() || (self.terms.len() != 1 && !there("years")),
            "sanEmailAddress" | "appRepEmailAddress" => level.is_mail(),
            // Who is to be called back has a telephone.
            "appRepTelephone" => {
                let by_telephone = |method: &[u8]| method.eq_ignore_ascii_case(b"T");
                level == Level::OrganizationMultipurpose
                    && given("callbackMethod").is_some_and(by_telephone)
            }
            // A CSR may bring the first name of a UCC.
            "primaryDomainName" => {
                let one = given("maxSubjectCNs").is_some_and(|n| n == b"1");
                self.kind.is_list() && self.kind != Kind::Ucc && one
            }
            "joiCountryName" => level == Level::Ev,
            "appRepLocalityName" => other() && !there("appRepStateOrProvinceName"),
            "appRepPostalCode" | "appRepCountryName" => other(),
            "isAppRepValidated" => {
                given("isCallbackCompleted").is_some_and(|yes| yes.eq_ignore_ascii_case(b"Y"))
            }
            "organizationIdentifier" => matches!(level, Level::QwacLegal | Level::QwacPsd2),
            "personalIdentifier" => level == Level::QwacNatural && !there("semanticsIdentifier"),
            "ncaIdentifier" => level == Level::QwacPsd2,
            _ => false,
        }
    }
}

fn days_of_years(years: u32) -> Option<u32> {
    [365, 730, 1_095, 1_461, 1_826].get(usize::try_from(years).ok()?.checked_sub(1)?).copied()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    price: Vec<PriceRow>,
    product: Vec<ProductRow>,
    logo: Vec<LogoRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceRow {
    id: String,
    terms: Vec<(u32, String, String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductRow {
    code: i64,
    #[serde(default)]
    aliases: Vec<i64>,
    name: String,
    level: Level,
    kind: Kind,
    price: String,
    included_names: Option<u32>,
    max_names: Option<u32>,
    #[serde(default)]
    wildcards: bool,
    #[serde(default)]
    intranet: bool,
    #[serde(default)]
    amt: bool,
    #[serde(default = "yes")]
    bonus: bool,
    #[serde(default)]
    logos: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogoRow {
    code: i64,
    name: String,
    price: String,
}

fn yes() -> bool {
    true
}

/// A catalogue that cannot be used; the words say which row and why.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not the TOML that is expected.
    #[error("catalogue: {0}")]
    Form(#[from] toml::de::Error),
    /// A row that makes no sense.
    #[error("catalogue: {0}")]
    Row(String),
}

impl Catalogue {
    /// Reads a catalogue.
    ///
    /// # Errors
    /// [`CatalogueError`] naming the row.
    pub fn from_toml(text: &str) -> Result<Self, CatalogueError> {
        let file: File = toml::from_str(text)?;
        let prices: BTreeMap<String, Vec<TermPrice>> = file
            .price
            .iter()
            .map(|row| Ok((row.id.clone(), price_list(row)?)))
            .collect::<Result<_, CatalogueError>>()?;
        let mut catalogue = Catalogue { products: BTreeMap::new(), logos: BTreeMap::new() };
        for row in file.logo {
            let logo =
                Logo { code: row.code, price: money(&row.price, &row.name)?, name: row.name };
            catalogue.logos.insert(logo.code, logo);
        }
        for row in file.product {
            let terms = prices.get(&row.price).cloned();
            let terms = terms.ok_or_else(|| odd(&row.name, "names no price list"))?;
            if row.level.is_mail() != (row.kind == Kind::Mailbox) {
                let what = "must be of kind mailbox if it is S/MIME, and of no such kind else";
                return Err(odd(&row.name, what));
            }
            if row.wildcards && (row.level.is_extended() || !row.kind.is_list()) {
                let what = "has wildcards: only lists of names may, and EVG 3.2.2.7 forbids them";
                return Err(odd(&row.name, what));
            }
            let codes: Vec<i64> = std::iter::once(row.code).chain(row.aliases).collect();
            let product = Product {
                code: row.code,
                level: row.level,
                kind: row.kind,
                included_names: row.included_names.unwrap_or(1),
                max_names: row.max_names.unwrap_or(if row.kind.is_list() { 250 } else { 1 }),
                wildcards: row.wildcards,
                intranet: row.intranet,
                amt: row.amt,
                bonus: row.bonus,
                logos: row.logos,
                terms,
                name: row.name,
            };
            for code in codes {
                let taken = catalogue.logos.contains_key(&code);
                if taken || catalogue.products.insert(code, product.clone()).is_some() {
                    return Err(odd(&product.name, "has a code that is given twice"));
                }
            }
        }
        Ok(catalogue)
    }
}

fn price_list(row: &PriceRow) -> Result<Vec<TermPrice>, CatalogueError> {
    let mut terms = Vec::new();
    for (days, base, per_name, per_server) in &row.terms {
        terms.push(TermPrice {
            days: *days,
            base: money(base, &row.id)?,
            per_name: money(per_name, &row.id)?,
            per_server: money(per_server, &row.id)?,
        });
    }
    let sorted = terms.windows(2).all(|w| w[0].days < w[1].days);
    let sane = terms.iter().all(|t| (1..=3_660).contains(&t.days));
    if terms.is_empty() || !sorted || !sane {
        return Err(odd(&row.id, "must have terms sorted by days, 1 to 3660"));
    }
    Ok(terms)
}

fn money(text: &str, row: &str) -> Result<Money, CatalogueError> {
    match text.parse::<Money>() {
        Ok(amount) if amount >= Money::ZERO => Ok(amount),
        _ => Err(odd(row, "has an amount that is none; write it like 12.50")),
    }
}

fn odd(row: &str, what: &str) -> CatalogueError {
    CatalogueError::Row(format!("'{row}' {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_catalogue_has_every_code_of_the_specification() {
        let catalogue = Catalogue::builtin();
        let specified = "448 488 489 492 337 410 7 24 34 35 43 44 62 63 64 65 316 318 322 324 335 361 583 \
                         510 511 512 791 792 783 784 788 789 794 795 796";
        let clients = "287 289 279 291 330 331 342 556 557 562 563 567 568 732 749 750 751";
        for code in specified.split_whitespace().chain(clients.split_whitespace()) {
            assert!(catalogue.product(code.parse().unwrap()).is_some(), "{code}");
        }
        assert_eq!(catalogue.logos().map(|l| l.code).collect::<Vec<_>>(), [36, 37, 490]);
        assert_eq!(catalogue.product(448).map(|p| p.code), Some(488));
    }

    #[test]
    fn terms() {
        let catalogue = Catalogue::builtin();
        let dv = catalogue.product(488).unwrap();
        let term =
            |days, years, bonus| dv.term(days, years, bonus).map(|(days, term)| (days, term.days));
        assert_eq!(term(Some(365), Some(9), true), Ok((365, 365)));
        assert_eq!(term(None, Some(2), true), Ok((730, 730)));
        for bonus in [366, 370, 395, 455] {
            assert_eq!(term(Some(bonus), None, true), Ok((bonus, 365)));
            assert_eq!(term(Some(bonus), None, false), Err(Refusal::invalid("days")));
        }
        assert_eq!(term(Some(456), None, true), Err(Refusal::invalid("days")));
        assert_eq!(term(Some(0), None, true), Err(Refusal::invalid("days")));
        assert_eq!(term(None, Some(0), true), Err(Refusal::invalid("years")));
        assert_eq!(term(None, Some(6), true), Err(Refusal::invalid("years")));
        assert_eq!(term(None, None, true), Err(Refusal::Missing("days")));
        let trial = catalogue.product(43).unwrap();
        assert_eq!(trial.term(None, None, true).map(|(d, _)| d), Ok(30));
    }
}
