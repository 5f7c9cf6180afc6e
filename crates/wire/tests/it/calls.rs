//! From a call's bytes to a typed request or a refusal.

use domain::country::CountryCode;
use domain::dcv::DcvMethod;
use domain::order_ssl::{
    CallBackMethod, DcvChoice, DcvList, IssuanceMail, Prioritise, SslOrderRequest,
};
use domain::product::Catalogue;
use domain::refusal::Refusal;
use proptest::prelude::*;
use wire::envelope::{Envelope, Method, Transport};
use wire::table::{Endpoint, Format};
use wire::{
    ENDPOINTS, auto_apply_ssl, auto_replace_ssl, auto_update_dcv, collect_ssl, decode_csr,
    get_dcv_email_address_list, get_mdc_domain_details, resend_dcv_email,
};

use crate::support::{Proof, TLS_POST, authed, incoming};

static APPLY: &Endpoint = &auto_apply_ssl::ENDPOINT;

const MINIMUM: &str = "product=287&days=365&csr=AAAA&serverSoftware=-1";

fn apply(body: &str) -> Result<SslOrderRequest, Refusal> {
    auto_apply_ssl::parse(&authed(APPLY, body)?, &Catalogue::builtin(), true)
}

fn apply_with(extra: &str) -> Result<SslOrderRequest, Refusal> {
    apply(&format!("{MINIMUM}&{extra}"))
}

/// Of one product after the other until one refuses: between them every parameter counts.
fn apply_all(extra: &str) -> Result<SslOrderRequest, Refusal> {
    let try_one =
        |product: &str| apply(&format!("{product}&days=365&csr=AAAA&serverSoftware=-1&{extra}"));
    let first = try_one("product=287");
    let others = ["489", "289", "279", "410&joiCountryName=DE", "24,36", "791"].iter();
    let others = others.map(|product| format!("product={product}"));
    let identifier = |product: String| match extra.contains("personalIdentifier") {
        false if product.ends_with("791") => product + "&personalIdentifier=a",
        _ => product,
    };
    others.map(identifier).map(|p| try_one(&p)).fold(first, |before, next| before.and(next))
}

fn invalid<T>(name: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Invalid(name, None))
}

#[test]
fn a_domain_validated_order_needs_no_address() {
    let order = apply(MINIMUM).unwrap();
    assert_eq!(order.products, [287]);
    assert_eq!(order.days, Some(365));
    assert_eq!(order.server_software, -1);
    assert_eq!(order.csr, "AAAA");
    assert_eq!(order.prioritise, Prioritise::Csr);
    assert_eq!(order.dcv.method, None);
    assert_eq!(
        order.kept,
        [
            ("product", "287".to_owned()),
            ("days", "365".to_owned()),
            ("serverSoftware", "-1".to_owned())
        ]
    );
}

#[test]
fn the_specifications_sample_is_read() {
    let order = apply(
        "csr=-----BEGIN+CERTIFICATE+REQUEST-----%0AMIIC8z%0A-----END+CERTIFICATE+REQUEST-----%0A&product=732\
         &days=365&appRepForename=John&appRepSurname=Doe&appRepEmailAddress=john%40example.com\
         &appRepTelephone=201-123-1233&organizationName=organizational_name&appRepTitle=title\
         &streetAddress1=Lincoln+Road+50&localityName=Houston&stateOrProvinceName=TX&postalCode=12345\
         &countryName=US&prioritiseCSRValues=N&joiCountryName=US&stubOrderNumber=1234567\
         &dcvEmailAddresses=admin%40test.net%2Cadmin%40sample.net&domainNames=test.net%2Csample.net\
         &primaryDomainName=test.net&serverSoftware=31&isCustomerValidated=N&responseFormat=1",
    )
    .unwrap();
    assert_eq!(order.names.domain_names, Some(vec!["test.net".into(), "sample.net".into()]));
    assert_eq!(order.stub_order_number, Some(1_234_567));
    assert_eq!(order.subject.streets[0].as_deref(), Some("Lincoln Road 50"));
    assert_eq!(order.prioritise, Prioritise::Parameters);
    assert!(matches!(&order.dcv.addresses, Some(DcvList::Each(each)) if each.len() == 2));
    assert!(order.kept.contains(&("appRepTitle", "title".to_owned())));
    assert!(!order.kept.iter().any(|(name, _)| ["csr", "loginName"].contains(name)));
}

