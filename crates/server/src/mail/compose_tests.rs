//! Composed mails, read back by a parser that is not the composer's.

use mail_parser::{Message, MessageParser, MimeHeaders as _};

use super::*;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB0TCCAXegAwIBAgIUQmFzZTY0IGlzIG5vdCBhIGNlcnRpZmljYXRlISEhISEh\nAA==\n-----END CERTIFICATE-----\n";
const CODE: &str = "aB3-xyz*0123456789abcdef01234567";

fn now() -> Time {
    Time::parse("2026-11-21T10:20:30Z").unwrap()
}

fn from() -> From {
    From::new("Chancery Überwachung", &"noreply@ca.example.net".parse().unwrap(), None).unwrap()
}

fn parse(mail: &NewMail) -> Message<'_> {
    assert!(mail.message.is_ascii());
    let text = std::str::from_utf8(&mail.message).unwrap();
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "bare line ends");
    assert!(text.lines().all(|l| l.len() <= 998));
    MessageParser::default().parse(&mail.message).unwrap()
}

fn dcv(change: impl Fn(&mut DcvMail<'_>)) -> NewMail {
    dcv_by(None, change)
}

fn dcv_by(template: Option<&Template>, change: impl Fn(&mut DcvMail<'_>)) -> NewMail {
    let domain = "example.com".parse().unwrap();
    let names = ["example.com".parse().unwrap(), "*.example.com".parse().unwrap()];
    let address = "admin@example.com".parse().unwrap();
    let (link, reject) = dcv_links("https://ca.example.net/", OrderNumber(10_000_007), CODE);
    let mut mail = DcvMail {
        account: AccountId(3),
        order: OrderNumber(10_000_007),
        domain: &domain,
        names: &names,
        address: &address,
        code: CODE,
        link: &link,
        reject_link: &reject,
        brand: "Chancery",
        expires: now().plus(30 * domain::time::DAY),
        language: Language::default(),
        template,
    };
    change(&mut mail);
    compose_dcv(&mail, &from(), now())
}

fn certificate(product: &str, name: &str, zip: &[u8]) -> NewMail {
    let mail = CertificateMail {
        account: AccountId(3),
        order: OrderNumber(10_000_007),
        product,
        name,
        pem: PEM,
        zip,
        zip_name: "www_example_com.zip",
        not_before: now().start_of_day(),
        not_after: now().plus(90 * domain::time::DAY),
        recipient: &"web@example.com".parse().unwrap(),
        brand: "Chancery",
        language: Language::default(),
        template: None,
    };
    compose_certificate(&mail, &from(), now())
}

#[test]
fn a_request_for_confirmation() {
    let mail = dcv(|_| {});
    let read = parse(&mail);
    let subject = "ORDER #10000007 - Domain Control Validation for example.com";
    assert_eq!((read.subject(), mail.subject.as_str()), (Some(subject), subject));
    assert_eq!((mail.kind, mail.order), ("dcv", Some(OrderNumber(10_000_007))));
    assert_eq!((&*mail.sender, &*mail.recipient), ("noreply@ca.example.net", "admin@example.com"));
    let sender = read.from().unwrap().first().unwrap();
    assert_eq!(sender.name(), Some("Chancery Überwachung"));
    assert_eq!(sender.address(), Some("noreply@ca.example.net"));
    assert_eq!(read.to().unwrap().first().unwrap().address(), Some("admin@example.com"));
    assert_eq!(read.date().unwrap().to_timestamp(), now().secs());
    assert!(read.message_id().unwrap().ends_with("@ca.example.net"));
    assert!(read.content_type().unwrap().subtype() == Some("alternative"));

    let text = read.body_text(0).unwrap();
    let link =
        format!("https://ca.example.net/products/EnterDCVCode?orderNumber=10000007&dcvCode={CODE}");
    for wanted in [CODE, &link, &link.replace("Enter", "Reject")] {
        assert!(text.lines().any(|l| l.trim_end() == wanted), "{wanted} in {text}");
    }
    assert!(text.contains("*.example.com") && text.contains("2026-12-21 10:20 UTC"));
    let html = read.body_html(0).unwrap();
    assert!(html.contains(&format!("href=\"{}\"", link.replace('&', "&amp;"))), "{html}");
    assert!(html.contains(CODE));
}

#[test]
fn a_request_for_confirmation_in_every_language() {
    let (link, reject) = dcv_links("https://ca.example.net/", OrderNumber(10_000_007), CODE);
    for language in Language::CODES.into_iter().filter_map(Language::from_code) {
        let mail = dcv(|mail| mail.language = language);
        let read = parse(&mail);
        assert_eq!(read.subject(), Some(mail.subject.as_str()));
        assert!(mail.subject.starts_with("ORDER #10000007 - "), "{}", mail.subject);
        let text = read.body_text(0).unwrap();
        for wanted in [CODE, &link, &reject] {
            assert!(text.lines().any(|l| l.trim_end() == wanted), "{wanted} in {text}");
        }
        let html = read.body_html(0).unwrap();
        assert!(html.contains(&format!("<html lang=\"{}\">", language.code())));
        assert!(html.contains(&format!("href=\"{}\"", link.replace('&', "&amp;"))), "{html}");
    }
}

#[test]
fn many_names_are_counted() {
    let names: Vec<CertName> =
        (0..250).map(|i| format!("h{i}.example.com").parse().unwrap()).collect();
    let address = "admin@example.com".parse().unwrap();
    let domain = "example.com".parse().unwrap();
    let mail = DcvMail {
        account: AccountId(1),
        order: OrderNumber(1),
        domain: &domain,
        names: &names,
        address: &address,
        code: CODE,
        link: "https://x.example/",
        reject_link: "https://x.example/r",
        brand: "",
        expires: Time::from_ms(i64::MAX),
        language: Language::default(),
        template: None,
    };
    let mail = compose_dcv(&mail, &from(), Time::from_ms(i64::MIN));
    let text = parse(&mail).body_text(0).unwrap().into_owned();
    assert!(text.contains("h19.example.com") && !text.contains("h20.example.com"));
    assert!(text.contains("and 230 more"));
}

#[test]
fn a_certificate_with_its_zip() {
    let zip: Vec<u8> = (0..=255).cycle().take(4_000).collect();
    let mail = certificate("PositiveSSL", "www.example.com", &zip);
    let read = parse(&mail);
    let subject = "ORDER #10000007 - Your PositiveSSL Certificate for www.example.com";
    assert_eq!(read.subject(), Some(subject));
    assert_eq!(read.content_type().unwrap().subtype(), Some("mixed"));
    let text = read.body_text(0).unwrap().replace("\r\n", "\n");
    let sentence = "\nYour PositiveSSL Certificate for www.example.com is attached!\n\n";
    assert!(text.contains(&format!("{sentence}{PEM}\n")), "{text}");
    assert_eq!(read.attachment_count(), 1);
    let attached = read.attachment(0).unwrap();
    assert_eq!(attached.attachment_name(), Some("www_example_com.zip"));
    assert_eq!(attached.content_type().unwrap().subtype(), Some("zip"));
    assert_eq!(attached.contents(), zip);
    assert!(read.body_html(0).unwrap().contains("<strong>www.example.com</strong> is attached!"));
}

#[test]
fn certificate_is_not_said_twice() {
    let mail = certificate("Personal Certificate", "a", b"");
    assert_eq!(mail.subject, "ORDER #10000007 - Your Personal Certificate for a");
}

#[test]
fn odd_texts_stay_in_their_places() {
    let odd = "X\r\nBcc: evil@example.org\r\n\r\n<script>\"ü™\u{2028}\u{202e}\0";
    let long = format!("{odd}{}", "é".repeat(5_000));
    for (product, name) in [(odd, odd), (&long, &long), ("", ""), ("\n", "\0")] {
        let mail = certificate(product, name, b"PK");
        let read = parse(&mail);
        assert!(read.bcc().is_none());
        assert_eq!(read.header_values("Bcc").count(), 0);
        assert!(!mail.subject.contains(|c: char| c.is_control()));
        assert_eq!(read.subject().unwrap(), mail.subject);
        assert_eq!(read.attachment(0).unwrap().contents(), b"PK");
        let html = read.body_html(0).unwrap();
        assert!(!html.contains("<script>"));
    }
    let name = From::new(odd, &"a@b.example".parse().unwrap(), None).unwrap();
    let to = "admin@example.com".parse().unwrap();
    let about = About {
        kind: Kind::Dcv,
        account: AccountId(0),
        order: OrderNumber(0),
        to: &to,
        now: now(),
    };
    let mail = about.message(&name, Rendered::default(), None);
    assert!(parse(&mail).bcc().is_none());
    assert!(parse(&mail).from().unwrap().first().unwrap().name().unwrap().starts_with("X Bcc: "));
}

#[test]
fn every_address_of_ours_can_send() {
    for local in ["a", "a.b+c", "o'neil", "!#$%&'*+-/=?^_`{|}~", &"x".repeat(64)] {
        let address = format!("{local}@xn--bcher-kva.example.com").parse().unwrap();
        assert!(From::new("N", &address, None).is_ok(), "{local}");
    }
}

#[test]
fn an_account_s_own_text_is_used_or_passed_over() {
    let own = Template {
        subject: "Bitte\r\nBcc: x@y.z bestätigen: {{ domain }}".into(),
        text: "Grüße\r\n{{ code }}\r\n{{ link }}".into(),
        html: "<p>{{ brand }}: {{ code }}</p>".into(),
    };
    let mail = dcv_by(Some(&own), |m| m.brand = "<b>");
    let read = parse(&mail);
    assert_eq!(read.subject(), Some("Bitte Bcc: x@y.z bestätigen: example.com"));
    assert!(read.body_text(0).unwrap().starts_with("Grüße\r\naB3-xyz*"));
    assert!(read.body_html(0).unwrap().contains("<p>&lt;b&gt;: "));

    let plain = Template { html: String::new(), subject: " ".into(), ..own.clone() };
    let mail = dcv_by(Some(&plain), |_| {});
    assert!(mail.subject.starts_with("ORDER #10000007 - "));
    assert!(!String::from_utf8_lossy(&mail.message).contains("text/html"));

    let broken = Template { text: "{{ nothing }}".into(), ..own };
    let mail = dcv_by(Some(&broken), |_| {});
    assert_eq!(mail.message, dcv(|_| {}).message);
}

#[test]
fn long_lines_and_other_letters_are_encoded() {
    for text in ["x".repeat(5_000), "日本語".repeat(500), "é\n".repeat(300)] {
        let own = Template {
            subject: "日本語 é".into(),
            text: text.clone() + "\n{{ code }}",
            html: text,
        };
        let mail = dcv_by(Some(&own), |_| {});
        let read = parse(&mail);
        assert_eq!(
            read.body_text(0).unwrap().trim_end().replace("\r\n", "\n"),
            own.text.replace("{{ code }}", CODE)
        );
        assert_eq!(read.subject(), Some("日本語 é"));
    }
}

#[test]
fn the_same_mail_is_the_same_bytes_and_another_is_not() {
    assert_eq!(dcv(|_| {}).message, dcv(|_| {}).message);
    let id = |m: &NewMail| parse(m).message_id().unwrap().to_owned();
    assert_ne!(id(&dcv(|_| {})), id(&dcv(|m| m.order = OrderNumber(10_000_008))));
    assert_ne!(id(&dcv(|_| {})), id(&dcv(|m| m.code = "another-code-0123456789")));
}

#[test]
fn codes_are_encoded_in_links() {
    let (link, reject) = dcv_links("https://ca.example.net", OrderNumber(1), "a-*b+/= &");
    assert_eq!(
        link,
        "https://ca.example.net/products/EnterDCVCode?orderNumber=1&dcvCode=a-*b%2B%2F%3D%20%26"
    );
    assert!(reject.contains("/products/RejectDCVCode?orderNumber=1&"));
}
