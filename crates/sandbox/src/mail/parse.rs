//! From the bytes of a message to what a test reads.

use base64::{Engine, engine::general_purpose::STANDARD};
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders};

use super::{Attachment, Mail, find};

/// Any bytes make a mail: what cannot be parsed is shown as text.
pub(super) fn mail(sender: &str, bytes: &[u8], at: String) -> Mail {
    let mut mail = match MessageParser::default().parse(bytes) {
        Some(message) => parsed(&message),
        None => empty(String::from_utf8_lossy(bytes).into_owned()),
    };
    if mail.from.is_empty() {
        sender.clone_into(&mut mail.from);
    }
    mail.links = find::links(&mail.text, mail.html.as_deref());
    mail.codes = find::codes(&mail.text);
    mail.at = at;
    mail
}

fn parsed(message: &Message<'_>) -> Mail {
    let text = message.body_text(0).unwrap_or_default().into_owned();
    let from = message.from().and_then(|from| from.first()?.address.as_deref());
    let has_html = message.html_part(0).is_some_and(|part| part.is_text_html());
    Mail {
        from: from.unwrap_or_default().to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
        html: message.body_html(0).filter(|_| has_html).map(|html| html.into_owned()),
        attachments: message.attachments().map(attachment).collect(),
        ..empty(text)
    }
}

fn attachment(part: &MessagePart<'_>) -> Attachment {
    let media_type = part.content_type().map(|t| match t.subtype() {
        Some(subtype) => format!("{}/{subtype}", t.ctype()),
        None => t.ctype().to_owned(),
    });
    Attachment {
        name: part.attachment_name().unwrap_or_default().to_owned(),
        media_type: media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
        base64: STANDARD.encode(part.contents()),
    }
}

fn empty(text: String) -> Mail {
    Mail {
        id: 0,
        to: String::new(),
        from: String::new(),
        subject: String::new(),
        text,
        html: None,
        links: Vec::new(),
        codes: Vec::new(),
        at: String::new(),
        attachments: Vec::new(),
    }
}
