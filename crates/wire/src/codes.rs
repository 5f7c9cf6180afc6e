//! Codes and texts: one row each, one table per endpoint, and the interface's common list behind them.

use std::borrow::Cow;

use domain::csr::CsrError;
use domain::refusal::Refusal;

use crate::table::Endpoint;

/// One row: the number and the exact text. What stands between the text's outermost apostrophes is a placeholder when the
/// meaning has an argument.
#[derive(Clone, Copy, Debug)]
pub struct CodeRow {
    /// What is refused.
    pub meaning: Meaning,
    /// The number.
    pub code: i32,
    /// The text, with the specification's placeholder.
    pub text: &'static str,
    /// Of a row that no product here raises: why.
    pub never: Option<&'static str>,
}

/// The kinds of [`Refusal`], without their arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// Not over HTTPS.
    NotHttps,
    /// GET in place of POST.
    WrongMethod,
    /// An unknown name.
    UnknownArgument,
    /// A parameter is missing.
    Missing,
    /// A value is not allowed.
    Invalid,
    /// Wrong login.
    Login,
    /// Too many calls.
    CallLimit,
    /// The account may not do this.
    Permission,
    /// The account may not redeem vouchers.
    Voucher,
    /// Not a country.
    NotACountry,
    /// The CSR lacks a field.
    CsrField,
    /// The CSR is not Base64.
    CsrBase64,
    /// The CSR is no CSR.
    CsrDecode,
    /// The CSR's algorithm.
    CsrAlgorithm,
    /// The CSR's signature.
    CsrSignature,
    /// The CSR's key size.
    CsrKeySize,
    /// The CSR's key is compromised.
    CsrCompromised,
    /// A wildcard where none may stand.
    WildcardNotAllowed,
    /// No wildcard where one must stand.
    WildcardRequired,
    /// A fully-qualified name where an internal one is wanted.
    FullyQualified,
    /// An Internet-accessible address.
    PublicAddress,
    /// `http://` before the name.
    HttpPrefix,
    /// `https://` before the name.
    HttpsPrefix,
    /// Characters that names may not have.
    NameCharacters,
    /// The CSR's key is none.
    InvalidKey,
    /// An IP address where a name is wanted.
    IpAddress,
    /// An internal name where a public one is wanted.
    InternalName,
    /// The request token was used before.
    TokenNotUnique,
    /// Not applicable to this order.
    NotApplicable,
    /// PSD2 roles are missing.
    RolesMissing,
    /// Identifier type TAX.
    TaxDeprecated,
    /// An identifier's form.
    IdentifierFormat,
    /// An identifier's country.
    IdentifierCountry,
    /// Credit does not suffice.
    NotEnoughCredit,
    /// The request was rejected.
    Rejected,
    /// The certificate is revoked.
    Revoked,
    /// Payment is awaited.
    AwaitingPayment,
    /// The certificate is being issued.
    BeingIssued,
    /// The certificate has expired.
    Expired,
    /// The account may not use this endpoint.
    ApiNotEnabled,
    /// Not a mail address.
    MailAddress,
    /// No product has the code.
    WrongProduct,
    /// A parameter that such products do not have.
    NotOfProduct,
    /// Names in the CSR beyond those that were ordered.
    CsrNames,
    /// There is a CSR already.
    CsrProvided,
    /// The certificate's state does not allow it.
    WrongState,
    /// A product of another type is wanted.
    UnsupportedProduct,
    /// The mailbox is not proven yet.
    MailboxUnproven,
    /// Something of ours that has a number of its own: told by a fault rule alone, as what goes wrong here is -14.
    Fault,
    /// Nothing here is refused so.
    Never,
    /// Something of ours went wrong.
    Internal,
}

/// A refusal as it is told: the number, the text, and what endpoints may add.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// errorCode.
    pub code: i32,
    /// errorMessage.
    pub message: String,
    /// errorItem: the parameter that is meant, if one is.
    pub item: Option<Cow<'static, str>>,
    /// errorDetail.
    pub detail: Option<String>,
}

