//! Which parameters of an order count. Those of other products are kept, and what they say is not judged (D56, D58, D62,
//! D81, D87).

use domain::product::{Catalogue, Kind, Level, Product};

use crate::envelope::Given;
use crate::fields;
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
}

/// What is ordered, as far as scopes ask.
#[derive(Clone, Copy)]
pub(crate) struct Ordered<'c> {
    product: &'c Product,
    logo: bool,
    other_organization: bool,
}

impl<'c> Ordered<'c> {
    /// By the product parameter. None when it names no product: everything counts then.
    pub(crate) fn read(
        endpoint: &'static Endpoint,
        given: &[Option<Given>],
        catalogue: &'c Catalogue,
    ) -> Option<Self> {
        let given = |name| given.get(endpoint.position(name)?)?.as_ref();
        let codes = fields::numbers(std::str::from_utf8(&given("product")?.value).ok()?)?;
        let (product, logos) = catalogue.find(&codes).ok()?;
        let organization = given("appRepOrganizationName");
        Some(Self {
            product,
            logo: !logos.is_empty(),
            other_organization: organization.is_some_and(|g| g.value.iter().any(|b| *b != b' ')),
        })
    }

    /// Whether a parameter counts.
    pub(crate) fn counts(&self, row: &Parameter) -> bool {
        let level = self.product.level;
        match row.scope {
            Scope::Any => true,
            Scope::Wildcard => self.product.kind == Kind::Wildcard,
            Scope::OneName => !self.product.kind.is_list(),
            Scope::List => self.product.kind.is_list(),
            Scope::Subject => level.names_a_subject(),
            Scope::OtherOrganization => level.names_a_subject() && self.other_organization,
            Scope::Extended => level.is_extended(),
            Scope::Eidas => level.is_eidas(),
            Scope::Psd2 => level == Level::QwacPsd2,
            Scope::Logo => self.logo,
        }
    }
}