#[test]
fn every_way_of_sending_is_the_same() {
    let pairs = "LOGINNAME=a&loginpassword=b&PRODUCT=287&days=365&csr=AAAA&serverSoftware=-1";
    let multipart: String = pairs
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(n, v)| format!("--B\r\nContent-Disposition: form-data; name=\"{n}\"\r\n\r\n{v}\r\n"))
        .collect();
    let multipart = format!("{multipart}--B--\r\n");
    let (head, tail) = pairs.split_at(pairs.find("&days").unwrap());
    for (query, kind, body) in [
        ("", Some("application/x-www-form-urlencoded"), pairs),
        (pairs, None, ""),
        (pairs, Some("application/json"), ""),
        (head, Some("text/plain"), tail),
        ("", Some("multipart/form-data; boundary=B"), multipart.as_str()),
    ] {
        let envelope = Envelope::read(APPLY, query.as_bytes(), kind, body.as_bytes());
        let incoming = envelope.incoming(TLS_POST).unwrap();
        assert_eq!(incoming.credentials().unwrap().password.expose(), "b");
        let order =
            auto_apply_ssl::parse(&incoming.authenticated(&Proof), &Catalogue::builtin(), true)
                .unwrap();
        assert_eq!((order.products, order.days), (vec![287], Some(365)));
    }
}

#[test]
fn transport_comes_before_names_and_names_before_login() {
    let refused = |https, method| {
        let envelope = Envelope::read(APPLY, b"bogus=1", None, b"");
        envelope.incoming(Transport { https, method }).err()
    };
    assert_eq!(refused(false, Method::Other), Some(Refusal::NotHttps));
    assert_eq!(refused(true, Method::Get), Some(Refusal::WrongMethod));
    assert_eq!(refused(true, Method::Other), Some(Refusal::WrongMethod));
    assert_eq!(refused(true, Method::Post), Some(Refusal::UnknownArgument("bogus".into())));
}

#[test]
fn unknown_names_are_echoed_harmlessly() {
    let name = |body: &str| incoming(APPLY, body).err();
    assert_eq!(name("a%26b%3Dc%0A%C3%A9=1"), Some(Refusal::UnknownArgument("a?b?c???".into())));
    let long = "x".repeat(100);
    assert_eq!(name(&format!("{long}=1")), Some(Refusal::UnknownArgument("x".repeat(64))));
    assert_eq!(name("bogus=&"), None, "an empty value is as good as none");
    assert_eq!(name("bogus&days&x="), Some(Refusal::UnknownArgument("bogus".into())));
    let forgotten = name("organizationName=Smith+&+Sons&days");
    assert_eq!(forgotten, Some(Refusal::UnknownArgument("?Sons".into())), "no name is cut short");
    let many = "days=365&".repeat(501);
    assert_eq!(name(&many), Some(Refusal::UnknownArgument("days".into())));
}

#[test]
fn credentials_give_nothing_away() {
    let credentials = |body: &str| {
        incoming(APPLY, body)
            .unwrap()
            .credentials()
            .map(|c| (c.login_name, c.password.expose().to_owned()))
    };
    let long = "x".repeat(129);
    assert_eq!(credentials(""), Err(Refusal::Missing("loginName")));
    assert_eq!(credentials("loginName=a"), Err(Refusal::Missing("loginPassword")));
    assert_eq!(credentials("loginName=a&loginPassword="), Err(Refusal::Missing("loginPassword")));
    assert_eq!(credentials(&format!("loginName=a&loginPassword={long}")), Err(Refusal::Login));
    assert_eq!(credentials("loginName=%ff&loginPassword=b"), Err(Refusal::Login));
    assert_eq!(credentials("loginName=a&loginName=b&loginPassword=b"), invalid("loginName"));
    assert_eq!(
        credentials("loginName=a&loginPassword=100%+b%2"),
        Ok(("a".into(), "100% b%2".into()))
    );
    let nothing_else = "loginName=a&loginPassword=b&days=x&days=y&csr=%zz";
    assert!(credentials(nothing_else).is_ok(), "nothing is judged before the login");
}

#[test]
fn missing_comes_before_wrong_and_both_in_the_tables_order() {
    assert_eq!(apply(""), Err(Refusal::Missing("product")));
    assert_eq!(apply("days=x&product=1"), Err(Refusal::Missing("serverSoftware")));
    assert_eq!(apply("days=x&product=1&serverSoftware=2"), Err(Refusal::Missing("csr")));
    let two = "product=489&days=365&csr=AAAA&serverSoftware=-1&test=q&servers=q";
    assert_eq!(apply(two), invalid("servers"));
}