/// How this endpoint tells this refusal.
#[must_use]
pub fn tell(endpoint: &Endpoint, refusal: &Refusal) -> Told {
    let (meaning, argument) = meaning(refusal);
    let row = row(endpoint, meaning);
    let (item, detail) = match refusal {
        Refusal::UnknownArgument(name) => (Some(Cow::Owned(name.clone())), None),
        Refusal::Missing(name) => (Some(Cow::Borrowed(*name)), None),
        Refusal::Invalid(name, detail) => (Some(Cow::Borrowed(*name)), detail.clone()),
        Refusal::MailAddress(name) | Refusal::NotOfProduct(name) => {
            (Some(Cow::Borrowed(*name)), None)
        }
        Refusal::WrongProduct => (Some(Cow::Borrowed("product")), None),
        Refusal::Internal(detail) => (None, detail.clone()),
        _ => (None, None),
    };
    let message = argument.map_or_else(|| row.text.to_owned(), |with| fill(row.text, with));
    Told { code: row.code, message, item, detail }
}

/// A code with the first text that the endpoint, or else the common list, has for it; -14's for a number that has none.
#[must_use]
pub fn told_of(endpoint: &Endpoint, code: i32) -> Told {
    let mut rows = endpoint.codes.iter().chain(MASTER);
    let row = rows.find(|row| row.code == code).copied().unwrap_or(UNKNOWN);
    Told { code, message: row.text.to_owned(), item: None, detail: None }
}

/// The endpoint's row for a meaning, or the common one.
#[must_use]
pub fn row(endpoint: &Endpoint, meaning: Meaning) -> CodeRow {
    let mut rows = endpoint.codes.iter().chain(MASTER);
    rows.find(|row| row.meaning == meaning).copied().unwrap_or(UNKNOWN)
}

/// What is refused, and with what the text's placeholder is filled.
#[must_use]
pub fn meaning(refusal: &Refusal) -> (Meaning, Option<&str>) {
    match refusal {
        Refusal::NotHttps => (Meaning::NotHttps, None),
        Refusal::WrongMethod => (Meaning::WrongMethod, None),
        Refusal::UnknownArgument(name) => (Meaning::UnknownArgument, Some(name)),
        Refusal::Missing(name) => (Meaning::Missing, Some(name)),
        Refusal::Invalid(name, _) => (Meaning::Invalid, Some(name)),
        Refusal::Login => (Meaning::Login, None),
        Refusal::CallLimit => (Meaning::CallLimit, None),
        Refusal::Permission(context) => (Meaning::Permission, Some(context)),
        Refusal::Voucher(context) => (Meaning::Voucher, Some(context)),
        Refusal::NotACountry(value) => (Meaning::NotACountry, Some(value)),
        Refusal::Csr(error) => (of_csr(*error), None),
        Refusal::WildcardNotAllowed => (Meaning::WildcardNotAllowed, None),
        Refusal::WildcardRequired => (Meaning::WildcardRequired, None),
        Refusal::FullyQualified => (Meaning::FullyQualified, None),
        Refusal::PublicAddress => (Meaning::PublicAddress, None),
        Refusal::HttpPrefix => (Meaning::HttpPrefix, None),
        Refusal::HttpsPrefix => (Meaning::HttpsPrefix, None),
        Refusal::NameCharacters => (Meaning::NameCharacters, None),
        Refusal::InvalidKey => (Meaning::InvalidKey, None),
        Refusal::IpAddress => (Meaning::IpAddress, None),
        Refusal::InternalName => (Meaning::InternalName, None),
        Refusal::TokenNotUnique => (Meaning::TokenNotUnique, None),
        Refusal::NotApplicable(what) => (Meaning::NotApplicable, Some(what)),
        Refusal::RolesMissing => (Meaning::RolesMissing, None),
        Refusal::TaxDeprecated => (Meaning::TaxDeprecated, None),
        Refusal::IdentifierFormat(name) => (Meaning::IdentifierFormat, Some(name)),
        Refusal::IdentifierCountry(name) => (Meaning::IdentifierCountry, Some(name)),
        Refusal::NotEnoughCredit => (Meaning::NotEnoughCredit, None),
        Refusal::Rejected => (Meaning::Rejected, None),
        Refusal::Revoked => (Meaning::Revoked, None),
        Refusal::AwaitingPayment => (Meaning::AwaitingPayment, None),
        Refusal::BeingIssued => (Meaning::BeingIssued, None),
        Refusal::Expired => (Meaning::Expired, None),
        Refusal::ApiNotEnabled => (Meaning::ApiNotEnabled, None),
        Refusal::MailAddress(_) => (Meaning::MailAddress, None),
        Refusal::WrongProduct => (Meaning::WrongProduct, None),
        Refusal::NotOfProduct(name) => (Meaning::NotOfProduct, Some(name)),
        Refusal::CsrNames => (Meaning::CsrNames, None),
        Refusal::CsrProvided => (Meaning::CsrProvided, None),
        Refusal::WrongState => (Meaning::WrongState, None),
        Refusal::UnsupportedProduct => (Meaning::UnsupportedProduct, None),
        Refusal::MailboxUnproven => (Meaning::MailboxUnproven, None),
        Refusal::Internal(_) => (Meaning::Internal, None),
    }
}

