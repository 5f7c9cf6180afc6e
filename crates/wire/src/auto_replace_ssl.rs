//! !AutoReplaceSSL: exchange a server certificate for another of the same order. Tables, request, answer.
//!
//! The vendor's page is only partly public; the rest of the table follows !AutoApplySSL, whose parts are the same, and
//! what programs in use send.

use domain::certificate::{CertificateId, CertificateStatus, OrderNumber};
use domain::dcv::UniqueValue;
use domain::order_ssl::{
    DcvWishes, EidasDetails, JurisdictionDetails, MailWishes, NameWishes, OrderReplyWishes,
    Prioritise, Representative, SignatureHash, SubjectDetails, TextWishes,
};
use domain::refusal::Refusal;

use crate::envelope::Authed;
use crate::order_parts as parts;
use crate::reply::{Lines, Pairs, Reply};
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint. Its codes are the common ones: -1 to -19, -20, -21, -26, -35, -36, -40, -55 and so on.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "AutoReplaceSSL",
    family: Family::Management,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: ROWS,
    extras: &[],
    formats: &[("0", Format::Lines), ("1", Format::Form)],
    default_format: Format::Lines,
    server_orders: None,
    codes: &[],
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// Every parameter of a replacement, parsed. What is absent stays as it was in the order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplaceSslRequest {
    /// `orderNumber`: any order of the chain.
    pub order_number: OrderNumber,
    /// `exactOrder=Y`: that very order, not the newest of its chain.
    pub exact_order: bool,
    /// `days`.
    pub days: Option<u32>,
    /// `serverSoftware`.
    pub server_software: Option<i32>,
    /// `csr`, as given; without it the old one is used again.
    pub csr: Option<String>,
    /// `uniqueValue`.
    pub unique_value: Option<UniqueValue>,
    /// `prioritiseCSRValues`, if given.
    pub prioritise: Option<Prioritise>,
    /// `signatureHash`.
    pub signature_hash: SignatureHash,
    /// The names asked for; [`ReplaceSslRequest::omit_additional`] tells whether its last field was given.
    pub names: NameWishes,
    /// `omitAdditionalFQDN`, if given.
    pub omit_additional: Option<bool>,
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
    /// `caCertificateID`.
    pub ca_certificate_id: Option<i64>,
    /// `isCustomerValidated`, if given.
    pub is_customer_validated: Option<bool>,
    /// `foreignOrderNumber`, truncated to 64 characters.
    pub foreign_order_number: Option<String>,
    /// `test`, if given: it cannot be another than the order's.
    pub test: Option<bool>,
    /// How to answer.
    pub reply: OrderReplyWishes,
    /// Every parameter that was given, as in an order.
    pub kept: Vec<(&'static str, String)>,
}

/// Reads a replacement.
///
/// # Errors
/// The first error in the documented order (§0.4).
pub fn parse(call: &Authed) -> Result<ReplaceSslRequest, Refusal> {
    let f = call.fields()?;
    let order_number = f.integer("orderNumber").ok_or(Refusal::Missing("orderNumber"))?;
    Ok(ReplaceSslRequest {
        order_number: OrderNumber(order_number),
        exact_order: f.yes("exactOrder"),
        days: f.small("days")?,
        server_software: parts::server_software(&f),
        csr: f.text("csr"),
        unique_value: f.unique_value("uniqueValue"),
        prioritise: parts::prioritise(&f),
        signature_hash: parts::signature_hash(&f),
        names: parts::names(&f),
        omit_additional: f.flag("omitAdditionalFQDN"),
        subject: parts::subject(&f),
        jurisdiction: parts::jurisdiction(&f),
        mails: parts::mails(&f),
        dcv: parts::dcv(&f)?,
        texts: parts::texts(&f),
        representative: parts::representative(&f),
        eidas: parts::eidas(&f)?,
        ca_certificate_id: f.integer("caCertificateID"),
        is_customer_validated: f.flag("isCustomerValidated"),
        foreign_order_number: f.text("foreignOrderNumber"),
        test: f.flag("test"),
        reply: parts::reply_wishes(&f),
        kept: f.kept(),
    })
}

/// A replacement that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replaced {
    /// The replacement's own order.
    pub order_number: OrderNumber,
    /// Hours.
    pub expected_delivery_time: u16,
    /// If asked for.
    pub certificate_id: Option<CertificateId>,
    /// If asked for.
    pub certificate_status: Option<CertificateStatus>,
    /// If given or generated.
    pub unique_value: Option<UniqueValue>,
}

/// The answer to a replacement that was taken: an order's, without a cost, for it has none.
#[must_use]
pub fn reply(format: Format, replaced: &Replaced) -> Reply {
    let status = replaced.certificate_status.map(CertificateStatus::as_str);
    let unique = replaced.unique_value.as_ref().map(UniqueValue::as_str);
    if format == Format::Lines {
        return Lines::new()
            .line(0)
            .line(replaced.order_number)
            .line(replaced.expected_delivery_time)
            .maybe(replaced.certificate_id)
            .maybe(status)
            .maybe(unique)
            .reply();
    }
    Pairs::new()
        .pair("errorCode", 0)
        .pair("orderNumber", replaced.order_number)
        .pair("expectedDeliveryTime", replaced.expected_delivery_time)
        .maybe("certificateID", replaced.certificate_id)
        .maybe("certificateStatus", status)
        .maybe("uniqueValue", unique)
        .reply()
}