#[test]
fn values_are_judged() {
    for (extra, name) in [
        ("servers=%2B5", "servers"),
        ("servers=+5", "servers"),
        ("servers=99999999999999999999", "servers"),
        ("years=1&years=2", "years"),
        ("commonName=%ff", "commonName"),
        ("commonName=a%0Ab", "commonName"),
        ("organizationName=a%00b", "organizationName"),
        ("organizationName=100%+pure", "organizationName"),
        ("prioritiseCSRValues=X", "prioritiseCSRValues"),
        ("prioritiseCSRValues=YN", "prioritiseCSRValues"),
        ("dateOfIncorporation=2025-02-30", "dateOfIncorporation"),
        ("dunsNumber=12a", "dunsNumber"),
        ("uniqueValue=a-b", "uniqueValue"),
        ("uniqueValue=123456789012345678901", "uniqueValue"),
        ("dcvMethod=PIGEON", "dcvMethod"),
        ("dcvEmailAddresses=HTTPCSRHASH,ALLCNAMECSRHASH", "dcvEmailAddresses"),
        ("validationTokens=a@example.com", "validationTokens"),
        ("domainNames=,%0A", "domainNames"),
        ("languageName=xx", "languageName"),
        ("isCustomerValidated=1", "isCustomerValidated"),
        ("responseFormat=2", "responseFormat"),
        ("personalIdentifier=a&semanticsIdentifier=b", "personalIdentifier"),
    ] {
        assert_eq!(apply_all(extra), invalid(name), "{extra}");
    }
    assert_eq!(apply("product=a&csr=A&serverSoftware=2"), invalid("product"));
    assert_eq!(apply("product=43&csr=A&serverSoftware=37"), invalid("serverSoftware"));
    let long = format!("commonName={}", "x".repeat(65));
    assert_eq!(apply_all(&long), invalid("commonName"));
    assert_eq!(apply_all("countryName=XX"), Err(Refusal::NotACountry("XX".into())));
    assert_eq!(
        apply_all("appRepEmailAddress=a@localhost"),
        Err(Refusal::Invalid("appRepEmailAddress", Some("Invalid Internet TLD".into())))
    );
}

#[test]
fn what_the_product_demands_is_missing_before_anything_is_wrong() {
    for (order, name) in [
        ("product=488&serverSoftware=99", "days"),
        ("product=337&days=365&serverSoftware=-1&test=X", "joiCountryName"),
        ("product=783&days=365&serverSoftware=-1&disableSWP=X", "organizationIdentifier"),
        ("product=788&days=365&serverSoftware=99&organizationIdentifier=a", "ncaIdentifier"),
        ("product=791&days=365&serverSoftware=99", "personalIdentifier"),
        ("product=279&days=365&serverSoftware=99&maxSubjectCNs=1", "primaryDomainName"),
        (
            "product=24&days=365&serverSoftware=-1&isCallbackCompleted=y&disableSWP=X",
            "isAppRepValidated",
        ),
        ("product=24&days=365&serverSoftware=99&appRepOrganizationName=a", "appRepLocalityName"),
        (
            "product=24&days=365&serverSoftware=99&appRepOrganizationName=a&appRepStateOrProvinceName=b",
            "appRepPostalCode",
        ),
    ] {
        assert_eq!(apply(&format!("{order}&csr=A")), Err(Refusal::Missing(name)), "{order}");
    }
    // Other products demand nothing of this, and one with a single term no days.
    assert!(apply("product=43&csr=A&serverSoftware=2").is_ok());
    assert!(apply("product=488&years=1&csr=A&serverSoftware=2&appRepOrganizationName=a").is_ok());
    let identified = "product=791&days=365&csr=A&serverSoftware=2&semanticsIdentifier=a";
    assert!(apply(identified).is_ok());
}

