//! From answers to bytes.

use domain::certificate::{CertificateId, CertificateStatus, OrderNumber, Validity};
use domain::csr::{CsrDigests, CsrError, CsrSubject};
use domain::dcv::DcvMethod;
use domain::money::Money;
use domain::refusal::Refusal;
use domain::time::Time;
use serde_json::{Value, json};
use wire::auto_apply_ssl::{self, Placed};
use wire::auto_replace_ssl::{self, Replaced};
use wire::collect_ssl::{
    self, CollectRequest, CollectStatus, Collected, Payload, QueryType, ResponseType, Selector,
    StepStatuses,
};
use wire::decode_csr::{self, Decoded};
use wire::envelope::{Envelope, Method, Transport};
use wire::get_dcv_email_address_list::{self, AddressList};
use wire::get_mdc_domain_details::{self, DomainDetail, MdcDetailsRequest};
use wire::reply::{FORM, JSON, Reply, TEXT};
use wire::table::{Endpoint, Format};
use wire::{auto_update_dcv, codes, resend_dcv_email};

use crate::support::text;

static APPLY: &Endpoint = &auto_apply_ssl::ENDPOINT;

fn placed() -> Placed {
    Placed {
        payment_due: false,
        order_number: OrderNumber(8_436_698),
        total_cost: Money::from_minor(10_000),
        expected_delivery_time: 48,
        certificate_id: None,
        certificate_status: None,
        unique_value: "oDA7uXM0".parse().ok(),
        collection_code: None,
    }
}

#[test]
fn an_order_is_answered_as_in_the_specification() {
    let pairs = auto_apply_ssl::reply(Format::Form, &placed());
    assert_eq!(pairs.content_type, FORM);
    assert_eq!(
        text(&pairs),
        "errorCode=0&orderNumber=8436698&totalCost=100.00&expectedDeliveryTime=48&uniqueValue=oDA7uXM0"
    );
    let lines = auto_apply_ssl::reply(Format::Lines, &placed());
    assert_eq!(lines.content_type, TEXT);
    assert_eq!(text(&lines), "0\n8436698\n100.00\n48\noDA7uXM0\n");
}

#[test]
fn optional_answers_keep_their_order() {
    let whole = Placed {
        payment_due: true,
        certificate_id: Some(CertificateId(77)),
        certificate_status: Some(CertificateStatus::AwaitingValidation),
        ..placed()
    };
    assert_eq!(
        text(&auto_apply_ssl::reply(Format::Lines, &whole)),
        "1\n8436698\n100.00\n48\n77\nAwaiting Validation\noDA7uXM0\n"
    );
    assert_eq!(
        text(&auto_apply_ssl::reply(Format::Form, &whole)),
        "errorCode=1&orderNumber=8436698&totalCost=100.00&expectedDeliveryTime=48&certificateID=77\
         &certificateStatus=Awaiting+Validation&uniqueValue=oDA7uXM0"
    );
}

#[test]
fn refusals_are_told_as_in_the_specification() {
    let refusal = Refusal::invalid_because("appRepEmailAddress", "Invalid Internet TLD");
    let tell = |format| Reply::refusal(APPLY, format, &refusal);
    assert_eq!(
        text(&tell(Format::Form)),
        "errorCode=-4&errorMessage=The+value+of+the+%27appRepEmailAddress%27+argument+is+invalid%21\
         &errorDetail=Invalid+Internet+TLD"
    );
    assert_eq!(
        text(&tell(Format::Lines)),
        "-4\nThe value of the 'appRepEmailAddress' argument is invalid!\n"
    );
}

#[test]
fn the_item_is_told_of_unknown_names_too() {
    let refusal = Refusal::UnknownArgument("bogus".to_owned());
    let reply = Reply::refusal(&resend_dcv_email::ENDPOINT, Format::Form, &refusal);
    assert_eq!(
        text(&reply),
        "errorCode=-2&errorMessage=%27bogus%27+is+an+unrecognised+argument%21&errorItem=bogus"
    );
}