const fn optional(name: &'static str) -> Parameter {
    Parameter::optional(name)
}

const ROWS: &[Parameter] = &[
    LOGIN_NAME,
    LOGIN_PASSWORD,
    Parameter::required("orderNumber").integer(),
    optional("exactOrder").flag().default("N"),
    optional("days").integer(),
    optional("serverSoftware").integer().allowed(parts::SERVER_SOFTWARE),
    optional("domainNames").string(32767).read_as(Form::List),
    optional("primaryDomainName").string(64),
    optional("maxSubjectCNs").integer(),
    optional("commonName").string(64),
    optional("csr").string(32767).read_as(Form::Lines),
    optional("uniqueValue").string(20).read_as(Form::UniqueValue),
    optional("prioritiseCSRValues").chars(1).one_of("Y N P C"),
    optional("signatureHash").string(64).one_of(parts::SIGNATURE_HASHES).default("NO_PREFERENCE"),
    optional("organizationName").string(64).truncate(),
    optional("organizationalUnitName").string(64).truncate(),
    optional("postOfficeBox").string(40).truncate(),
    optional("streetAddress1").string(128).truncate(),
    optional("streetAddress2").string(128).truncate(),
    optional("streetAddress3").string(128).truncate(),
    optional("localityName").string(128).truncate(),
    optional("stateOrProvinceName").string(128).truncate(),
    optional("postalCode").string(40).truncate(),
    optional("countryName").string(2).read_as(Form::Country).truncate(),
    optional("dunsNumber").string(20).read_as(Form::Digits).truncate(),
    optional("companyNumber").string(64).truncate(),
    optional("joiLocalityName").string(128).truncate(),
    optional("joiStateOrProvinceName").string(128).truncate(),
    optional("joiCountryName").string(2).read_as(Form::Country).truncate(),
    optional("dateOfIncorporation").string(10).read_as(Form::Date),
    optional("assumedName").string(64).truncate(),
    optional("businessCategory").chars(1).one_of("b c d").truncate(),
    optional("emailAddress").string(255).read_as(Form::MailOrNone).truncate(),
    optional("validationEmailAddress").string(255).read_as(Form::Mail).truncate(),
    optional("contactEmailAddress").string(255).read_as(Form::Mail).truncate(),
    optional("dcvMethod").string(32).one_of(parts::METHODS).truncate(),
    optional("dcvEmailAddress").string(255).read_as(Form::Mail).truncate(),
    optional("dcvEmailAddresses").string(32767).read_as(Form::DcvList),
    optional("dcvTemplateID").integer(),
    optional("maCreationTemplateID").integer(),
    optional("callBackTemplateID").integer(),
    optional("languageName").string(2).one_of(parts::LANGUAGES).default("en"),
    optional("validationTokens").string(32767).read_as(Form::DcvTokens),
    optional("caCertificateID").integer(),
    optional("isCustomerValidated").flag(),
    optional("showCertificateID").flag().default("N"),
    optional("showCertificateState").flag().default("N"),
    optional("foreignOrderNumber").chars(64).truncate(),
    optional("responseFormat").chars(1).one_of("0 1").default("0"),
    optional("test").flag(),
    optional("appRepForename").string(64).truncate(),
    optional("appRepSurname").string(64).truncate(),
    optional("appRepEmailAddress").string(255).read_as(Form::Mail).truncate(),
    optional("appRepTelephone").string(32).truncate(),
    optional("appRepTitle").string(64).truncate(),
    optional("appRepFax").string(32).truncate(),
    optional("appRepOrganizationName").string(255).truncate(),
    optional("appRepOrganizationalUnitName").string(64).truncate(),
    optional("appRepStreetAddress1").string(128).truncate(),
    optional("appRepStreetAddress2").string(128).truncate(),
    optional("appRepStreetAddress3").string(128).truncate(),
    optional("appRepPostOfficeBox").string(128).truncate(),
    optional("appRepLocalityName").string(128).truncate(),
    optional("appRepStateOrProvinceName").string(128).truncate(),
    optional("appRepPostalCode").string(128).truncate(),
    optional("appRepCountryName").chars(2).read_as(Form::Country),
    optional("callbackMethod").chars(1).one_of("T E").truncate(),
    optional("isAppRepValidated").flag(),
    optional("isCallbackCompleted").flag(),
    optional("omitAdditionalFQDN").flag(),
    optional("doAutoOV").flag(),
    optional("IgnoreMasterAccount").flag(),
    optional("disableSWP").flag(),
    optional("organizationIdentifier").chars(100),
    optional("personalIdentifier").chars(100),
    optional("semanticsIdentifier").chars(100),
    optional("ncaIdentifier").chars(100),
    optional("accountServicingRole").flag(),
    optional("paymentInitiationRole").flag(),
    optional("accountInformationRole").flag(),
    optional("paymentServiceRole").flag(),
    optional("ncaName").chars(100),
];