#[test]
fn what_the_product_says_of_values_has_its_place_among_the_rows() {
    for (order, name) in [
        ("product=99999&days=365&test=X", "product"),
        ("product=488,337&days=365&serverSoftware=99", "product"),
        ("product=488&days=3&serverSoftware=99", "days"),
        ("product=488&days=-1&serverSoftware=99", "days"),
        ("product=488&years=9&serverSoftware=99", "years"),
        ("product=488&years=-1&serverSoftware=99", "years"),
        ("product=489&days=365&servers=0&serverSoftware=99", "servers"),
        ("product=489&days=365&servers=1&serverSoftware=99", "serverSoftware"),
    ] {
        let software = if order.contains("serverSoftware") { "" } else { "&serverSoftware=2" };
        assert_eq!(apply(&format!("{order}{software}&csr=A")), invalid(name), "{order}");
    }
    // Bonus days are for accounts that may have them.
    let call = || authed(APPLY, "product=488&days=370&csr=A&serverSoftware=2").unwrap();
    let days = |bonus| auto_apply_ssl::parse(&call(), &Catalogue::builtin(), bonus).map(|o| o.days);
    assert_eq!((days(true), days(false)), (Ok(Some(370)), invalid("days")));
}

#[test]
fn days_win_over_years() {
    let order = apply_with("years=-1").unwrap();
    assert_eq!((order.days, order.years), (Some(365), None));
    assert!(order.kept.contains(&("years", "-1".to_owned())));
    assert_eq!(apply_with("years=x"), invalid("years"), "no number at all");
}

#[test]
fn what_is_for_other_products_is_kept_unjudged() {
    let order = apply_with("servers=abc&joiCountryName=ZZ&maxSubjectCNs=abc").unwrap();
    assert_eq!((order.servers, order.jurisdiction.country), (None, None));
    assert!(order.kept.contains(&("servers", "abc".to_owned())));
    assert_eq!(apply_with("servers=1&servers=2"), invalid("servers"), "but said once");
}

#[test]
fn truncation_comes_first_and_counts_characters() {
    let long = "ü".repeat(70);
    let order = apply_with(&format!(
        "organizationName={long}&countryName=usa&callbackMethod=Telephone&businessCategory=business&foreignOrderNumber={long}"
    ))
    .unwrap();
    assert_eq!(order.subject.organization, Some("ü".repeat(64)));
    assert_eq!(order.subject.country, "US".parse::<CountryCode>().ok());
    assert_eq!(order.representative.call_back, Some(CallBackMethod::Telephone));
    assert_eq!(order.jurisdiction.business_category, Some('b'));
    assert_eq!(order.foreign_order_number, Some("ü".repeat(64)));
}

#[test]
fn blanks_around_text_mean_nothing_and_case_of_words_neither() {
    let order = apply(
        "product=279&csr=AAAA&serverSoftware=-1&days=365&organizationName=+Acme++&localityName=++&test=y&dcvMethod=cname_csr_hash&emailAddress=None\
         &validationTokens=httpcsrhash%0Acnamecsrhash&days=365&days=365",
    )
    .unwrap();
    assert_eq!(order.subject.organization.as_deref(), Some("Acme"));
    assert_eq!(order.subject.locality, None);
    assert!(order.test);
    assert_eq!(order.dcv.method, Some(DcvMethod::CnameCsrHash));
    assert_eq!(order.mails.issuance, IssuanceMail::None);
    assert_eq!(
        order.dcv.tokens,
        Some(DcvList::Each(vec![
            DcvChoice::Method(DcvMethod::HttpCsrHash),
            DcvChoice::Method(DcvMethod::CnameCsrHash),
        ]))
    );
    let all =
        apply("product=279&csr=AAAA&serverSoftware=-1&days=365&validationTokens=ALLDNSTXTRNDVAL")
            .unwrap();
    assert_eq!(all.dcv.tokens, Some(DcvList::All(DcvMethod::DnsTxtRandomValue)));
}

#[test]
fn the_answers_format_is_known_before_anything_is_judged() {
    let format =
        |endpoint, body: &str| Envelope::read(endpoint, b"", None, body.as_bytes()).format();
    assert_eq!(format(APPLY, ""), Format::Lines);
    assert_eq!(format(APPLY, "bogus=1&RESPONSEFORMAT=1"), Format::Form);
    assert_eq!(format(APPLY, "responseFormat=9"), Format::Lines);
    assert_eq!(format(&get_mdc_domain_details::ENDPOINT, ""), Format::Form);
    assert_eq!(format(&get_mdc_domain_details::ENDPOINT, "responseFormat=2"), Format::Json);
    assert_eq!(format(&get_dcv_email_address_list::ENDPOINT, "responseFormat=1"), Format::Lines);
    assert_eq!(format(&auto_update_dcv::ENDPOINT, "responseFormat=0"), Format::Form);
    assert_eq!(format(&decode_csr::ENDPOINT, "responseFormat=N"), Format::Lines);
}