fn of_csr(error: CsrError) -> Meaning {
    match error {
        CsrError::MissingField => Meaning::CsrField,
        CsrError::Base64 => Meaning::CsrBase64,
        CsrError::Decode => Meaning::CsrDecode,
        CsrError::Algorithm => Meaning::CsrAlgorithm,
        CsrError::Signature => Meaning::CsrSignature,
        CsrError::KeySize => Meaning::CsrKeySize,
        // -41 is DecodeCSR's alone (§0.8): orders know no other code for a key that cannot be taken.
        CsrError::InvalidKey | CsrError::Compromised => Meaning::CsrCompromised,
    }
}

fn fill(text: &str, argument: &str) -> String {
    match (text.find('\''), text.rfind('\'')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}{argument}{}", &text[..=first], &text[last..])
        }
        _ => text.to_owned(),
    }
}

/// One row.
pub(crate) const fn code(meaning: Meaning, code: i32, text: &'static str) -> CodeRow {
    CodeRow { meaning, code, text, never: None }
}

/// A row of something internal, which a fault rule tells.
pub(crate) const fn fault(code: i32, text: &'static str) -> CodeRow {
    CodeRow { meaning: Meaning::Fault, code, text, never: None }
}

/// A row that no product here raises, and why.
pub(crate) const fn never(code: i32, text: &'static str, why: &'static str) -> CodeRow {
    CodeRow { meaning: Meaning::Never, code, text, never: Some(why) }
}

const UNKNOWN: CodeRow = code(Meaning::Internal, -14, "An unknown error occurred!");

