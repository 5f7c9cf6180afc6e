//! The parts that orders and replacements of server certificates have in common, out of judged parameters.

use domain::dcv::DcvMethod;
use domain::order_ssl::{
    CallBackMethod, DcvWishes, EidasDetails, JurisdictionDetails, Language, MailWishes, NameWishes,
    OrderReplyWishes, Prioritise, Representative, SignatureHash, SubjectDetails, TextWishes,
    TrustLogoDetails,
};
use domain::refusal::Refusal;

use crate::fields::Fields;

pub(crate) fn server_software(f: &Fields) -> Option<i32> {
    f.integer("serverSoftware").and_then(|number| i32::try_from(number).ok())
}

pub(crate) fn prioritise(f: &Fields) -> Option<Prioritise> {
    f.word("prioritiseCSRValues").and_then(Prioritise::from_word)
}

pub(crate) fn signature_hash(f: &Fields) -> SignatureHash {
    match f.word("signatureHash") {
        Some("INFER_FROM_CSR") => SignatureHash::InferFromCsr,
        Some("PREFER_SHA2") => SignatureHash::PreferSha2,
        Some("PREFER_SHA1") => SignatureHash::PreferSha1,
        Some("REQUIRE_SHA2") => SignatureHash::RequireSha2,
        _ => SignatureHash::NoPreference,
    }
}

pub(crate) fn names(f: &Fields) -> NameWishes {
    NameWishes {
        domain_names: f.list("domainNames"),
        primary: f.text("primaryDomainName"),
        max_subject_cns: f.integer("maxSubjectCNs"),
        common_name: f.text("commonName"),
        omit_additional: f.yes("omitAdditionalFQDN"),
    }
}

pub(crate) fn subject(f: &Fields) -> SubjectDetails {
    SubjectDetails {
        organization: f.text("organizationName"),
        organizational_unit: f.text("organizationalUnitName"),
        post_office_box: f.text("postOfficeBox"),
        streets: ["streetAddress1", "streetAddress2", "streetAddress3"].map(|name| f.text(name)),
        locality: f.text("localityName"),
        state: f.text("stateOrProvinceName"),
        postal_code: f.text("postalCode"),
        country: f.country("countryName"),
        duns_number: f.text("dunsNumber"),
        company_number: f.text("companyNumber"),
    }
}

pub(crate) fn jurisdiction(f: &Fields) -> JurisdictionDetails {
    JurisdictionDetails {
        locality: f.text("joiLocalityName"),
        state: f.text("joiStateOrProvinceName"),
        country: f.country("joiCountryName"),
        date_of_incorporation: f.text("dateOfIncorporation"),
        assumed_name: f.text("assumedName"),
        business_category: f.word("businessCategory").and_then(|word| word.chars().next()),
    }
}

pub(crate) fn mails(f: &Fields) -> MailWishes {
    MailWishes {
        issuance: f.mail_or_none("emailAddress"),
        validation: f.mail("validationEmailAddress"),
        contact: f.mail("contactEmailAddress"),
    }
}

pub(crate) fn dcv(f: &Fields) -> Result<DcvWishes, Refusal> {
    Ok(DcvWishes {
        method: method(f, "dcvMethod")?,
        address: f.mail("dcvEmailAddress"),
        addresses: f.dcv_list("dcvEmailAddresses"),
        tokens: f.dcv_list("validationTokens"),
    })
}

pub(crate) fn method(f: &Fields, name: &'static str) -> Result<Option<DcvMethod>, Refusal> {
    let read = |word: &str| word.parse().map_err(|_| Refusal::invalid(name));
    f.word(name).map(read).transpose()
}

pub(crate) fn texts(f: &Fields) -> TextWishes {
    TextWishes {
        dcv_template: f.integer("dcvTemplateID"),
        ma_creation_template: f.integer("maCreationTemplateID"),
        call_back_template: f.integer("callBackTemplateID"),
        language: f.word("languageName").and_then(Language::from_code),
    }
}

pub(crate) fn representative(f: &Fields) -> Representative {
    Representative {
        forename: f.text("appRepForename"),
        surname: f.text("appRepSurname"),
        email: f.mail("appRepEmailAddress"),
        telephone: f.text("appRepTelephone"),
        organization: f.text("appRepOrganizationName"),
        locality: f.text("appRepLocalityName"),
        state: f.text("appRepStateOrProvinceName"),
        postal_code: f.text("appRepPostalCode"),
        country: f.country("appRepCountryName"),
        call_back: call_back(f),
        is_validated: f.flag("isAppRepValidated"),
        is_call_back_completed: f.flag("isCallbackCompleted"),
    }
}

pub(crate) fn call_back(f: &Fields) -> Option<CallBackMethod> {
    f.word("callbackMethod").map(|word| match word {
        "T" => CallBackMethod::Telephone,
        _ => CallBackMethod::Mail,
    })
}

/// personalIdentifier and its old name may both be there if they say the same.
pub(crate) fn eidas(f: &Fields) -> Result<EidasDetails, Refusal> {
    let personal = f.text("personalIdentifier");
    let semantics = f.text("semanticsIdentifier");
    if personal.is_some() && semantics.is_some() && personal != semantics {
        return Err(Refusal::invalid("personalIdentifier"));
    }
    let roles = [
        "accountServicingRole",
        "paymentInitiationRole",
        "accountInformationRole",
        "paymentServiceRole",
    ];
    Ok(EidasDetails {
        organization_identifier: f.text("organizationIdentifier"),
        personal_identifier: personal.or(semantics),
        nca_identifier: f.text("ncaIdentifier"),
        nca_name: f.text("ncaName"),
        roles: roles.map(|name| f.flag(name)),
    })
}

pub(crate) fn trust_logo(f: &Fields) -> TrustLogoDetails {
    TrustLogoDetails {
        email: f.mail("idaEmailAddress"),
        telephone: f.text("idaTelephoneNumber"),
        fax: f.text("idaFaxNumber"),
    }
}

pub(crate) fn reply_wishes(f: &Fields) -> OrderReplyWishes {
    OrderReplyWishes {
        certificate_id: f.yes("showCertificateID"),
        certificate_state: f.yes("showCertificateState"),
    }
}

/// serverSoftware's codes.
pub(crate) const SERVER_SOFTWARE: &str = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 -1";

/// signatureHash's words.
pub(crate) const SIGNATURE_HASHES: &str =
    "NO_PREFERENCE INFER_FROM_CSR PREFER_SHA2 PREFER_SHA1 REQUIRE_SHA2";

/// dcvMethod's words.
pub(crate) const METHODS: &str =
    "EMAIL HTTP_CSR_HASH HTTPS_CSR_HASH CNAME_CSR_HASH DNSTXT_RANDOM_VALUE";

/// languageName's codes.
pub(crate) const LANGUAGES: &str = "en zh da nl fr de it ja ko pt ru es sv tr";