#[test]
fn replacements() {
    let replace =
        |body: &str| auto_replace_ssl::parse(&authed(&auto_replace_ssl::ENDPOINT, body).unwrap());
    assert_eq!(replace(""), Err(Refusal::Missing("orderNumber")));
    assert_eq!(replace("orderNumber=abc"), invalid("orderNumber"));
    let request = replace(
        "orderNumber=10000001&domainNames=a.example.com%20b.example.com&isCustomerValidated=N\
         &countryName=DE&prioritiseCSRValues=N&showCertificateID=Y&foreignOrderNumber=x\
         &isAppRepValidated=Y&isCallbackCompleted=Y&responseFormat=1",
    )
    .unwrap();
    assert_eq!(request.order_number.0, 10_000_001);
    assert_eq!((request.csr, request.server_software), (None, None));
    assert_eq!(request.names.domain_names.map(|names| names.len()), Some(2));
    assert!(request.reply.certificate_id);
}

#[test]
fn collections() {
    let collect = |body: &str| collect_ssl::parse(&authed(&collect_ssl::ENDPOINT, body).unwrap());
    assert_eq!(collect("orderNumber=1"), Err(Refusal::Missing("queryType")));
    assert_eq!(collect("queryType=1"), Err(Refusal::Missing("orderNumber")));
    assert_eq!(collect("queryType=4&orderNumber=1"), invalid("queryType"));
    for (body, name) in [
        ("queryType=2&responseType=2", "responseType"),
        ("queryType=0&responseType=0", "responseType"),
        ("queryType=1&responseEncoding=1", "responseEncoding"),
        ("queryType=1&responseEncoding=1&responseType=1", "responseEncoding"),
        ("queryType=1&responseEncoding=2", "responseEncoding"),
    ] {
        assert_eq!(collect(&format!("orderNumber=1&{body}")), invalid(name), "{body}");
    }
    let request =
        collect("baseOrderNumber=7&queryType=1&responseType=0&responseEncoding=1").unwrap();
    assert!(request.binary && request.which.order.is_none());
}

#[test]
fn changes_of_domain_control() {
    use auto_update_dcv::{Changes, ENDPOINT, NewWay, parse};
    let update = |body: &str| parse(&authed(&ENDPOINT, body)?).map(|request| request.changes);
    assert_eq!(
        update("orderNumber=1&responseFormat=1"),
        Err(Refusal::UnknownArgument("responseFormat".into()))
    );
    assert_eq!(update("newMethod=EMAIL"), Err(Refusal::Missing("orderNumber")));
    assert_eq!(update("orderNumber=1"), Err(Refusal::Missing("newMethod")));
    assert_eq!(
        update("orderNumber=1&newMethod=EMAIL"),
        Err(Refusal::Missing("newDCVEmailAddress"))
    );
    assert_eq!(
        update("orderNumber=1&newMethod=CNAME_CSR_HASH"),
        Ok(Changes::One(None, NewWay::Method(DcvMethod::CnameCsrHash)))
    );
    let several = "orderNumber=1&domainNames=a.com+b.com";
    assert_eq!(update(several), Err(Refusal::Missing("newMethods")));
    assert_eq!(update(&format!("{several}&newMethods=EMAIL")), invalid("newMethods"));
    let both = format!("{several}&newMethods=HTTP_CSR_HASH,EMAIL&newDCVEmailAddresses=");
    let mail = || NewWay::Mail("admin@b.com".parse().unwrap());
    for addresses in ["admin@b.com", "none+admin@b.com"] {
        let Ok(Changes::Several(changes)) = update(&format!("{both}{addresses}")) else {
            panic!("{addresses}");
        };
        assert_eq!(changes[0].1, NewWay::Method(DcvMethod::HttpCsrHash));
        assert_eq!(changes[1], ("b.com".parse().unwrap(), mail()));
    }
    assert_eq!(update(&both), Err(Refusal::Missing("newDCVEmailAddresses")));
}

