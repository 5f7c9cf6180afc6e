//! !AutoApplyOrder: order an S/MIME certificate, or whatever !AutoApplySSL sells. Tables, request, answer.
//!
//! Of an order of server certificates every parameter is judged by !AutoApplySSL's row for it, and what it means is the same.

use domain::order_smime::{SmimeOrderRequest, SmimeTexts};
use domain::order_ssl::{Language, Representative, SslOrderRequest, SubjectDetails};
use domain::product::Catalogue;
use domain::refusal::Refusal;

use crate::auto_apply_ssl;
use crate::codes::{
    API_NOT_ENABLED, CSR_NAMES, CodeRow, MAIL_ADDRESS, Meaning, TAX, code, fault, never,
};
use crate::envelope::Authed;
use crate::fields::Fields;
use crate::order_parts as parts;
use crate::scope::Scope;
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

pub use crate::auto_apply_ssl::{Placed, claims, reply};

/// The endpoint.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "AutoApplyOrder",
    family: Family::Management,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: ROWS,
    extras: &EXTRAS,
    formats: &[("0", Format::Lines), ("1", Format::Form)],
    default_format: Format::Lines,
    server_orders: Some(&auto_apply_ssl::ENDPOINT),
    codes: CODES,
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// What is ordered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// A server certificate.
    Ssl(Box<SslOrderRequest>),
    /// An S/MIME certificate.
    Smime(Box<SmimeOrderRequest>),
}

/// Reads an order. `bonus`: whether the account may have bonus days.
///
/// # Errors
/// The first error in the documented order (§0.4).
pub fn parse(call: &Authed, catalogue: &Catalogue, bonus: bool) -> Result<Order, Refusal> {
    let f = call.fields_of_order(catalogue, bonus)?;
    let codes = f.numbers("product");
    let (product, _) = catalogue.find_any(&codes)?;
    if !product.level.is_mail() {
        return auto_apply_ssl::read(&f).map(|order| Order::Ssl(Box::new(order)));
    }
    let code = codes.first().copied().ok_or(Refusal::Missing("product"))?;
    smime(&f, code).map(|order| Order::Smime(Box::new(order)))
}

fn smime(f: &Fields, product: i64) -> Result<SmimeOrderRequest, Refusal> {
    Ok(SmimeOrderRequest {
        product,
        days: f.small("days")?.ok_or(Refusal::Missing("days"))?,
        csr: f.text("csr"),
        mailbox: f.mail("sanEmailAddress").ok_or(Refusal::Missing("sanEmailAddress"))?,
        subject_email: f.mail("smimeSubjectEmail"),
        subject_common_name: f.yes("smimeSubjectCN"),
        organization_identifier: f.text("organizationIdentifier"),
        subject: subject(f),
        prioritise: parts::prioritise(f).unwrap_or_default(),
        representative: representative(f),
        texts: SmimeTexts {
            language: f.word("languageName").and_then(Language::from_code),
            verification: f.integer("SMIMEVerificationTemplateID"),
            request: f.integer("SMIMERequestTemplateID"),
            collection: f.integer("SMIMECollectionTemplateID"),
            call_back: f.integer("callBackTemplateID"),
            ma_creation: f.integer("maCreationTemplateID"),
            shipping: f.integer("shippingTemplateID"),
            agreement: f.integer("agreementTemplateID"),
        },
        is_customer_validated: f.yes("isCustomerValidated"),
        foreign_order_number: f.text("foreignOrderNumber"),
        check_fon_is_unique: f.yes("checkFONIsUnique"),
        test: f.yes("test"),
        reply: parts::reply_wishes(f),
        show_collection_code: f.yes("showCollectionCode"),
        kept: f.kept(),
    })
}

fn subject(f: &Fields) -> SubjectDetails {
    SubjectDetails {
        organization: f.text("organizationName"),
        organizational_unit: None,
        post_office_box: None,
        streets: ["streetAddress1", "streetAddress2", "streetAddress3"].map(|name| f.text(name)),
        locality: f.text("localityName"),
        state: f.text("stateOrProvinceName"),
        postal_code: f.text("postalCode"),
        country: f.country("countryName"),
        duns_number: f.text("dunsNumber"),
        company_number: f.text("companyNumber"),
    }
}