/// The common list: a row for each meaning, used where an endpoint's own list has none.
pub const MASTER: &[CodeRow] = &[
    code(Meaning::NotHttps, -1, "Request was not made over HTTPS!"),
    code(Meaning::UnknownArgument, -2, "'xxxx' is an unrecognised argument!"),
    code(Meaning::Missing, -3, "The 'xxxx' argument is missing!"),
    code(Meaning::Invalid, -4, "The value of the 'xxxx' argument is invalid!"),
    code(Meaning::WildcardNotAllowed, -5, "The CSR's Common Name may NOT contain a wildcard!"),
    code(Meaning::WildcardRequired, -6, "The CSR's Common Name MUST contain ONE wildcard!"),
    code(Meaning::NotACountry, -7, "'xx' is not a valid ISO-3166 country!"),
    code(Meaning::CsrField, -8, "The CSR is missing a required field!"),
    code(Meaning::CsrBase64, -9, "The CSR is not valid Base-64 data!"),
    code(Meaning::CsrDecode, -10, "The CSR cannot be decoded!"),
    code(Meaning::CsrAlgorithm, -11, "The CSR uses an unsupported algorithm!"),
    code(Meaning::CsrSignature, -12, "The CSR has an invalid signature!"),
    code(Meaning::CsrKeySize, -13, "The CSR uses an unsupported key size!"),
    UNKNOWN,
    code(Meaning::NotEnoughCredit, -15, "Not enough credit!"),
    code(Meaning::Login, -16, LOGIN),
    code(Meaning::ApiNotEnabled, -16, API_NOT_ENABLED),
    code(Meaning::WrongMethod, -17, "Request used GET rather than POST!"),
    code(
        Meaning::FullyQualified,
        -18,
        "The CSR's Common Name may not be a Fully-Qualified Domain Name!",
    ),
    code(
        Meaning::PublicAddress,
        -19,
        "The CSR's Common Name may not be an Internet-accessible IP Address!",
    ),
    code(Meaning::CsrProvided, -18, "A CSR has already been provided."),
    code(Meaning::Rejected, -20, "The certificate request has been rejected!"),
    code(Meaning::Revoked, -21, "The certificate has been revoked!"),
    code(Meaning::AwaitingPayment, -22, "Still awaiting payment!"),
    code(
        Meaning::HttpPrefix,
        -23,
        "The CSR's Common Name should not include the \"http://\" part!",
    ),
    code(
        Meaning::HttpsPrefix,
        -24,
        "The CSR's Common Name should not include the \"https://\" part!",
    ),
    code(
        Meaning::NameCharacters,
        -25,
        "The CSR's Common Name may only contain letters, digits, hyphens and dots!",
    ),
    code(Meaning::BeingIssued, -26, "The certificate is currently being issued!"),
    code(Meaning::IpAddress, -35, "The CSR's Common Name may not be an IP Address!"),
    code(Meaning::Expired, -36, "The certificate has already expired!"),
    code(
        Meaning::InternalName,
        -37,
        "The domain name is an internal server name or an internal IP address!",
    ),
    code(
        Meaning::CsrCompromised,
        -40,
        "The CSR uses a key that is believed to have been compromised!",
    ),
    code(Meaning::InvalidKey, -41, "The CSR uses an invalid key!"),
    code(Meaning::CallLimit, -42, "Call limit reached! Please try again later"),
    code(Meaning::TokenNotUnique, -55, "This Request Token is not unique!"),
    code(Meaning::MailAddress, -70, MAIL_ADDRESS),
    code(Meaning::NotApplicable, -83, "'xxxx' is not applicable to this order!"),
    code(Meaning::Voucher, -90, "Permission denied for using \"voucher\" with 'xxxx'"),
    code(Meaning::Permission, -91, "Permission denied 'xxxx'"),
    code(Meaning::WrongProduct, -118, "Wrong product Identifier!"),
    code(Meaning::RolesMissing, -120, "\"Role\" arguments are missing for PSD2 certificate type!"),
    code(Meaning::TaxDeprecated, -121, TAX),
    code(Meaning::IdentifierFormat, -121, "Wrong format of 'xxxx' identifier."),
    code(Meaning::IdentifierCountry, -121, "Wrong country code value in 'xxxx' identifier."),
    code(Meaning::WrongState, -136, "Wrong certificate state"),
    code(Meaning::UnsupportedProduct, -153, "Unsupported product type!"),
    code(Meaning::MailboxUnproven, -154, "Email verification not yet completed!"),
    code(
        Meaning::NotOfProduct,
        -161,
        "Parameter 'xxxx' is not applicable to this type of product!",
    ),
    code(Meaning::CsrNames, -162, CSR_NAMES),
];

/// -70.
pub(crate) const MAIL_ADDRESS: &str = "Invalid Email Address!";

/// -162.
pub(crate) const CSR_NAMES: &str =
    "The CSR must not contain domain names that are not in the \"domainNames\" parameter!";

/// -16, as nearly every endpoint has it.
pub(crate) const LOGIN: &str = "Incorrect login details, account is locked, password has expired or your source IP is blocked.";

/// -16 where the login is right, and the account may not order by !AutoApplyOrder (D10).
pub(crate) const API_NOT_ENABLED: &str = "Permission denied! Contact Sectigo Support to have your account enabled for the !AutoApplyOrder API.";

/// -121 for TAX, with the stray apostrophe that the specification prints (D8, amended).
pub(crate) const TAX: &str =
    "\"TAX\" value is deprecated. The value \"TIN\" should be used instead'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled() {
        assert_eq!(
            fill("The 'xxxx' argument is missing!", "csr"),
            "The 'csr' argument is missing!"
        );
        assert_eq!(fill("Unrecognized argument!", "csr"), "Unrecognized argument!");
        assert_eq!(fill("stray' alone", "csr"), "stray' alone");
    }
}
