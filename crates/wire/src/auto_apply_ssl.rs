//! !AutoApplySSL: order a server certificate. Tables, request, answer.

use domain::certificate::{CertificateId, CertificateStatus, OrderNumber};
use domain::dcv::UniqueValue;
use domain::money::Money;
use domain::order_ssl::{Claims, SslOrderRequest};
use domain::product::Catalogue;
use domain::refusal::Refusal;

use crate::codes::{CodeRow, LOGIN, Meaning, TAX, code};
use crate::envelope::Authed;
use crate::fields::Fields;
use crate::order_parts as parts;
use crate::reply::{Lines, Pairs, Reply};
use crate::scope::Scope;
use crate::table::{
    Endpoint, ErrorLayout, Family, Form, Format, LOGIN_NAME, LOGIN_PASSWORD, Parameter, Places,
};

/// The endpoint.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "AutoApplySSL",
    family: Family::Management,
    get_allowed: false,
    http_allowed: false,
    login: true,
    ignores_unknown: false,
    rows: ROWS,
    extras: &[STUB_ORDER_NUMBER],
    formats: &[("0", Format::Lines), ("1", Format::Form)],
    default_format: Format::Lines,
    server_orders: None,
    codes: CODES,
    errors: ErrorLayout::Plain,
    places: Places::new(),
};

/// What an order asks for that not every account may.
#[must_use]
pub fn claims(call: &Authed) -> Claims {
    Claims {
        stub_order: call.has("stubOrderNumber"),
        ca_choice: call.has("caCertificateID"),
        representative_validated: call.says_yes("isAppRepValidated"),
        call_back_completed: call.says_yes("isCallbackCompleted"),
    }
}

/// Reads an order. `bonus`: whether the account may have bonus days.
///
/// # Errors
/// The first error in the documented order (§0.4).
pub fn parse(
    call: &Authed,
    catalogue: &Catalogue,
    bonus: bool,
) -> Result<SslOrderRequest, Refusal> {
    read(&call.fields_of_order(catalogue, bonus)?)
}

/// The order of judged parameters, by whichever endpoint they came.
pub(crate) fn read(f: &Fields) -> Result<SslOrderRequest, Refusal> {
    let days = f.small("days")?;
    Ok(SslOrderRequest {
        products: f.numbers("product"),
        // Days win over years, whatever those say (D54).
        years: if days.is_none() { f.small("years")? } else { None },
        days,
        servers: f.integer("servers"),
        server_software: parts::server_software(f).unwrap_or(-1),
        csr: f.text("csr").unwrap_or_default(),
        unique_value: f.unique_value("uniqueValue"),
        prioritise: parts::prioritise(f).unwrap_or_default(),
        signature_hash: parts::signature_hash(f),
        names: parts::names(f),
        subject: parts::subject(f),
        jurisdiction: parts::jurisdiction(f),
        mails: parts::mails(f),
        dcv: parts::dcv(f)?,
        texts: parts::texts(f),
        representative: parts::representative(f),
        eidas: parts::eidas(f)?,
        trust_logo: parts::trust_logo(f),
        ca_certificate_id: f.integer("caCertificateID"),
        stub_order_number: f.integer("stubOrderNumber"),
        is_customer_validated: f.yes("isCustomerValidated"),
        foreign_order_number: f.text("foreignOrderNumber"),
        check_fon_is_unique: f.yes("checkFONIsUnique"),
        test: f.yes("test"),
        do_auto_ov: f.yes("doAutoOV"),
        ignore_master_account: f.yes("IgnoreMasterAccount"),
        disable_swp: f.yes("disableSWP"),
        reply: parts::reply_wishes(f),
        kept: f.kept(),
    })
}

/// An order that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// True where the price is still to be taken from the end customer: code 1 in place of 0.
    pub payment_due: bool,
    /// The order.
    pub order_number: OrderNumber,
    /// What was debited, or is to be paid.
    pub total_cost: Money,
    /// Hours: 0, 1, 24, 48 or 240.
    pub expected_delivery_time: u16,
    /// If asked for.
    pub certificate_id: Option<CertificateId>,
    /// If asked for.
    pub certificate_status: Option<CertificateStatus>,
    /// If given or generated.
    pub unique_value: Option<UniqueValue>,
    /// Of an S/MIME order, if asked for.
    pub collection_code: Option<String>,
}

/// The answer to an order that was taken. What is absent leaves no line and no pair (D13).
#[must_use]
pub fn reply(format: Format, placed: &Placed) -> Reply {
    let code = i32::from(placed.payment_due);
    let status = placed.certificate_status.map(CertificateStatus::as_str);
    let unique = placed.unique_value.as_ref().map(UniqueValue::as_str);
    if format == Format::Lines {
        return Lines::new()
            .line(code)
            .line(placed.order_number)
            .line(placed.total_cost)
            .line(placed.expected_delivery_time)
            .maybe(placed.certificate_id)
            .maybe(status)
            .maybe(unique)
            .maybe(placed.collection_code.as_deref())
            .reply();
    }
    Pairs::new()
        .pair("errorCode", code)
        .pair("orderNumber", placed.order_number)
        .pair("totalCost", placed.total_cost)
        .pair("expectedDeliveryTime", placed.expected_delivery_time)
        .maybe("certificateID", placed.certificate_id)
        .maybe("certificateStatus", status)
        .maybe("uniqueValue", unique)
        .maybe("collectionCode", placed.collection_code.as_deref())
        .reply()
}

