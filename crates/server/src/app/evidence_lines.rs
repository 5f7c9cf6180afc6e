//! Evidence as it is kept: what was asked, from where, what came back, when, in words that an auditor reads.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::caa::{self, Asked, CaaRefusal};
use domain::dcv::DcvMethod;
use domain::evidence::{Answer, CaaEvidence, Evidence};
use domain::names::CertName;
use domain::time::Time;
use serde_json::json;
use store::evidence::EvidenceLine;

use crate::house::House;

/// What was seen of a name, and whether it `met` what was to be shown.
#[must_use]
pub fn evidence_line(
    name: &CertName,
    method: DcvMethod,
    seen: &Evidence,
    met: bool,
) -> EvidenceLine {
    let (answer, failed) = answer_words(&seen.answer);
    let outcome = match (met, failed) {
        (true, _) => "shown",
        (false, true) => "failed",
        (false, false) => "not_shown",
    };
    EvidenceLine {
        name: name.to_string(),
        method: format!("{method} (BR {})", seen.question.br_section()),
        outcome: outcome.to_owned(),
        question: seen.question.describe(),
        answer: answer.to_string(),
        via: seen.via.clone(),
        at: seen.at,
    }
}

/// An answer as it is kept, and whether it is none.
pub fn answer_words(answer: &Answer) -> (serde_json::Value, bool) {
    match answer {
        Answer::File(file) => {
            // What is no text is kept whole as well.
            let (name, body) = match std::str::from_utf8(&file.body) {
                Ok(text) => ("body", text.to_owned()),
                Err(_) => ("body_base64", STANDARD.encode(&file.body)),
            };
            let from = file.from.map(|ip| ip.to_string());
            (json!({ "status": file.status, "urls": file.urls, "from": from, name: body }), false)
        }
        Answer::Cname(targets) => (json!({ "cname": targets }), false),
        Answer::Txt(texts) => (json!({ "txt": texts }), false),
        // The code itself is a secret until it is used, and worthless after; the address tells enough.
        Answer::Code { address, .. } => (json!({ "code_mailed_to": address.as_str() }), false),
        Answer::NotThere => (json!({ "not_there": true }), false),
        Answer::Failed(why) => (json!({ "failed": why }), true),
    }
}

/// What a name's CAA set says of it, for the record.
#[must_use]
pub fn caa_line(house: &House, name: &CertName, seen: &CaaEvidence, now: Time) -> EvidenceLine {
    let permitted = caa::permits(seen, Asked::of(name), &house.rules.caa_identities, now);
    let outcome = match permitted {
        Ok(()) => "permits",
        Err(CaaRefusal::LookupFailed(..)) => "failed",
        Err(_) => "forbids",
    };
    let records: Vec<_> = seen
        .records
        .iter()
        .map(|r| json!({ "critical": r.critical, "tag": r.tag, "value": r.value }))
        .collect();
    let answer = json!({ "found_at": seen.found_at, "records": records, "failed": seen.failed });
    EvidenceLine {
        name: name.to_string(),
        method: match name.mailbox() {
            Some(_) => "CAA issuemail (RFC 9495)".to_owned(),
            None => "CAA (RFC 8659)".to_owned(),
        },
        outcome: outcome.to_owned(),
        question: format!("{}. CAA, climbing", seen.name),
        answer: answer.to_string(),
        via: seen.via.clone(),
        at: seen.at,
    }
}
