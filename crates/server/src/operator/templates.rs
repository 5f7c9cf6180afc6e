//! Templates: an account's own texts in place of ours.

use serde::Serialize;
use store::mails::{self, Template};

use super::accounts::{by_name, note};
use super::{Complaint, Done, Office};
use crate::mail::{Kind, check_template};

/// A template for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct TemplateView {
    /// The ID for `dcvTemplateID` and the like.
    pub template: i64,
    /// The account's number.
    pub account: i64,
    /// For which mail.
    pub kind: String,
    /// Its subject.
    pub subject: String,
    /// Since when.
    pub created_at: String,
}

/// The kinds that an order may name, with the parameter that names them.
pub const KINDS: [(&str, &str); 8] = [
    ("dcv", "dcvTemplateID"),
    ("ma_creation", "maCreationTemplateID"),
    ("call_back", "callBackTemplateID"),
    ("smime_verification", "SMIMEVerificationTemplateID"),
    ("smime_request", "SMIMERequestTemplateID"),
    ("smime_collection", "SMIMECollectionTemplateID"),
    ("shipping", "shippingTemplateID"),
    ("agreement", "agreementTemplateID"),
];

/// Keeps a template and gives its ID. One for a mail that we send is tried with sample values first.
///
/// # Errors
/// What the template must not say, or lacks.
pub fn add(
    office: &Office,
    account: &str,
    kind: &str,
    subject: &str,
    text: &str,
    html: &str,
) -> Done<i64> {
    let known = KINDS.map(|(word, _)| (word, word));
    let kind = super::one_of(kind, "kind of template", &known)?;
    let template =
        Template { subject: subject.to_owned(), text: text.to_owned(), html: html.to_owned() };
    if subject.trim().is_empty() {
        return Err(Complaint::new("the subject is empty"));
    }
    if let Some(checked) = Kind::ALL.into_iter().find(|k| k.as_str() == kind) {
        check_template(checked, &template).map_err(|e| Complaint(e.to_string()))?;
    }
    let (name, now, actor) = (account.to_owned(), office.now(), office.actor.clone());
    office.write("add_template", move |tx| {
        let account = by_name(tx, &name)?.id;
        let id = mails::insert_template(tx, account, kind, &template, now)?;
        let detail = serde_json::json!({ "template": id, "kind": kind });
        note(tx, account, "template.added", &actor, &detail, now)?;
        Ok(id)
    })
}

/// All templates, or an account's.
///
/// # Errors
/// When there is no such account.
pub fn list(office: &Office, account: Option<&str>) -> Done<Vec<TemplateView>> {
    let name = account.map(str::to_owned);
    office.read("templates", move |tx| {
        let id = name.as_deref().map(|n| by_name(tx, n)).transpose()?.map(|a| a.id);
        let all = mails::templates(tx)?.into_iter();
        let wanted = all.filter(|t| id.is_none_or(|id| t.account == id));
        let view = |t: mails::TemplateLine| TemplateView {
            template: t.id,
            account: t.account.0,
            kind: t.kind,
            subject: t.subject,
            created_at: t.created_at.to_string(),
        };
        Ok(wanted.map(view).collect())
    })
}