#[test]
fn every_refusal_has_a_code_everywhere() {
    let told = |refusal| {
        let told = codes::tell(APPLY, &refusal);
        format!("{} {}", told.code, told.message)
    };
    assert_eq!(told(Refusal::CallLimit), "-42 Call limit reached! Please try again later");
    assert_eq!(told(Refusal::Permission("test")), "-91 Permission denied 'test'");
    assert_eq!(
        told(Refusal::Voucher("stubOrderNumber")),
        "-90 Permission denied for using \"voucher\" with 'stubOrderNumber'"
    );
    assert_eq!(told(Refusal::NotACountry("XX".into())), "-7 'XX' is not a valid ISO-3166 country!");
    assert_eq!(told(Refusal::Csr(CsrError::Compromised)).split(' ').next(), Some("-40"));
    assert_eq!(told(Refusal::Expired), "-36 The certificate has already expired!");
    assert_eq!(
        told(Refusal::TaxDeprecated),
        "-121 \"TAX\" value is deprecated. The value \"TIN\" should be used instead'"
    );
    let meanings: Vec<_> = codes::MASTER.iter().map(|row| row.meaning).collect();
    assert_eq!(meanings.len(), 49, "one row for each meaning that is refused");
    for (at, meaning) in meanings.iter().enumerate() {
        assert!(!meanings[..at].contains(meaning), "{meaning:?} twice");
    }
    for row in APPLY.codes {
        let common = codes::MASTER.iter().find(|common| common.meaning == row.meaning).unwrap();
        assert_eq!((common.code, common.text), (row.code, row.text));
    }
    for refusal in [Refusal::InternalName, Refusal::PublicAddress, Refusal::Internal(None)] {
        let code = codes::tell(&get_dcv_email_address_list::ENDPOINT, &refusal).code;
        assert!([-37, -19, -14].contains(&code));
    }
}

#[test]
fn the_small_endpoints_answer_in_pairs() {
    assert_eq!(text(&auto_update_dcv::reply()), "errorCode=0");
    assert_eq!(text(&resend_dcv_email::reply()), "errorCode=0");
    let update = &auto_update_dcv::ENDPOINT;
    let unknown = Refusal::UnknownArgument("responseFormat".into());
    assert_eq!(
        text(&Reply::refusal(update, update.default_format, &unknown)),
        "errorCode=-2&errorMessage=%27responseFormat%27+is+an+unrecognised+argument%21"
    );
    let resend = &resend_dcv_email::ENDPOINT;
    assert_eq!(
        text(&Reply::refusal(resend, resend.default_format, &Refusal::Missing("orderNumber"))),
        "errorCode=-3&errorMessage=The+%27orderNumber%27+argument+is+missing%21&errorItem=orderNumber"
    );
}

#[test]
fn a_replacement_has_no_cost() {
    let replaced = Replaced {
        order_number: OrderNumber(10_000_002),
        expected_delivery_time: 1,
        certificate_id: Some(CertificateId(5)),
        certificate_status: None,
        unique_value: None,
    };
    assert_eq!(
        text(&auto_replace_ssl::reply(Format::Form, &replaced)),
        "errorCode=0&orderNumber=10000002&expectedDeliveryTime=1&certificateID=5"
    );
    assert_eq!(text(&auto_replace_ssl::reply(Format::Lines, &replaced)), "0\n10000002\n1\n5\n");
}

fn question() -> CollectRequest {
    CollectRequest {
        which: Selector::default(),
        query: QueryType::All,
        response: ResponseType::Individual,
        binary: false,
        show_validity: false,
        show_fqdn: false,
        show_ext_status: false,
        show_status_details: false,
        show_mdc: false,
        show_mdc2: false,
        format: Format::Lines,
    }
}