#[test]
fn requests_to_be_decoded_need_no_login_and_ignore_what_they_do_not_know() {
    let read = |query: &str, https| {
        let envelope = Envelope::read(&decode_csr::ENDPOINT, query.as_bytes(), None, b"");
        let incoming = envelope.incoming(Transport { https, method: Method::Get }).unwrap();
        decode_csr::parse(&incoming.anonymous().unwrap())
    };
    let request = read("csr=AAAA&loginName=x&bogus=1&showCsr=Y&responseFormat=N", false).unwrap();
    assert!(request.show.csr && request.show.common_name && !request.show.hashes);
    assert_eq!(read("showCSRHashes=Y", false), Err(Refusal::NotHttps));
    assert!(read("showCSRHashes=Y", true).unwrap().csr.is_none());
    assert_eq!(incoming(APPLY, "").unwrap().anonymous().err(), Some(Refusal::Missing("loginName")));
}

#[test]
fn verdicts_say_what_each_parameter_is_worth() {
    let envelope = Envelope::read(APPLY, b"loginPassword=b&DAYS=x&test=y", None, b"");
    assert_eq!(
        envelope.verdicts(&Catalogue::builtin()),
        [("loginPassword", None), ("days", Some(Refusal::invalid("days"))), ("test", None)]
    );
}

#[test]
fn paths_are_found_in_every_spelling() {
    for path in [
        "/products/!AutoApplySSL",
        "/products/%21autoapplyssl",
        "/products/download/!AutoApplySSL",
        "/products/download/CollectSSL",
        "/products/!decodeCSR",
    ] {
        assert!(wire::endpoint_at(path).is_some(), "{path}");
    }
    for path in ["/products/AutoApplySSL", "/products/CollectSSL", "/products/!X", "/", "/é%21"] {
        assert!(wire::endpoint_at(path).is_none(), "{path}");
    }
    for endpoint in ENDPOINTS {
        assert_eq!(wire::endpoint_at(&endpoint.path()).map(|e| e.name), Some(endpoint.name));
    }
}

/// Whatever comes, it is read to a request or a refusal.
fn drive(endpoint: &'static Endpoint, query: &[u8], kind: Option<&str>, body: &[u8]) {
    let envelope = Envelope::read(endpoint, query, kind, body);
    let format = envelope.format();
    drop(envelope.verdicts(&Catalogue::builtin()));
    let Ok(incoming) = envelope.incoming(TLS_POST) else { return };
    drop(incoming.credentials());
    let call = incoming.authenticated(&Proof);
    let refusal = match endpoint.name {
        "AutoApplySSL" => auto_apply_ssl::parse(&call, &Catalogue::builtin(), true).err(),
        "AutoReplaceSSL" => auto_replace_ssl::parse(&call).err(),
        "CollectSSL" => collect_ssl::parse(&call).err(),
        "GetDCVEmailAddressList" => get_dcv_email_address_list::parse(&call).err(),
        "AutoUpdateDCV" => auto_update_dcv::parse(&call).err(),
        "ResendDCVEmail" => resend_dcv_email::parse(&call).err(),
        "GetMDCDomainDetails" => get_mdc_domain_details::parse(&call).err(),
        _ => decode_csr::parse(&call).err(),
    };
    if let Some(refusal) = refusal {
        let reply = wire::reply::Reply::refusal(endpoint, format, &refusal);
        assert!(!reply.body.is_empty() && !reply.body.contains(&b'\r'));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(query: Vec<u8>, body: Vec<u8>, number in 0usize..8) {
        drive(ENDPOINTS[number], &query, None, &body);
        drive(ENDPOINTS[number], &query, Some("multipart/form-data; boundary=x"), &body);
    }

    #[test]
    fn any_values_of_known_parameters_are_survived(
        number in 0usize..8,
        values in prop::collection::vec((0usize..100, "(\\PC|[%&=+\\x00-\\x1f]|[0-9,@. ]){0,40}"), 0..12),
    ) {
        let rows: Vec<_> = ENDPOINTS[number].parameters().collect();
        let pair = |(at, value): &(usize, String)| format!("{}={value}&", rows[at % rows.len()].name);
        let body: String = values.iter().map(pair).collect();
        drive(ENDPOINTS[number], b"", None, body.as_bytes());
    }

    #[test]
    fn any_multipart_is_survived(parts in prop::collection::vec("(--x|\r\n|name=|\"|;|Content-Disposition: form-data|days|[a-z:-]){0,30}", 0..6)) {
        let body = parts.concat();
        drive(APPLY, b"", Some("multipart/form-data; boundary=x"), body.as_bytes());
    }
}
