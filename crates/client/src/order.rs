//! Orders in the making.

use domain::dcv::DcvMethod;
use domain::names::CertName;

type Pairs = Vec<(&'static str, String)>;

/// An order of a server certificate. What has no method of its own is [`OrderForm::set`] by the interface's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderForm(pub(crate) Pairs);

/// A replacement of a server certificate. What is not set stays as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplaceForm(pub(crate) Pairs);

macro_rules! common {
    () => {
        /// Days of the term.
        #[must_use]
        pub fn days(self, days: u32) -> Self {
            self.set("days", days.to_string())
        }

        /// How control of the name is shown.
        #[must_use]
        pub fn dcv(self, method: DcvMethod) -> Self {
            self.set("dcvMethod", method.as_str())
        }

        /// By mail, to this address.
        #[must_use]
        pub fn dcv_mail(self, address: impl Into<String>) -> Self {
            self.dcv(DcvMethod::Email).set("dcvEmailAddress", address)
        }

        /// The names of a certificate with several.
        #[must_use]
        pub fn names(self, names: &[CertName]) -> Self {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            self.set("domainNames", names.join(","))
        }

        /// Makes the request token of a CSR that was sent before another one.
        #[must_use]
        pub fn unique_value(self, value: impl Into<String>) -> Self {
            self.set("uniqueValue", value)
        }

        /// Sets a parameter by its name, in place of what it was.
        #[must_use]
        pub fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
            match self.0.iter_mut().find(|(there, _)| *there == name) {
                Some(pair) => pair.1 = value.into(),
                None => self.0.push((name, value.into())),
            }
            self
        }
    };
}

impl OrderForm {
    /// One product for a CSR (PEM or bare Base64), for a year, unless [`OrderForm::days`] says otherwise.
    #[must_use]
    pub fn new(product: i64, csr: impl Into<String>) -> Self {
        Self(vec![
            ("product", product.to_string()),
            ("days", "365".to_owned()),
            ("serverSoftware", "-1".to_owned()),
            ("csr", csr.into()),
        ])
    }

    /// The caller's own number, which may be used once only: the safe way to repeat an order whose answer was lost.
    #[must_use]
    pub fn foreign_number(self, number: impl Into<String>) -> Self {
        self.set("foreignOrderNumber", number).set("checkFONIsUnique", "Y")
    }

    /// A test order: costs nothing, and nobody trusts its certificate.
    #[must_use]
    pub fn test(self) -> Self {
        self.set("test", "Y")
    }

    common!();
}

impl ReplaceForm {
    /// With another CSR.
    #[must_use]
    pub fn new(csr: impl Into<String>) -> Self {
        Self(vec![("csr", csr.into())])
    }

    /// With the CSR that the order has.
    #[must_use]
    pub fn same_csr() -> Self {
        Self(Vec::new())
    }

    common!();
}