/// Not in the table, and in its sample.
pub(crate) const STUB_ORDER_NUMBER: Parameter = Parameter::optional("stubOrderNumber").integer();

const EV: &str = "EV certificates only";
const OV: &str = "OV certificates only";
const LOGO: &str = "TrustLogo only";
const EIDAS: &str = "eIDAS only";
const MULTI: &str = "Multi-Domain SSL and Unified Communications certificates";
const MULTI_ONLY: &str = "Multi-Domain SSL and Unified Communications certificates only";

const fn required(name: &'static str) -> Parameter {
    Parameter::required(name)
}

const fn optional(name: &'static str) -> Parameter {
    Parameter::optional(name)
}

const fn conditional(name: &'static str) -> Parameter {
    Parameter::conditional(name)
}

pub(crate) const ROWS: &[Parameter] = &[
    LOGIN_NAME,
    LOGIN_PASSWORD,
    required("product").string(64).read_as(Form::Numbers).allowed(
        "448 488 489 492 337 410 7 24 34 35 43 44 62 63 64 65 316 318 322 324 335 361 583 510 511 512 \
         791 792 783 784 788 789 490 36 37",
    ),
    conditional("years").integer(),
    conditional("days").integer(),
    optional("servers").integer().within(Scope::Wildcard),
    required("serverSoftware").integer().allowed(parts::SERVER_SOFTWARE),
    optional("domainNames").string(32767).read_as(Form::List).only(MULTI_ONLY).within(Scope::List),
    optional("primaryDomainName").string(64).only(MULTI).within(Scope::List),
    optional("maxSubjectCNs").integer().default("1").only(MULTI).within(Scope::List),
    optional("commonName").string(64).only("Single-Domain SSL certificates only").within(Scope::OneName),
    required("csr").string(32767).read_as(Form::Lines),
    optional("uniqueValue").string(20).read_as(Form::UniqueValue),
    optional("prioritiseCSRValues").chars(1).one_of("Y N P C").default("Y"),
    optional("signatureHash").string(64).one_of(parts::SIGNATURE_HASHES).default("NO_PREFERENCE"),
    optional("organizationName").string(64).truncate(),
    optional("organizationalUnitName").string(64).truncate(),
    optional("postOfficeBox").string(40).truncate(),
    required("streetAddress1").string(128).truncate().later(),
    optional("streetAddress2").string(128).truncate(),
    optional("streetAddress3").string(128).truncate(),
    conditional("localityName").string(128).truncate(),
    conditional("stateOrProvinceName").string(128).truncate(),
    required("postalCode").string(40).truncate().later(),
    required("countryName").string(2).read_as(Form::Country).truncate().later(),
    optional("dunsNumber").string(20).read_as(Form::Digits).truncate(),
    optional("companyNumber").string(64).truncate(),
    optional("joiLocalityName").string(128).truncate().only(EV).within(Scope::Extended),
    optional("joiStateOrProvinceName").string(128).truncate().only(EV).within(Scope::Extended),
    conditional("joiCountryName").string(2).read_as(Form::Country).truncate().only(EV).within(Scope::Extended),
    optional("dateOfIncorporation").string(10).read_as(Form::Date).only(EV).within(Scope::Extended),
    optional("assumedName").string(64).truncate().only(EV).within(Scope::Extended),
    optional("businessCategory").chars(1).one_of("b c d").truncate(),
    optional("emailAddress").string(255).read_as(Form::MailOrNone).truncate(),
    optional("validationEmailAddress").string(255).read_as(Form::Mail).truncate(),
    optional("contactEmailAddress").string(255).read_as(Form::Mail).truncate(),
    optional("dcvMethod").string(32).one_of(parts::METHODS).truncate().default("EMAIL"),
    optional("dcvEmailAddress")
        .string(255)
        .read_as(Form::Mail)
        .truncate()
        .only("Single-domain SSL only")
        .within(Scope::OneName),
    conditional("dcvEmailAddresses")
        .string(32767)
        .read_as(Form::DcvList)
        .allowed(
            "HTTPCSRHASH CNAMECSRHASH DNSTXTRNDVAL ALLHTTPCSRHASH ALLCNAMECSRHASH ALLDNSTXTRNDVAL",
        )
        .only(MULTI_ONLY)
        .within(Scope::List),
    optional("dcvTemplateID").integer(),
    optional("maCreationTemplateID").integer(),
    optional("callBackTemplateID").integer(),
    optional("languageName").string(2).one_of(parts::LANGUAGES).default("en"),
    conditional("validationTokens")
        .string(32767)
        .read_as(Form::DcvTokens)
        .allowed(
            "ALLHTTPCSRHASH ALLCNAMECSRHASH ALLDNSTXTRNDVAL HTTPCSRHASH CNAMECSRHASH DNSTXTRNDVAL",
        )
        .only(MULTI_ONLY)
        .within(Scope::List),
    optional("caCertificateID").integer(),
    optional("isCustomerValidated").flag().default("N"),
    optional("showCertificateID").flag().default("N"),
    optional("foreignOrderNumber").chars(64).truncate(),
    optional("checkFONIsUnique").flag(),
    optional("responseFormat").chars(1).one_of("0 1").default("0"),
    optional("test").flag().default("N"),
    optional("idaEmailAddress").string(255).read_as(Form::Mail).truncate().only(LOGO).within(Scope::Logo),
    optional("idaTelephoneNumber").string(32).truncate().only(LOGO).within(Scope::Logo),
    optional("idaFaxNumber").string(32).truncate().only(LOGO).within(Scope::Logo),
    optional("appRepForename").string(64).truncate().only(OV).within(Scope::Subject),
    optional("appRepSurname").string(64).truncate().only(OV).within(Scope::Subject),
    optional("appRepEmailAddress").string(255).read_as(Form::Mail).truncate().only(OV).within(Scope::Subject),
    optional("appRepTelephone").string(32).truncate().only(OV).within(Scope::Subject),
    optional("appRepTitle").string(64).truncate().only(OV).within(Scope::Subject),
    optional("appRepFax").string(32).truncate().only(OV).within(Scope::Subject),
    optional("appRepOrganizationName").string(255).truncate().only(OV).within(Scope::Subject),
    optional("appRepOrganizationalUnitName").string(64).truncate().only(OV).within(Scope::OtherOrganization),
    optional("appRepStreetAddress1").string(128).truncate().only(OV).within(Scope::OtherOrganization),
    optional("appRepStreetAddress2").string(128).truncate().only(OV).within(Scope::OtherOrganization),
    optional("appRepStreetAddress3").string(128).truncate().only(OV).within(Scope::OtherOrganization),
    optional("appRepPostOfficeBox").string(128).truncate().only(OV).within(Scope::OtherOrganization),
    conditional("appRepLocalityName").string(128).truncate().only(OV).within(Scope::OtherOrganization),
    conditional("appRepStateOrProvinceName").string(128).truncate().only(OV).within(Scope::OtherOrganization),
    conditional("appRepPostalCode").string(128).truncate().only(OV).within(Scope::OtherOrganization),
    conditional("appRepCountryName").chars(2).read_as(Form::Country).only(OV).within(Scope::OtherOrganization),
    optional("callbackMethod").chars(1).one_of("T E").truncate(),
    optional("isAppRepValidated").flag(),
    optional("isCallbackCompleted").flag(),
    optional("showCertificateState").flag(),
    optional("omitAdditionalFQDN")
        .flag()
        .allowed("N Y")
        .default("N")
        .only("Single-domain SSL certificates only")
        .within(Scope::OneName),
    optional("doAutoOV").flag().default("N"),
    optional("IgnoreMasterAccount").flag().default("N").only("EV/OV certificates only").within(Scope::Subject),
    optional("disableSWP").flag().default("N"),
    optional("organizationIdentifier").chars(100).only(EIDAS).within(Scope::Eidas),
    optional("personalIdentifier").chars(100).only(EIDAS).within(Scope::Eidas),
    optional("semanticsIdentifier").chars(100).only(EIDAS).within(Scope::Eidas),
    optional("ncaIdentifier").chars(100).only(EIDAS).within(Scope::Psd2),
    optional("accountServicingRole").flag().only(EIDAS).within(Scope::Psd2),
    optional("paymentInitiationRole").flag().only(EIDAS).within(Scope::Psd2),
    optional("accountInformationRole").flag().only(EIDAS).within(Scope::Psd2),
    optional("paymentServiceRole").flag().only(EIDAS).within(Scope::Psd2),
    optional("ncaName").chars(100).only(EIDAS).within(Scope::Psd2),
];

const CODES: &[CodeRow] = &[
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
    code(Meaning::Internal, -14, "An unknown error occurred!"),
    code(Meaning::NotEnoughCredit, -15, "Not enough credit!"),
    code(Meaning::Login, -16, LOGIN),
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
    code(Meaning::TokenNotUnique, -55, "This Request Token is not unique!"),
    // A stub order for a test order; parameters of other products are ignored, a forbidden add-on is -4 'product'.
    code(Meaning::NotApplicable, -83, "'xxxx' is not applicable to this order!"),
    code(Meaning::Voucher, -90, "Permission denied for using \"voucher\" with 'xxxx'"),
    code(Meaning::Permission, -91, "Permission denied 'xxxx'"),
    code(Meaning::RolesMissing, -120, "\"Role\" arguments are missing for PSD2 certificate type!"),
    code(Meaning::TaxDeprecated, -121, TAX),
    code(Meaning::IdentifierFormat, -121, "Wrong format of 'xxxx' identifier."),
    code(Meaning::IdentifierCountry, -121, "Wrong country code value in 'xxxx' identifier."),
];
