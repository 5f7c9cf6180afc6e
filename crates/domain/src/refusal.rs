//! Why a call is refused: one value per meaning. Each endpoint maps them to its own codes and texts in `wire`.

use crate::csr::CsrError;

/// A refusal. The `&'static str`s are parameters in the spelling of the endpoint's table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// -1: not over HTTPS.
    NotHttps,
    /// -17: GET in place of POST.
    WrongMethod,
    /// -2: a name that the endpoint does not know, as the caller wrote it.
    UnknownArgument(String),
    /// -3: a required parameter is missing.
    Missing(&'static str),
    /// -4: a parameter's value is not allowed; the detail is for people.
    Invalid(&'static str, Option<String>),
    /// -16: wrong login, locked, expired, or from a foreign address.
    Login,
    /// -42: too many calls.
    CallLimit,
    /// -91: the account may not do this.
    Permission(&'static str),
    /// -90: the account may not redeem vouchers by this parameter.
    Voucher(&'static str),
    /// -7: not an assigned country code, as given.
    NotACountry(String),
    /// -8 to -13, -40: what is wrong with the CSR.
    Csr(CsrError),
    /// -5: a wildcard where none may stand.
    WildcardNotAllowed,
    /// -6: no wildcard where one must stand.
    WildcardRequired,
    /// -18: a fully-qualified name where an internal one is wanted.
    FullyQualified,
    /// -19: an Internet-accessible address where an internal one is wanted; or asked about.
    PublicAddress,
    /// -23: a name that begins with `http://`.
    HttpPrefix,
    /// -24: a name that begins with `https://`.
    HttpsPrefix,
    /// -25: a name with characters that names may not have.
    NameCharacters,
    /// -41: a key that is none.
    InvalidKey,
    /// -35: an IP address where a name is wanted.
    IpAddress,
    /// -37: an internal server name or address where a public one is wanted.
    InternalName,
    /// -55: this request token was used before.
    TokenNotUnique,
    /// -83: the thing is not applicable to this order.
    NotApplicable(String),
    /// -120: PSD2 roles are missing.
    RolesMissing,
    /// -121: identifier type TAX.
    TaxDeprecated,
    /// -121: an identifier's form is wrong.
    IdentifierFormat(&'static str),
    /// -121: an identifier's country is wrong.
    IdentifierCountry(&'static str),
    /// -15: credit does not suffice.
    NotEnoughCredit,
    /// -20: the request was rejected.
    Rejected,
    /// -21: the certificate is revoked.
    Revoked,
    /// -22: payment or authorisation is awaited.
    AwaitingPayment,
    /// -26: the certificate is being issued.
    BeingIssued,
    /// -36: the certificate has expired.
    Expired,
    /// -16 in other words: the account may not use !AutoApplyOrder.
    ApiNotEnabled,
    /// -70: no mail address.
    MailAddress(&'static str),
    /// -118: no product has this code.
    WrongProduct,
    /// -161: products of this type do not have the parameter.
    NotOfProduct(&'static str),
    /// -162: the CSR has names that `domainNames` has not.
    CsrNames,
    /// -18 of RequestAndCollectSMIME: there is a CSR already.
    CsrProvided,
    /// -136: what is asked for cannot be done in the certificate's state.
    WrongState,
    /// -153: a product of another type is wanted.
    UnsupportedProduct,
    /// -154: the mailbox is not proven yet.
    MailboxUnproven,
    /// -14: something of ours went wrong; the cause is in the log, not in the answer. The detail, if any, is for the caller.
    Internal(Option<String>),
}

impl Refusal {
    /// -4 without detail.
    #[must_use]
    pub fn invalid(parameter: &'static str) -> Self {
        Refusal::Invalid(parameter, None)
    }

    /// The parameter that is at fault, if one alone is; for what is wrong with a CSR that one.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Refusal::Missing(name)
            | Refusal::Invalid(name, _)
            | Refusal::Permission(name)
            | Refusal::Voucher(name)
            | Refusal::IdentifierFormat(name)
            | Refusal::IdentifierCountry(name)
            | Refusal::MailAddress(name)
            | Refusal::NotOfProduct(name) => Some(name),
            Refusal::WrongProduct => Some("product"),
            Refusal::NotApplicable(what) => Some(what),
            Refusal::Csr(_) | Refusal::CsrNames | Refusal::CsrProvided => Some("csr"),
            Refusal::TokenNotUnique => Some("uniqueValue"),
            Refusal::NotHttps
            | Refusal::WrongMethod
            | Refusal::UnknownArgument(_)
            | Refusal::Login
            | Refusal::CallLimit
            | Refusal::NotACountry(_)
            | Refusal::WildcardNotAllowed
            | Refusal::WildcardRequired
            | Refusal::FullyQualified
            | Refusal::PublicAddress
            | Refusal::HttpPrefix
            | Refusal::HttpsPrefix
            | Refusal::NameCharacters
            | Refusal::InvalidKey
            | Refusal::IpAddress
            | Refusal::InternalName
            | Refusal::RolesMissing
            | Refusal::TaxDeprecated
            | Refusal::NotEnoughCredit
            | Refusal::Rejected
            | Refusal::Revoked
            | Refusal::AwaitingPayment
            | Refusal::BeingIssued
            | Refusal::Expired
            | Refusal::ApiNotEnabled
            | Refusal::WrongState
            | Refusal::UnsupportedProduct
            | Refusal::MailboxUnproven
            | Refusal::Internal(_) => None,
        }
    }

    /// -4 with a detail for people.
    #[must_use]
    pub fn invalid_because(parameter: &'static str, detail: impl ToString) -> Self {
        Refusal::Invalid(parameter, Some(detail.to_string()))
    }
}

impl From<CsrError> for Refusal {
    fn from(error: CsrError) -> Self {
        Refusal::Csr(error)
    }
}