fn representative(f: &Fields) -> Representative {
    Representative {
        forename: f.text("appRepForename"),
        surname: f.text("appRepSurname"),
        email: f.mail("appRepEmailAddress"),
        telephone: f.text("appRepTelephone"),
        call_back: parts::call_back(f),
        is_validated: f.flag("isAppRepValidated"),
        is_call_back_completed: f.flag("isCallbackCompleted"),
        ..Representative::default()
    }
}

const OV: &str = "OV S/MIME certificates only";

const fn required(name: &'static str) -> Parameter {
    Parameter::required(name)
}

const fn optional(name: &'static str) -> Parameter {
    Parameter::optional(name)
}

const fn conditional(name: &'static str) -> Parameter {
    Parameter::conditional(name)
}

/// What is required of S/MIME alone is asked for when the product is known.
const ROWS: &[Parameter] = &[
    LOGIN_NAME,
    LOGIN_PASSWORD,
    required("days").integer().allowed("365 730").later(),
    required("product").string(64).read_as(Form::Numbers).allowed("794 795 796"),
    optional("csr").string(32767).read_as(Form::Lines),
    required("sanEmailAddress").string(255).read_as(Form::CertifiedMail).later(),
    optional("showCollectionCode").flag(),
    optional("organizationIdentifier").chars(100).within(Scope::Subject),
    conditional("organizationName").string(64).within(Scope::Subject),
    conditional("stateOrProvinceName").string(128).within(Scope::Subject),
    optional("countryName").string(2).read_as(Form::Country).within(Scope::Subject),
    optional("appRepForename").string(64),
    optional("appRepSurname").string(64),
    optional("appRepTelephone").string(32),
    required("appRepEmailAddress").string(255).read_as(Form::Mail).later(),
    optional("callbackMethod").chars(1).one_of("T E"),
    optional("smimeSubjectEmail").string(255).read_as(Form::CertifiedMail),
    optional("smimeSubjectCN").flag().default("N"),
    conditional("streetAddress1").string(128).within(Scope::Subject),
    optional("streetAddress2").string(128).within(Scope::Subject),
    optional("streetAddress3").string(128).within(Scope::Subject),
    optional("localityName").string(128).within(Scope::Subject),
    conditional("postalCode").string(40).within(Scope::Subject),
    optional("dunsNumber").string(20).read_as(Form::Digits).within(Scope::Subject),
    optional("companyNumber").string(64).within(Scope::Subject),
    optional("businessCategory").chars(1).one_of("b c d").within(Scope::Subject),
    optional("validationEmailAddress").string(255).read_as(Form::Mail),
    optional("contactEmailAddress").string(255).read_as(Form::Mail),
    optional("appRepTitle").string(64),
    optional("languageName").string(2).one_of(parts::LANGUAGES).default("en"),
    optional("SMIMEVerificationTemplateID").integer(),
    optional("SMIMERequestTemplateID").integer(),
    optional("SMIMECollectionTemplateID").integer(),
    optional("callBackTemplateID").integer(),
    optional("maCreationTemplateID").integer(),
    optional("shippingTemplateID").integer(),
    optional("agreementTemplateID").integer(),
    required("isCustomerValidated").flag(),
    optional("isAppRepValidated").flag(),
    optional("isCallbackCompleted").flag(),
    optional("foreignOrderNumber").chars(64),
    optional("checkFONIsUnique").flag(),
    optional("signerTitle").string(64).only(OV).within(Scope::MailOrganization),
    optional("signerForename").string(64).only(OV).within(Scope::MailOrganization),
    optional("signerSurname").string(64).only(OV).within(Scope::MailOrganization),
    optional("signerEmailAddress")
        .string(255)
        .read_as(Form::Mail)
        .only(OV)
        .within(Scope::MailOrganization),
    optional("signerTelephone").string(32).only(OV).within(Scope::MailOrganization),
    optional("responseFormat").chars(1).one_of("0 1").default("0"),
    optional("test").flag().default("N"),
    optional("showCertificateID").flag().default("N"),
    optional("showCertificateState").flag(),
];

/// !AutoApplySSL's parameters that are not among [`ROWS`], and what it takes besides.
static EXTRAS: [Parameter; EXTRA] = extras();