fn collected() -> Collected {
    Collected {
        status: CollectStatus::Attached,
        order_number: OrderNumber(12_345_678),
        validity: Some(Validity {
            not_before: Time::parse("2026-11-21").unwrap(),
            not_after: Time::parse("2027-06-08T23:59:59Z").unwrap(),
        }),
        fqdn: Some("www.example.com".into()),
        payload: Payload::Individual { chain: vec![vec![251; 3], vec![2]], leaf: vec![3; 49] },
        certificate_status: Some(CertificateStatus::Issued),
        validation_status: Some("Validated"),
        steps: Some(StepStatuses {
            csr: 1,
            dcv: 1,
            ov_call_back: -1,
            organization_validation: -1,
            free_dvup: -1,
            ev_click_through: None,
            brand_validation: None,
        }),
        domains: vec![DomainDetail {
            domain: "www.example.com".into(),
            method: DcvMethod::CnameCsrHash,
            validated: true,
            removed: false,
            random_value: None,
        }],
    }
}

const ROOT: &str = "-----BEGIN CERTIFICATE-----\n+/v7\n-----END CERTIFICATE-----\n";
const SUB: &str = "-----BEGIN CERTIFICATE-----\nAg==\n-----END CERTIFICATE-----\n";
const LEAF: &str = "-----BEGIN CERTIFICATE-----\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD\nAw==\n-----END CERTIFICATE-----\n";

#[test]
fn certificates_in_lines() {
    let answer = |q: &CollectRequest| text(&collect_ssl::reply(q, &collected())).to_owned();
    assert_eq!(answer(&question()), format!("2\n{ROOT}{SUB}{LEAF}"));
    let chain = CollectRequest { query: QueryType::Chain, ..question() };
    assert_eq!(answer(&chain), format!("2\n{ROOT}{SUB}"));
    let all = CollectRequest {
        query: QueryType::Certificate,
        show_validity: true,
        show_fqdn: true,
        show_ext_status: true,
        show_status_details: true,
        ..question()
    };
    assert_eq!(
        answer(&all),
        format!(
            "2\n21/11/2026 08/06/2027\nwww.example.com\n{LEAF}\ncsrStatus=1\ndcvStatus=1\novCallBackStatus=-1\n\
             organizationValidationStatus=-1\nfreeDVUPStatus=-1\nValidated\nIssued\n"
        )
    );
}

#[test]
fn a_status_alone() {
    let status = CollectRequest { query: QueryType::Status, show_validity: true, ..question() };
    let available = Collected { status: CollectStatus::Available, ..collected() };
    assert_eq!(text(&collect_ssl::reply(&status, &available)), "1\n21/11/2026 08/06/2027\n");
    let pending =
        Collected { status: CollectStatus::Pending, validity: None, fqdn: None, ..collected() };
    assert_eq!(text(&collect_ssl::reply(&question(), &pending)), "0\n");
    let form = CollectRequest {
        query: QueryType::Status,
        show_ext_status: true,
        format: Format::Form,
        ..question()
    };
    let bare = Collected { validation_status: None, ..available };
    assert_eq!(
        text(&collect_ssl::reply(&form, &bare)),
        "errorCode=1&orderNumber=12345678&certificateStatus=Issued"
    );
}

#[test]
fn certificates_in_pairs() {
    let form = CollectRequest {
        show_validity: true,
        show_fqdn: true,
        show_ext_status: true,
        show_status_details: true,
        show_mdc: true,
        show_mdc2: true,
        format: Format::Form,
        ..question()
    };
    let short = Collected {
        payload: Payload::Individual { chain: vec![vec![251; 3], vec![2]], leaf: vec![3] },
        ..collected()
    };
    assert_eq!(
        text(&collect_ssl::reply(&form, &short)),
        "errorCode=2&orderNumber=12345678&notBefore=1795219200&notAfter=1812499199&fqdn=www.example.com\
         &caCertificate=%2B%2Fv7&caCertificate=Ag%3D%3D&certificate=Aw%3D%3D&certificateStatus=Issued\
         &validationStatus=Validated&mdcDomainDetails=www.example.com%3AValidated\
         &mdcDomainDetails2=www.example.com%3ACNAME_CSR_HASH%3AValidated&csrStatus=1&dcvStatus=1\
         &ovCallBackStatus=-1&organizationValidationStatus=-1&freeDVUPStatus=-1"
    );
    let pkcs7 = Collected { payload: Payload::Pkcs7(vec![251; 3]), ..collected() };
    let plain = CollectRequest { format: Format::Form, ..question() };
    assert_eq!(
        text(&collect_ssl::reply(&plain, &pkcs7)),
        "errorCode=2&orderNumber=12345678&pkcs7=%2B%2Fv7"
    );
    assert_eq!(text(&collect_ssl::reply(&question(), &pkcs7)), "2\n+/v7\n");
}

