//! What an order of server certificates asks for: the parameters of !AutoApplySSL, parsed, before product and request
//! are looked at.

use crate::country::CountryCode;
use crate::dcv::{DcvMethod, UniqueValue};
use crate::mail_address::MailAddress;
use crate::names::{CertName, DnsName};

/// Every parameter of an order, parsed one by one. What depends on the product, on the CSR or on each other is judged later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SslOrderRequest {
    /// `product`: the codes as given, in order, at least one.
    pub products: Vec<i64>,
    /// `days`.
    pub days: Option<u32>,
    /// `years`.
    pub years: Option<u32>,
    /// `servers`, any number; the product says whether it matters.
    pub servers: Option<i64>,
    /// `serverSoftware`.
    pub server_software: i32,
    /// `csr`, as given.
    pub csr: String,
    /// `uniqueValue`.
    pub unique_value: Option<UniqueValue>,
    /// `prioritiseCSRValues`.
    pub prioritise: Prioritise,
    /// `signatureHash`.
    pub signature_hash: SignatureHash,
    /// The names asked for.
    pub names: NameWishes,
    /// Organisation and address.
    pub subject: SubjectDetails,
    /// Jurisdiction and the like.
    pub jurisdiction: JurisdictionDetails,
    /// Mail addresses.
    pub mails: MailWishes,
    /// How control of the names is to be shown.
    pub dcv: DcvWishes,
    /// Template IDs and language.
    pub texts: TextWishes,
    /// The applicant representative.
    pub representative: Representative,
    /// eIDAS identifiers and roles.
    pub eidas: EidasDetails,
    /// `idaEmailAddress`, `idaTelephoneNumber`, `idaFaxNumber` as given.
    pub trust_logo: TrustLogoDetails,
    /// `caCertificateID`.
    pub ca_certificate_id: Option<i64>,
    /// `stubOrderNumber`.
    pub stub_order_number: Option<i64>,
    /// `isCustomerValidated`.
    pub is_customer_validated: bool,
    /// `foreignOrderNumber`, truncated to 64 characters.
    pub foreign_order_number: Option<String>,
    /// `checkFONIsUnique`.
    pub check_fon_is_unique: bool,
    /// `test`.
    pub test: bool,
    /// `doAutoOV`.
    pub do_auto_ov: bool,
    /// `IgnoreMasterAccount`.
    pub ignore_master_account: bool,
    /// `disableSWP`.
    pub disable_swp: bool,
    /// How to answer.
    pub reply: OrderReplyWishes,
    /// Every parameter that was given, by the table's spelling and after truncation, in the table's order; without
    /// loginName, loginPassword and csr. This is what the order keeps.
    pub kept: Vec<(&'static str, String)>,
}

/// What an order asks for that takes a privilege.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Claims {
    /// `stubOrderNumber` is there.
    pub stub_order: bool,
    /// `caCertificateID` is there.
    pub ca_choice: bool,
    /// `isAppRepValidated=Y`.
    pub representative_validated: bool,
    /// `isCallbackCompleted=Y`.
    pub call_back_completed: bool,
}

/// `prioritiseCSRValues`: which of two values wins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Prioritise {
    /// `Y`: the CSR's value if it has one, else the parameter.
    #[default]
    Csr,
    /// `N`: the parameter if given, else the CSR's value.
    Parameters,
    /// `P`: parameters only.
    ParametersOnly,
    /// `C`: the CSR only.
    CsrOnly,
}

impl Prioritise {
    /// By the word of the interface, in either case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_uppercase().as_str() {
            "Y" => Some(Prioritise::Csr),
            "N" => Some(Prioritise::Parameters),
            "P" => Some(Prioritise::ParametersOnly),
            "C" => Some(Prioritise::CsrOnly),
            _ => None,
        }
    }

    /// Chooses between a parameter and the CSR's value.
    #[must_use]
    pub fn choose<T>(self, parameter: Option<T>, csr: Option<T>) -> Option<T> {
        match self {
            Prioritise::Csr => csr.or(parameter),
            Prioritise::Parameters => parameter.or(csr),
            Prioritise::ParametersOnly => parameter,
            Prioritise::CsrOnly => csr,
        }
    }
}

/// `signatureHash`. Certificates are signed with SHA-2 whatever is preferred (SC-097); the preference is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SignatureHash {
    /// `NO_PREFERENCE`.
    #[default]
    NoPreference,
    /// `INFER_FROM_CSR`.
    InferFromCsr,
    /// `PREFER_SHA2`.
    PreferSha2,
    /// `PREFER_SHA1`: taken, and served as `REQUIRE_SHA2` (D78).
    PreferSha1,
    /// `REQUIRE_SHA2`.
    RequireSha2,
}

/// The parameters about names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NameWishes {
    /// `domainNames`, split at commas and white space, as written; None when absent.
    pub domain_names: Option<Vec<String>>,
    /// `primaryDomainName`, as written.
    pub primary: Option<String>,
    /// `maxSubjectCNs`, any number.
    pub max_subject_cns: Option<i64>,
    /// `commonName`, as written.
    pub common_name: Option<String>,
    /// `omitAdditionalFQDN=Y`.
    pub omit_additional: bool,
}

/// Organisation and address, after truncation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SubjectDetails {
    /// `organizationName`.
    pub organization: Option<String>,
    /// `organizationalUnitName`; kept, never certified.
    pub organizational_unit: Option<String>,
    /// `postOfficeBox`.
    pub post_office_box: Option<String>,
    /// `streetAddress1` to `3`.
    pub streets: [Option<String>; 3],
    /// `localityName`.
    pub locality: Option<String>,
    /// `stateOrProvinceName`.
    pub state: Option<String>,
    /// `postalCode`.
    pub postal_code: Option<String>,
    /// `countryName`.
    pub country: Option<CountryCode>,
    /// `dunsNumber`.
    pub duns_number: Option<String>,
    /// `companyNumber`.
    pub company_number: Option<String>,
}

