//! Which parameters of an order count. Those of other products are kept, and what they say is not judged (D56, D58, D62,
//! D81, D87).

use domain::product::{Catalogue, Kind, Level, Product};
use domain::refusal::Refusal;

use crate::envelope::Given;
use crate::fields::{self, Judged, Value};
use crate::table::{Endpoint, Parameter};

/// The orders for which a parameter counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// All.
    Any,
    /// Of wildcards.
    Wildcard,
    /// Of one name, a wildcard too.
    OneName,
    /// Of several names.
    List,
    /// Of products that name a subject.
    Subject,
    /// The same, where the applicant representative works for another organisation.
    OtherOrganization,
    /// Of products under the rules of extended validation.
    Extended,
    /// Of eIDAS products.
    Eidas,
    /// Of eIDAS products for payment service providers.
    Psd2,
    /// With a TrustLogo.
    Logo,
    /// Of S/MIME certificates that name an organisation.
    MailOrganization,
}

/// An order, as far as its product has a say in its parameters.
pub(crate) struct Ordered<'c> {
    endpoint: &'static Endpoint,
    given: &'c [Option<Given>],
    catalogue: &'c Catalogue,
    /// The account may have bonus days.
    bonus: bool,
    /// The product, and whether a TrustLogo comes with it. None when the product parameter names none: everything counts then.
    found: Option<(&'c Product, bool)>,
    /// `days` is there.
    dated: bool,
    other_organization: bool,
}

impl<'c> Ordered<'c> {
    /// By what is given.
    pub(crate) fn read(
        endpoint: &'static Endpoint,
        given: &'c [Option<Given>],
        catalogue: &'c Catalogue,
        bonus: bool,
    ) -> Self {
        let mut ordered = Self {
            endpoint,
            given,
            catalogue,
            bonus,
            found: None,
            dated: false,
            other_organization: false,
        };
        let codes = ordered.given("product").and_then(|codes| std::str::from_utf8(codes).ok());
        let find = |codes: Vec<i64>| match endpoint.server_orders {
            Some(_) => catalogue.find_any(&codes).ok(),
            None => catalogue.find(&codes).ok(),
        };
        let found = codes.and_then(fields::numbers).and_then(find);
        ordered.found = found.map(|(product, logos)| (product, !logos.is_empty()));
        ordered.dated = ordered.given("days").is_some();
        ordered.other_organization = ordered.given("appRepOrganizationName").is_some();
        ordered
    }

    /// The row by which a parameter is judged: for server certificates that of the endpoint for those. None where products of
    /// the type do not have it.
    pub(crate) fn row(&self, row: &'static Parameter) -> Option<&'static Parameter> {
        match (self.endpoint.server_orders, self.found) {
            (Some(server), Some((product, _))) if !product.level.is_mail() => server.row(row.name),
            (Some(_), Some(_)) => {
                let listed = self.endpoint.position(row.name)? < self.endpoint.rows.len();
                // The specification speaks of it, and does not list it (D29).
                (listed || row.name == "prioritiseCSRValues").then_some(row)
            }
            _ => Some(row),
        }
    }

    /// Judges one value, if it counts, also by what the product is.
    pub(crate) fn judge(
        &self,
        row: &'static Parameter,
        given: &Given,
    ) -> Result<Option<Judged>, Refusal> {
        let Some(row) = self.row(row) else {
            return match fields::is_blank(row, given) {
                true => Ok(None),
                false => Err(Refusal::NotOfProduct(row.name)),
            };
        };
        if !self.counts(row) {
            return fields::unread(row, given);
        }
        let judged = fields::judge(row, given)?;
        if let Some(judged) = &judged {
            self.fits(row, &judged.value)?;
        }
        Ok(judged)
    }

    /// Whether the product, or another parameter, asks for a parameter that is not there.
    pub(crate) fn demands(&self, row: &Parameter) -> bool {
        let product = self.found.filter(|_| self.counts(row));
        product.is_some_and(|(product, _)| product.demands(row.name, |name| self.given(name)))
    }

    /// What the product says of a value (-4).
    fn fits(&self, row: &Parameter, value: &Value) -> Result<(), Refusal> {
        let small = |n: i64| u32::try_from(n).map_err(|_| Refusal::invalid(row.name));
        let product = self.found.map(|(product, _)| product);
        match (row.name, value, product) {
            ("product", Value::Numbers(codes), None) => match self.endpoint.server_orders {
                Some(_) => self.catalogue.find_any(codes).map(drop),
                None => self.catalogue.find(codes).map(drop),
            },
            ("smimeSubjectCN", Value::Flag(true), Some(product))
                if !product.level.names_an_organization() =>
            {
                Err(Refusal::NotOfProduct(row.name))
            }
            // Days win over years (D54).
            ("years", Value::Integer(n), Some(product)) if !self.dated => {
                product.term(None, Some(small(*n)?), self.bonus).map(drop)
            }
            ("days", Value::Integer(n), Some(product)) => {
                product.term(Some(small(*n)?), None, self.bonus).map(drop)
            }
            ("servers", Value::Integer(n), Some(product)) => product.licences(Some(*n)).map(drop),
            _ => Ok(()),
        }
    }

    /// Whether a parameter counts.
    fn counts(&self, row: &Parameter) -> bool {
        let Some((product, logo)) = self.found else { return true };
        let level = product.level;
        match row.scope {
            Scope::Any => true,
            Scope::Wildcard => product.kind == Kind::Wildcard,
            Scope::OneName => !product.kind.is_list(),
            Scope::List => product.kind.is_list(),
            Scope::Subject => level.names_a_subject(),
            Scope::OtherOrganization => level.names_a_subject() && self.other_organization,
            Scope::Extended => level.is_extended(),
            Scope::Eidas => level.is_eidas(),
            Scope::Psd2 => level == Level::QwacPsd2,
            Scope::Logo => logo,
            Scope::MailOrganization => level == Level::OrganizationMultipurpose,
        }
    }

    /// A value as it came, unless it is blank.
    fn given(&self, name: &str) -> Option<&'c [u8]> {
        let given = self.given.get(self.endpoint.position(name)?)?.as_ref()?;
        let value = given.value.as_slice();
        value.iter().any(|b| *b != b' ').then_some(value)
    }
}
