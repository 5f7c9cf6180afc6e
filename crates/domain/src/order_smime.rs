//! What an order of an S/MIME certificate asks for: the parameters of !AutoApplyOrder for these products, parsed, before
//! product and CSR are looked at. What it has in common with server certificates is [`crate::order_ssl`]'s.

use crate::mail_address::MailAddress;
use crate::order_ssl::{
    Language, OrderReplyWishes, Prioritise, Representative, SignatureHash, SubjectDetails,
};

/// Every parameter of an order, parsed one by one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmimeOrderRequest {
    /// `product`: the one code.
    pub product: i64,
    /// `days`.
    pub days: u32,
    /// `csr`, as given: PKCS #10 or SPKAC. Without it the order waits for one.
    pub csr: Option<String>,
    /// `sanEmailAddress`: the mailbox that is certified.
    pub mailbox: MailAddress,
    /// `smimeSubjectEmail`: the same mailbox in the subject.
    pub subject_email: Option<MailAddress>,
    /// `smimeSubjectCN=Y`: the organisation's name as common name.
    pub subject_common_name: bool,
    /// `organizationIdentifier`.
    pub organization_identifier: Option<String>,
    /// Organisation and address.
    pub subject: SubjectDetails,
    /// `prioritiseCSRValues`: not in the specification's table, which refers to it.
    pub prioritise: Prioritise,
    /// The applicant representative.
    pub representative: Representative,
    /// Template IDs and language.
    pub texts: SmimeTexts,
    /// `isCustomerValidated`.
    pub is_customer_validated: bool,
    /// `foreignOrderNumber`.
    pub foreign_order_number: Option<String>,
    /// `checkFONIsUnique`.
    pub check_fon_is_unique: bool,
    /// `test`.
    pub test: bool,
    /// How to answer.
    pub reply: OrderReplyWishes,
    /// `showCollectionCode=Y`.
    pub show_collection_code: bool,
    /// Every parameter that was given, as in an order of server certificates.
    pub kept: Vec<(&'static str, String)>,
}

/// Template IDs and language of an S/MIME order's mails. An ID overrides the language for its own kind of mail (D47).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SmimeTexts {
    /// `languageName`.
    pub language: Option<Language>,
    /// `SMIMEVerificationTemplateID`.
    pub verification: Option<i64>,
    /// `SMIMERequestTemplateID`.
    pub request: Option<i64>,
    /// `SMIMECollectionTemplateID`.
    pub collection: Option<i64>,
    /// `callBackTemplateID`.
    pub call_back: Option<i64>,
    /// `maCreationTemplateID`.
    pub ma_creation: Option<i64>,
    /// `shippingTemplateID`.
    pub shipping: Option<i64>,
    /// `agreementTemplateID`.
    pub agreement: Option<i64>,
}

impl SmimeTexts {
    /// The IDs that were given, each with its parameter and the kind of template that it names.
    pub fn ids(&self) -> impl Iterator<Item = (&'static str, &'static str, i64)> {
        [
            ("SMIMEVerificationTemplateID", "smime_verification", self.verification),
            ("SMIMERequestTemplateID", "smime_request", self.request),
            ("SMIMECollectionTemplateID", "smime_collection", self.collection),
            ("callBackTemplateID", "call_back", self.call_back),
            ("maCreationTemplateID", "ma_creation", self.ma_creation),
            ("shippingTemplateID", "shipping", self.shipping),
            ("agreementTemplateID", "agreement", self.agreement),
        ]
        .into_iter()
        .filter_map(|(parameter, kind, id)| Some((parameter, kind, id?)))
    }
}

/// Every parameter of !AutoReplaceSMIME, parsed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplaceSmimeRequest {
    /// `orderNumber`: that very order.
    pub order_number: crate::certificate::OrderNumber,
    /// `csr`, as given.
    pub csr: String,
    /// `signatureHash`.
    pub signature_hash: SignatureHash,
    /// `caCertificateID`.
    pub ca_certificate_id: Option<i64>,
    /// `revokeOldOrder=Y`.
    pub revoke_old: bool,
    /// `languageName`, and the three template IDs that this endpoint has.
    pub texts: SmimeTexts,
    /// Every parameter that was given.
    pub kept: Vec<(&'static str, String)>,
}