#[test]
fn binary_answers_are_the_bytes_alone() {
    let binary = CollectRequest { response: ResponseType::Zip, binary: true, ..question() };
    let zip = Collected { payload: Payload::Zip(vec![1, 255]), ..collected() };
    let reply = collect_ssl::reply(&binary, &zip);
    assert_eq!((&*reply.content_type, reply.body), ("application/zip", vec![1, 255]));
    let pending = Collected { status: CollectStatus::Pending, ..zip };
    assert_eq!(text(&collect_ssl::reply(&binary, &pending)), "0\n");
}

#[test]
fn mail_addresses_are_listed() {
    let mails = |texts: &[&str]| texts.iter().map(|t| t.parse().unwrap()).collect();
    let list = AddressList {
        domain: "www.example.com".into(),
        levels: vec![mails(&["admin@example.com"]), mails(&["admin@www.example.com"])],
        dns_txt: mails(&["dns@example.net"]),
        dns_caa: vec![],
    };
    assert_eq!(
        text(&get_dcv_email_address_list::reply(Format::Lines, &list)),
        "0\ndomain_name\twww.example.com\nwhois_email\tnone\nlevel2_email\tadmin@example.com\n\
         level3_email\tadmin@www.example.com\n"
    );
    let reply = get_dcv_email_address_list::reply(Format::Json, &list);
    assert_eq!(reply.content_type, JSON);
    assert_eq!(
        serde_json::from_slice::<Value>(&reply.body).unwrap(),
        json!({
            "errorCode": 0,
            "domain_name": "www.example.com",
            "whois_email": [],
            "level2_email": ["admin@example.com"],
            "level3_email": ["admin@www.example.com"],
            "dns_txt_email": ["dns@example.net"],
            "dns_caa_email": [],
        })
    );
}

#[test]
fn domain_details_come_in_threes() {
    let question = |show, format| MdcDetailsRequest {
        order_number: OrderNumber(1),
        show_status_details: show,
        format,
    };
    let domains = [
        DomainDetail {
            domain: "a.com".into(),
            method: DcvMethod::Email,
            validated: true,
            removed: false,
            random_value: None,
        },
        DomainDetail {
            domain: "b.com".into(),
            method: DcvMethod::DnsTxtRandomValue,
            validated: false,
            removed: false,
            random_value: Some("a+b==".into()),
        },
    ];
    let steps = collected().steps;
    assert_eq!(
        text(&get_mdc_domain_details::reply(&question(false, Format::Form), &domains, steps)),
        "errorCode=0&1_domainName=a.com&1_dcvMethod=EMAIL&1_dcvStatus=Validated\
         &2_domainName=b.com&2_dcvMethod=DNSTXT_RANDOM_VALUE&2_dcvStatus=Awaiting+Validation"
    );
    let whole = get_mdc_domain_details::reply(&question(true, Format::Form), &domains, steps);
    assert!(text(&whole).ends_with("&freeDVUPStatus=-1&randomValue_2=a%2Bb%3D%3D"));
    let json = get_mdc_domain_details::reply(&question(true, Format::Json), &domains, steps);
    let json: Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(json["domains"][1]["randomValue"], "a+b==");
    assert_eq!((&json["errorCode"], &json["dcvStatus"]), (&json!(0), &json!(1)));
}

