//! The catalogue's page.

use domain::product::{Catalogue, Kind, Level, Product, TermPrice};

use super::table;

/// Products, prices, add-ons.
pub fn page() -> String {
    let catalogue = Catalogue::builtin();
    let mut out = String::from(
        "# Products\n\nThe built-in catalogue. An operator may replace it; an order keeps what it bought. \
         Prices are per order; `+` is the price of each further name, `×` of each further server licence.\n\n",
    );
    let mut products: Vec<(i64, &Product)> = catalogue.products().collect();
    products.sort_by_key(|(code, product)| (product.code, *code));
    let rows =
        products.iter().filter(|(code, product)| *code == product.code).map(|(_, product)| {
            let others = products.iter().filter(|(c, p)| p.code == product.code && *c != p.code);
            let others: Vec<String> = others.map(|(code, _)| code.to_string()).collect();
            let mut code = product.code.to_string();
            if !others.is_empty() {
                code += &format!(" (also {})", others.join(", "));
            }
            let names = if product.kind.is_list() {
                let wildcards = if product.wildcards { ", wildcards too" } else { "" };
                format!(
                    "{}: {} included, at most {}{wildcards}",
                    kind(product.kind),
                    product.included_names,
                    product.max_names
                )
            } else {
                kind(product.kind).to_owned()
            };
            let terms = product.terms.iter().map(term).collect::<Vec<_>>().join("<br>");
            vec![code, product.name.clone(), level(product), names, terms]
        });
    out += &table(&["code", "name", "validated", "names", "days: price"], rows);
    out += "\n## Add-ons\n\n";
    let logo =
        |l: &domain::product::Logo| vec![l.code.to_string(), l.name.clone(), l.price.to_string()];
    out += &table(&["code", "name", "price"], catalogue.logos().map(logo));
    out
}

fn term(term: &TermPrice) -> String {
    let mut out = format!("{}: {}", term.days, term.base);
    let zero = domain::money::Money::ZERO;
    if term.per_name > zero {
        out += &format!(" + {}", term.per_name);
    }
    if term.per_server > zero {
        out += &format!(" × {}", term.per_server);
    }
    out
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Single => "one",
        Kind::Wildcard => "wildcard",
        Kind::Multi => "several",
        Kind::Ucc => "several (UCC)",
        Kind::Mailbox => "a mailbox",
    }
}

fn level(product: &Product) -> String {
    let mut out = match product.level {
        Level::Dv => "domain",
        Level::Ov => "organisation",
        Level::Ev => "organisation, EV",
        Level::QwacLegal => "legal person, eIDAS",
        Level::QwacPsd2 => "payment service provider, eIDAS",
        Level::QwacNatural => "natural person, eIDAS",
        Level::MailboxMultipurpose => "mailbox, multipurpose S/MIME",
        Level::MailboxStrict => "mailbox, strict S/MIME",
        Level::OrganizationMultipurpose => "mailbox and organisation, multipurpose S/MIME",
    }
    .to_owned();
    if product.intranet {
        out += "; internal names, private root";
    }
    if product.amt {
        out += "; Intel AMT";
    }
    out
}