/// EV details.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JurisdictionDetails {
    /// `joiLocalityName`.
    pub locality: Option<String>,
    /// `joiStateOrProvinceName`.
    pub state: Option<String>,
    /// `joiCountryName`.
    pub country: Option<CountryCode>,
    /// `dateOfIncorporation`, a real date.
    pub date_of_incorporation: Option<String>,
    /// `assumedName`.
    pub assumed_name: Option<String>,
    /// `businessCategory`: b, c or d.
    pub business_category: Option<char>,
}

/// Where mails go.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MailWishes {
    /// `emailAddress`.
    pub issuance: IssuanceMail,
    /// `validationEmailAddress`.
    pub validation: Option<MailAddress>,
    /// `contactEmailAddress`.
    pub contact: Option<MailAddress>,
}

/// `emailAddress`: where the certificate is mailed to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum IssuanceMail {
    /// Not given: the account's contact.
    #[default]
    Default,
    /// `none`: no mail.
    None,
    /// To this address.
    To(MailAddress),
}

/// How control of the names is to be shown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DcvWishes {
    /// `dcvMethod`, if given.
    pub method: Option<DcvMethod>,
    /// `dcvEmailAddress`.
    pub address: Option<MailAddress>,
    /// `dcvEmailAddresses`.
    pub addresses: Option<DcvList>,
    /// `validationTokens`.
    pub tokens: Option<DcvList>,
}

/// `dcvEmailAddresses` or `validationTokens`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DcvList {
    /// A magic token alone: the same method for every name.
    All(DcvMethod),
    /// One entry per name, in the names' order.
    Each(Vec<DcvChoice>),
}

/// How one name is to be proven.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DcvChoice {
    /// By a mail to this address.
    Mail(MailAddress),
    /// By this method, which is not mail.
    Method(DcvMethod),
}

/// Template IDs and language of mails.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TextWishes {
    /// `dcvTemplateID`.
    pub dcv_template: Option<i64>,
    /// `maCreationTemplateID`.
    pub ma_creation_template: Option<i64>,
    /// `callBackTemplateID`.
    pub call_back_template: Option<i64>,
    /// `languageName`: one of the fourteen.
    pub language: Option<Language>,
}

/// The fourteen languages, by ISO 639-1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Language(pub(crate) u8);

impl Language {
    /// The codes, in the specification's order.
    pub const CODES: [&'static str; 14] =
        ["en", "zh", "da", "nl", "fr", "de", "it", "ja", "ko", "pt", "ru", "es", "sv", "tr"];

    /// By code, either case.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let index = Self::CODES.iter().position(|c| c.eq_ignore_ascii_case(code))?;
        u8::try_from(index).ok().map(Self)
    }

    /// The code.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::CODES[usize::from(self.0)]
    }
}

/// The applicant representative, after truncation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Representative {
    /// `appRepForename`.
    pub forename: Option<String>,
    /// `appRepSurname`.
    pub surname: Option<String>,
    /// `appRepEmailAddress`.
    pub email: Option<MailAddress>,
    /// `appRepTelephone`.
    pub telephone: Option<String>,
    /// `appRepOrganizationName`; without it the representative's address is ignored (D87).
    pub organization: Option<String>,
    /// `appRepLocalityName`.
    pub locality: Option<String>,
    /// `appRepStateOrProvinceName`.
    pub state: Option<String>,
    /// `appRepPostalCode`.
    pub postal_code: Option<String>,
    /// `appRepCountryName`.
    pub country: Option<CountryCode>,
    /// `callbackMethod`.
    pub call_back: Option<CallBackMethod>,
    /// `isAppRepValidated`.
    pub is_validated: Option<bool>,
    /// `isCallbackCompleted`.
    pub is_call_back_completed: Option<bool>,
}

/// `callbackMethod`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallBackMethod {
    /// `T`.
    Telephone,
    /// `E`.
    Mail,
}

/// eIDAS details, as given; their form is judged when the product is known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EidasDetails {
    /// `organizationIdentifier`.
    pub organization_identifier: Option<String>,
    /// `personalIdentifier` or its old name `semanticsIdentifier`.
    pub personal_identifier: Option<String>,
    /// `ncaIdentifier`.
    pub nca_identifier: Option<String>,
    /// `ncaName`.
    pub nca_name: Option<String>,
    /// `accountServicingRole`, `paymentInitiationRole`, `accountInformationRole`, `paymentServiceRole`.
    pub roles: [Option<bool>; 4],
}

/// What a TrustLogo shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrustLogoDetails {
    /// `idaEmailAddress`.
    pub email: Option<MailAddress>,
    /// `idaTelephoneNumber`.
    pub telephone: Option<String>,
    /// `idaFaxNumber`.
    pub fax: Option<String>,
}

/// How the answer is to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OrderReplyWishes {
    /// `showCertificateID=Y`.
    pub certificate_id: bool,
    /// `showCertificateState=Y`.
    pub certificate_state: bool,
}

/// The names of a request once product, parameters and CSR have been put together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChosenNames {
    /// What was ordered, in the order's order, without repeats; the first is the ordered name of a single-name product.
    pub ordered: Vec<CertName>,
    /// The names as they were written down, repeats too, each by its place in [`ChosenNames::ordered`].
    pub written: Vec<usize>,
    /// The second name that nobody ordered.
    pub implicit: Option<DnsName>,
    /// The subject's common name: the text of one of the names, or none.
    pub common_name: Option<CertName>,
}