fn decode(query: &str, decoded: &Decoded) -> Reply {
    let envelope = Envelope::read(&decode_csr::ENDPOINT, query.as_bytes(), None, b"");
    let incoming = envelope.incoming(Transport { https: true, method: Method::Get }).unwrap();
    decode_csr::reply(&decode_csr::parse(&incoming.anonymous().unwrap()).unwrap(), decoded)
}

const NOTHING_ELSE: &str = "showErrorCodes=N&showErrorMessages=N&showFieldNames=N&showEmptyFields=N&showCN=N&showAddress=N";

#[test]
fn decoded_requests_in_lines() {
    let decoded = Decoded {
        errors: vec![Refusal::Csr(CsrError::KeySize)],
        subject: CsrSubject {
            common_name: Some("a.com".into()),
            streets: vec!["1".into(), "2\n-5 x".into()],
            ..CsrSubject::default()
        },
        key_size: Some(1024),
        san_dns: vec!["a.com".into(), "b.com".into()],
        digests: Some(CsrDigests { md5: [0xab; 16], sha1: [0xcd; 20], sha256: [0xef; 32] }),
        ..Decoded::default()
    };
    assert_eq!(
        text(&decode("csr=A&showKeySize=Y&showSANDNSNames=Y&showEmptyFields=N", &decoded)),
        "1\n-13 The CSR uses an unsupported key size!\nCN=a.com\nSTREET=1\nSTREET=2 -5 x\nKey Size=1024\n\
         dnsName(s)=a.com, b.com\n"
    );
    let hashes = decode(
        &format!("csr=A&{NOTHING_ELSE}&showCSRHashes2=Y"),
        &Decoded { errors: vec![], ..decoded },
    );
    assert_eq!(
        text(&hashes),
        format!(
            "0\nmd5={}\nsha1={}\nsha256={}\n",
            "AB".repeat(16),
            "CD".repeat(20),
            "ef".repeat(32)
        )
    );
}

#[test]
fn without_a_request_the_hashes_are_empty() {
    let decoded = Decoded { errors: vec![Refusal::Missing("csr")], ..Decoded::default() };
    assert_eq!(
        text(&decode("showCSRHashes=Y&showCN=N&showAddress=N", &decoded)),
        "1\n-3 The 'csr' argument is missing!\nmd5=\nsha1=\n"
    );
}

#[test]
fn decoded_requests_in_xml_and_json() {
    let decoded = Decoded {
        errors: vec![Refusal::WildcardNotAllowed],
        subject: CsrSubject {
            common_name: Some("<&>".into()),
            streets: vec!["1".into(), "2".into()],
            ..CsrSubject::default()
        },
        ..Decoded::default()
    };
    let xml = decode("csr=A&responseFormat=1&showEmptyFields=N&showAddress=N", &decoded);
    assert_eq!(
        text(&xml),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<decodeCSR>\n<errorCount>1</errorCount>\n\
         <error code=\"-5\">The CSR's Common Name may NOT contain a wildcard!</error>\n\
         <field name=\"CN\">&lt;&amp;&gt;</field>\n</decodeCSR>\n"
    );
    let json = decode("csr=A&responseFormat=2&showEmptyFields=N", &decoded);
    assert_eq!(
        serde_json::from_slice::<Value>(&json.body).unwrap(),
        json!({
            "errorCount": 1,
            "errors": [{
                "errorCode": -5,
                "errorMessage": "The CSR's Common Name may NOT contain a wildcard!",
            }],
            "fields": {"CN": "<&>", "STREET": ["1", "2"]},
        })
    );
}

#[test]
fn a_refused_question_is_counted_too() {
    let refusal = Refusal::invalid("showCN");
    let told = Reply::refusal(&decode_csr::ENDPOINT, Format::Lines, &refusal);
    assert_eq!(text(&told), "1\n-4 The value of the 'showCN' argument is invalid!\n");
}