const EXTRA: usize = {
    let (mut count, mut at) = (1, 0);
    while at < auto_apply_ssl::ROWS.len() {
        if !is_listed(auto_apply_ssl::ROWS[at].name) {
            count += 1;
        }
        at += 1;
    }
    count
};

const fn extras() -> [Parameter; EXTRA] {
    let mut extras = [auto_apply_ssl::STUB_ORDER_NUMBER; EXTRA];
    let (mut count, mut at) = (1, 0);
    while at < auto_apply_ssl::ROWS.len() {
        if !is_listed(auto_apply_ssl::ROWS[at].name) {
            extras[count] = auto_apply_ssl::ROWS[at].later();
            count += 1;
        }
        at += 1;
    }
    extras
}

const fn is_listed(name: &str) -> bool {
    let mut at = 0;
    while at < ROWS.len() {
        if ROWS[at].name.as_bytes().eq_ignore_ascii_case(name.as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

const NO_DOMAINS_BEFOREHAND: &str = "domains are validated by orders, never beforehand";
const NO_PLANS: &str = "no product here is sold by a plan";
const NO_WEB_PACKAGES: &str = "no web packages are sold here";
const IN_WHOLE: &str = "an order is taken as a whole or not at all";
const BY_PLACE_ORDER: &str = "attested keys are ordered by !PlaceOrder";
const EVERY_PRODUCT: &str = "what an account may order is not limited by product";

const CODES: &[CodeRow] = &[
    code(Meaning::NotHttps, -1, "Request was not made over HTTPS!"),
    code(Meaning::UnknownArgument, -2, "'xxxx' is an unrecognized argument!"),
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
    code(Meaning::Internal, -14, "An unknown error occurred!"),
    code(Meaning::NotEnoughCredit, -15, "Not enough credit!"),
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
    code(Meaning::IpAddress, -35, "The CSR's Common Name may not be an IP Address!"),
    code(
        Meaning::CsrCompromised,
        -40,
        "The CSR uses a key that is believed to have been compromised!",
    ),
    never(-47, "'domainName' is already validated!", NO_DOMAINS_BEFOREHAND),
    never(-65, "PlanID for this product not found.", NO_PLANS),
    never(-68, "Argument 'xxxx' can be used just with License products!", NO_PLANS),
    code(Meaning::MailAddress, -70, MAIL_ADDRESS),
    never(-82, "The order must have only one Web Package product!", NO_WEB_PACKAGES),
    code(Meaning::NotApplicable, -83, "'xxxx' is not applicable to this order!"),
    never(-84, "The order should include 'xxxx'!", IN_WHOLE),
    code(Meaning::Voucher, -90, "Permission denied 'Context'"),
    code(Meaning::Permission, -91, "Permission denied 'Context'"),
    fault(-110, "CSR decoding Internal Error"),
    fault(-111, "Tier1 Credit/Debit internal Error"),
    fault(-112, "Tier1 Credit/Debit internal Error"),
    fault(-113, "Tier1 Credit/Debit internal Error"),
    fault(-114, "Unknown autoApply Type"),
    fault(-115, "No price found for 'xxx'! Contact Support!"),
    fault(-116, "Wrong Item Cost! Contact Support!"),
    fault(-117, "Wrong Item Cost! Contact Support!"),
    code(Meaning::WrongProduct, -118, "Wrong product Identifier!"),
    fault(-119, "Internal error occured!"),
    code(Meaning::RolesMissing, -120, "'Role' arguments are missing for PSD2 certificate type!"),
    code(Meaning::TaxDeprecated, -121, TAX),
    code(Meaning::IdentifierFormat, -121, "Wrong format of 'xxxx' identifier."),
    code(Meaning::IdentifierCountry, -121, "Wrong country code value in 'xxxx' identifier."),
    never(-129, "Error in key attestation verification 'Context'", BY_PLACE_ORDER),
    never(-150, "Insufficient privileges to order this type of product", EVERY_PRODUCT),
    code(
        Meaning::NotOfProduct,
        -161,
        "Parameter 'xxxx' is not applicable to this type of product!",
    ),
    code(Meaning::CsrNames, -162, CSR_NAMES),
];
