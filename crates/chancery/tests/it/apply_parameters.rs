//! Every parameter of the specification's table, in every way that a value can be wrong. The account of these stories has
//! no credit: -15 says that everything else was right, and nothing is ever stored.

use crate::apply_kit::{
    APPLY, PARAMETERS, any_csr, complete, nothing_stored, organization, spec_rows,
};
use crate::kit::{Answer, Csr, Form, Sandbox, fresh_name};
use crate::{on_both, on_both_refusing};

on_both_refusing!(
    missing_or_empty,
    twice,
    names_in_any_case_and_unknown_ones,
    too_long,
    of_the_wrong_type_or_value,
    allowed_values,
    broken_bytes,
    conditions_between_parameters,
    values_before_the_csr,
    verdicts_of_refused_calls,
);
on_both!(long_values_are_cut_and_kept);

/// A row of the table.
struct Row {
    name: String,
    kind: String,
    max: Option<usize>,
    truncates: bool,
    values: Vec<String>,
}

fn rows() -> Vec<Row> {
    let read = |row: Vec<String>| Row {
        name: row[0].clone(),
        kind: row[2].clone(),
        max: row[3].parse().ok(),
        truncates: row[4] == "truncate",
        values: row[6].split_whitespace().map(str::to_owned).collect(),
    };
    let rows: Vec<Row> = spec_rows(PARAMETERS).into_iter().map(read).collect();
    assert_eq!(rows.len(), 87);
    rows
}

/// A value that is right in [`base`], for every row of the table.
fn sample(name: &str) -> String {
    let text = match name {
        "product" => "410",
        "years" => "1",
        "days" => "365",
        "servers" => "1",
        "maxSubjectCNs" => "0",
        "serverSoftware" => "-1",
        "domainNames" | "primaryDomainName" | "commonName" => "multi.example.com",
        "csr" => return any_csr().pem.clone(),
        "uniqueValue" => "Sample1",
        "prioritiseCSRValues" => "N",
        "signatureHash" => "PREFER_SHA1",
        "countryName" | "joiCountryName" | "appRepCountryName" => "DE",
        "dunsNumber" => "12-345-6789",
        "dateOfIncorporation" => "2001-02-28",
        "businessCategory" => "b",
        "emailAddress"
        | "validationEmailAddress"
        | "contactEmailAddress"
        | "idaEmailAddress"
        | "appRepEmailAddress" => "someone@example.com",
        "dcvMethod" => "CNAME_CSR_HASH",
        "dcvEmailAddress" => "admin@example.com",
        "dcvEmailAddresses" | "validationTokens" => "CNAMECSRHASH",
        "languageName" => "de",
        "responseFormat" => "1",
        "callbackMethod" => "E",
        "organizationIdentifier" => "VATDE-123456789",
        "personalIdentifier" | "semanticsIdentifier" => "PASDE-C01X00T47",
        "ncaIdentifier" => "DE-BAFIN",
        "dcvTemplateID"
        | "maCreationTemplateID"
        | "callBackTemplateID"
        | "caCertificateID"
        | "stubOrderNumber" => "1",
        flag if is_flag(flag) => "N",
        _ => "Some text",
    };
    text.to_owned()
}

fn is_flag(name: &str) -> bool {
    rows()
        .iter()
        .any(|row| row.name == name && (row.values == ["Y", "N"] || row.values == ["N", "Y"]))
}

/// An order of a product that needs nearly everything: EV, several names.
fn base() -> Form {
    complete(410, any_csr(), "multi.example.com")
}

/// An order for which a parameter counts: [`base`], where that is for other products.
fn judging(name: &str) -> Form {
    let order = |product| complete(product, any_csr(), "multi.example.com");
    match name {
        "servers" => order(289),
        "commonName" | "dcvEmailAddress" | "omitAdditionalFQDN" => order(337),
        "idaEmailAddress" | "idaTelephoneNumber" | "idaFaxNumber" => {
            order(24).set("product", "24,36")
        }
        "personalIdentifier" | "semanticsIdentifier" => order(791),
        "organizationIdentifier"
        | "ncaIdentifier"
        | "ncaName"
        | "accountServicingRole"
        | "paymentInitiationRole"
        | "accountInformationRole"
        | "paymentServiceRole" => order(788),
        _ if name.starts_with("appRep") => base()
            .set("appRepOrganizationName", "Other GmbH")
            .set("appRepLocalityName", "Wien")
            .set("appRepPostalCode", "1010")
            .set("appRepCountryName", "AT"),
        _ => base(),
    }
}

/// What a value is answered that is none of the parameter's. That the account may name no CA comes before.
fn bad(name: &str) -> (i64, String) {
    if name == "caCertificateID" { verdict(name) } else { invalid(name) }
}

/// What the sample alone is answered: privileges and templates that the account lacks are told, all else is right.
fn verdict(name: &str) -> (i64, String) {
    match name {
        "caCertificateID" => (-91, format!("Permission denied '{name}'")),
        "dcvTemplateID" | "maCreationTemplateID" | "callBackTemplateID" => invalid(name),
        _ => right(),
    }
}

fn right() -> (i64, String) {
    (-15, "Not enough credit!".to_owned())
}

fn invalid(name: &str) -> (i64, String) {
    (-4, format!("The value of the '{name}' argument is invalid!"))
}

fn missing(name: &str) -> (i64, String) {
    (-3, format!("The '{name}' argument is missing!"))
}

fn login_refused() -> (i64, String) {
    let text = "Incorrect login details, account is locked, password has expired or your source IP is blocked.";
    (-16, text.to_owned())
}

fn is_login(name: &str) -> bool {
    name.starts_with("login")
}

#[track_caller]
fn told(sandbox: &Sandbox, what: &str, form: &Form, expected: &(i64, String)) {
    let answer = Answer::read(&sandbox.post(APPLY, form));
    let got = (answer.get("errorCode"), answer.get("errorMessage"));
    assert_eq!(got, (expected.0.to_string().as_str(), expected.1.as_str()), "{what}");
}

fn by_poor(sandbox: &Sandbox, form: Form) -> Form {
    form.login(sandbox, "poor")
}

fn missing_or_empty(sandbox: &Sandbox) {
    for row in rows() {
        let name = row.name.as_str();
        let expected = match name {
            "loginName" | "loginPassword" | "product" | "days" | "serverSoftware" | "csr"
            | "streetAddress1" | "postalCode" | "countryName" | "localityName"
            | "organizationName" | "joiCountryName" | "domainNames" => missing(name),
            _ => right(),
        };
        let form = by_poor(sandbox, base());
        // Without responseFormat the answer is lines.
        let form = if name == "responseFormat" { form } else { form.without(name) };
        told(sandbox, &format!("no {name}"), &form, &expected);
        let empty = if name == "responseFormat" { form } else { form.set(name, "") };
        told(sandbox, &format!("empty {name}"), &empty, &expected);
    }
    let blank = by_poor(sandbox, base());
    for name in ["csr", "streetAddress1", "product"] {
        told(sandbox, name, &blank.clone().set(name, "  "), &missing(name));
    }
    // Lacking several, the first of the table is told.
    let several = blank.without("csr").without("serverSoftware").without("postalCode");
    told(sandbox, "several", &several, &missing("serverSoftware"));
    nothing_stored(sandbox);
}

/// Values that need no CSR are told before what is wrong with it, and before them what is missing (§0.4).
fn values_before_the_csr(sandbox: &Sandbox) {
    let junk = |product, more: &[(&str, &str)]| {
        let form = by_poor(sandbox, complete(product, any_csr(), "multi.example.com"));
        more.iter().fold(form.set("csr", "AAAA"), |form, (name, value)| form.set(name, value))
    };
    let undecodable = (-10, "The CSR cannot be decoded!".to_owned());
    for (product, more, expected) in [
        (492, &[("maxSubjectCNs", "5")][..], invalid("maxSubjectCNs")),
        (492, &[("domainNames", "a..example.com")], invalid("domainNames")),
        (492, &[("primaryDomainName", "other.example.com")], invalid("primaryDomainName")),
        (492, &[("validationTokens", "CNAMECSRHASH,CNAMECSRHASH")], invalid("validationTokens")),
        (492, &[("maxSubjectCNs", "0")], undecodable.clone()),
        (488, &[("commonName", "a..b")], invalid("commonName")),
        (488, &[("dcvTemplateID", "999")], invalid("dcvTemplateID")),
        // That a wildcard may not stand there is said of the CSR's names and comes with them.
        (488, &[("commonName", "*.example.com")], undecodable.clone()),
        // Only the CSR counts: what the parameters say of names does not.
        (488, &[("commonName", "a..b"), ("prioritiseCSRValues", "C")], undecodable.clone()),
        (492, &[("domainNames", "a..b"), ("prioritiseCSRValues", "C")], undecodable),
        (488, &[("product", "99999"), ("test", "X")], invalid("product")),
        (488, &[("days", "3"), ("serverSoftware", "99")], invalid("days")),
        (489, &[("servers", "0"), ("serverSoftware", "99")], invalid("servers")),
        (488, &[("days", ""), ("serverSoftware", "99")], missing("days")),
        (337, &[("joiCountryName", ""), ("test", "X")], missing("joiCountryName")),
        (
            783,
            &[("organizationIdentifier", ""), ("disableSWP", "X")],
            missing("organizationIdentifier"),
        ),
    ] {
        told(sandbox, &format!("{product} {more:?}"), &junk(product, more), &expected);
    }
    nothing_stored(sandbox);
}

/// What a call was refused for is the verdict of its parameter, also when that was found only with the others.
fn verdicts_of_refused_calls(sandbox: &Sandbox) {
    for (form, name, code) in [
        (base().set("product", "9999"), "product", -4),
        (complete(488, any_csr(), "a.example.com").set("days", "17"), "days", -4),
        (base().set("csr", "junk"), "csr", -10),
        (base().without("domainNames"), "domainNames", -3),
        (base().without("csr"), "csr", -3),
        (base().set("caCertificateID", "1"), "caCertificateID", -91),
        (complete(488, any_csr(), "a.example.com").set("commonName", "a..b"), "commonName", -4),
    ] {
        let form = by_poor(sandbox, form).set("foreignOrderNumber", &fresh_name("verdict"));
        let answer = Answer::read(&sandbox.post(APPLY, &form));
        assert_eq!(answer.get("errorCode"), code.to_string(), "{name}: {}", answer.raw);
        let calls = sandbox.control_get("/requests");
        let refused = |call: &serde_json::Value| {
            let parameters = call["parameters"].as_array().expect("verdicts");
            let mut verdicts = parameters.iter().filter(|verdict| verdict["name"] == name);
            verdicts.any(|v| v["verdict"] == "refused" && v["errorCode"] == code)
        };
        let mut mine = calls.as_array().expect("calls").iter();
        assert!(mine.any(|call| call["answer"] == answer.raw && refused(call)), "{name}");
    }
    nothing_stored(sandbox);
}

fn twice(sandbox: &Sandbox) {
    for row in rows() {
        let name = row.name.as_str();
        let form = by_poor(sandbox, judging(name));
        let value = form.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let value = value.unwrap_or_else(|| sample(name));
        let once = form.set(name, &value);
        told(sandbox, &format!("{name} once"), &once, &verdict(name));
        let same = once.clone().add(&name.to_uppercase(), &value);
        told(sandbox, &format!("{name} twice the same"), &same, &verdict(name));
        let differing = once.add(name, &format!("{value}x"));
        // Of responseFormat, the first is the format of the answer that refuses the second.
        told(sandbox, &format!("{name} twice, differing"), &differing, &bad(name));
    }
    nothing_stored(sandbox);
}

fn names_in_any_case_and_unknown_ones(sandbox: &Sandbox) {
    let cased = |change: fn(&str) -> String| {
        let form = by_poor(sandbox, base());
        Form(form.0.into_iter().map(|(name, value)| (change(&name), value)).collect())
    };
    told(sandbox, "upper case", &cased(str::to_uppercase), &right());
    told(sandbox, "lower case", &cased(str::to_lowercase), &right());
    for row in rows() {
        let name = row.name.as_str();
        let form = by_poor(sandbox, judging(name)).without(name).set(&name.to_uppercase(), &{
            let form = by_poor(sandbox, judging(name));
            let given = form.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            given.unwrap_or_else(|| sample(name))
        });
        told(sandbox, name, &form, &verdict(name));
        // Messages have the table's spelling.
        if row.kind == "integer" {
            let form = by_poor(sandbox, judging(name)).without(name).set(&name.to_lowercase(), "x");
            told(sandbox, name, &form, &bad(name));
        }
    }
    let long = "n".repeat(200);
    for (unknown, echoed) in [
        ("frobnicate", "frobnicate"),
        ("commonName ", "commonName?"),
        ("a b&c=d", "a?b?c?d"),
        ("<script>", "?script?"),
        ("k\u{fc}nstler", "k??nstler"),
        ("x\n-1", "x?-1"),
        (long.as_str(), &long[..64]),
    ] {
        let expected = (-2, format!("'{echoed}' is an unrecognised argument!"));
        told(sandbox, unknown, &by_poor(sandbox, base()).set(unknown, "1"), &expected);
    }
    nothing_stored(sandbox);
}

fn too_long(sandbox: &Sandbox) {
    for row in rows() {
        let (Some(max), name) = (row.max, row.name.as_str()) else { continue };
        let expected = match name {
            _ if is_login(name) => login_refused(),
            // Cut first, judged then (D16).
            "countryName" | "joiCountryName" => right(),
            "businessCategory" | "callbackMethod" => right(),
            "dcvMethod" => invalid(name),
            "emailAddress"
            | "validationEmailAddress"
            | "contactEmailAddress"
            | "idaEmailAddress"
            | "appRepEmailAddress"
            | "dcvEmailAddress" => invalid(name),
            _ if row.truncates => right(),
            _ => invalid(name),
        };
        let value = match name {
            "countryName" | "joiCountryName" => "DEU".to_owned(),
            "businessCategory" => "bcd".to_owned(),
            "callbackMethod" => "Electronic mail".to_owned(),
            "dunsNumber" => "1".repeat(max + 1),
            "domainNames" => "multi.example.com ".repeat(2_000),
            "csr" => format!("{}{}", any_csr().pem, "\n".repeat(max)),
            "product" => format!("410{}", ",".repeat(max)),
            _ if name.ends_with("EmailAddress") => format!("{}@example.com", "m".repeat(max)),
            _ => "\u{e4}".repeat(max + 1),
        };
        if name == "responseFormat" {
            // It is not readable as a format: the answer has the default one.
            let lines = by_poor(sandbox, judging(name)).set(name, "11");
            let message = invalid(name).1;
            assert_eq!(sandbox.post(APPLY, &lines), format!("-4\n{message}\n"));
            continue;
        }
        let form = by_poor(sandbox, judging(name)).set(name, &value);
        told(sandbox, &format!("long {name}"), &form, &expected);
        // At its longest, any text is right where any text is.
        if sample(name) == "Some text" && !is_login(name) {
            let form = by_poor(sandbox, judging(name)).set(name, &"\u{e4}".repeat(max));
            told(sandbox, &format!("{name} at its longest"), &form, &right());
        }
    }
    nothing_stored(sandbox);
}

fn of_the_wrong_type_or_value(sandbox: &Sandbox) {
    let refused = |name: &str, value: &str, expected: &(i64, String)| {
        let form = by_poor(sandbox, judging(name)).set(name, value);
        // A term is judged by days when both are there.
        let form = if name == "years" { form.without("days") } else { form };
        told(sandbox, &format!("{name}={value}"), &form, expected);
    };
    for row in rows() {
        let name = row.name.as_str();
        if row.kind == "integer" {
            for value in ["x", "1.5", "+1", "1e3", "0x1", " 1", "1 ", "--1", "99999999999999999999"]
            {
                refused(name, value, &self::bad(name));
            }
        }
        let words = !row.values.is_empty() && row.max.is_none_or(|max| max <= 64);
        if words && name != "product" && name != "responseFormat" {
            for value in ["?", "\u{e4}", "NOPE"] {
                refused(name, value, &self::bad(name));
            }
        }
    }
    let bad = |name: &str, values: &[&str]| {
        for value in values {
            refused(name, value, &self::bad(name));
        }
    };
    bad(
        "product",
        &[
            "x", "410;", "410,410", "410,337", "410,36", "410,490", "36", "0", "-1", "99999",
            "410 337", ",", "4 10",
        ],
    );
    bad("days", &["0", "-1", "1", "364", "456", "4294967296", "5000"]);
    bad("years", &["0", "-1", "4", "9", "4294967297"]);
    bad("serverSoftware", &["0", "37", "-2"]);
    bad("maxSubjectCNs", &["2", "-1"]);
    bad("primaryDomainName", &["other.example.com", "not a name", "*.example.com"]);
    bad(
        "domainNames",
        &[
            "a..example.com",
            "-a.example.com",
            "a_b.example.com",
            "localhost",
            "srv.local",
            "com",
            "10.0.0.1",
            "8.8.8.8",
            "*.example.com",
            ",",
            "http://a.example.com",
            "a.example.com;b.example.com",
            "a.*.example.com",
        ],
    );
    bad("uniqueValue", &["a b", "a-b", "\u{e4}", "a.b", " abc"]);
    bad("dunsNumber", &["12x", "12 34"]);
    bad(
        "dateOfIncorporation",
        &["2001-02-29", "2001-2-3", "01.02.2001", "20010203", "2001-13-01", "today"],
    );
    for name in [
        "emailAddress",
        "validationEmailAddress",
        "contactEmailAddress",
        "idaEmailAddress",
        "appRepEmailAddress",
        "dcvEmailAddress",
    ] {
        bad(
            name,
            &[
                "x",
                "x@",
                "@example.com",
                "a@b",
                "a b@example.com",
                "a@example..com",
                "a@-x.com",
                "<a@example.com>",
                "john@example.nosuchtld",
                "a@x.test",
                "a@host.local",
            ],
        );
    }
    bad(
        "dcvEmailAddresses",
        &["NOPE", "CNAMECSRHASH,CNAMECSRHASH", "a@b", ",", "someone@example.com"],
    );
    bad(
        "validationTokens",
        &[
            "NOPE",
            "CNAMECSRHASH CNAMECSRHASH",
            "admin@example.com",
            "ALLCNAMECSRHASH,ALLCNAMECSRHASH",
        ],
    );
    for name in ["countryName", "joiCountryName", "appRepCountryName"] {
        for value in ["QQ", "D", "d\u{e4}", "12", "UK"] {
            let expected = (-7, format!("'{value}' is not a valid ISO-3166 country!"));
            refused(name, value, &expected);
        }
    }
    refused("responseFormat", "1", &right());
    for value in ["2", "x"] {
        let form = by_poor(sandbox, base()).set("responseFormat", value);
        let message = invalid("responseFormat").1;
        assert_eq!(sandbox.post(APPLY, &form), format!("-4\n{message}\n"));
    }
    // The first wrong value of the table is told.
    let form = by_poor(sandbox, base()).set("joiCountryName", "QQ").set("serverSoftware", "99");
    told(sandbox, "two wrong ones", &form, &invalid("serverSoftware"));
    nothing_stored(sandbox);
}

fn allowed_values(sandbox: &Sandbox) {
    for row in rows() {
        let name = row.name.as_str();
        let listed =
            !row.values.is_empty() && !name.ends_with("Addresses") && name != "validationTokens";
        if !listed || matches!(name, "product" | "test" | "responseFormat") {
            continue;
        }
        for value in row.values.iter().flat_map(|v| [v.clone(), v.to_lowercase()]) {
            let expected = match (name, value.to_uppercase().as_str()) {
                ("isAppRepValidated" | "isCallbackCompleted", "Y") => {
                    (-91, format!("Permission denied '{name}'"))
                }
                // With P and C the other side's values do not count.
                ("prioritiseCSRValues", "C") => {
                    (-8, "The CSR is missing a required field!".to_owned())
                }
                // A CA signs nothing by mail alone here: the address is still to be chosen.
                _ => right(),
            };
            let form = by_poor(sandbox, base()).set(name, &value);
            told(sandbox, &format!("{name}={value}"), &form, &expected);
        }
    }
    for tokens in [
        "CNAMECSRHASH",
        "HTTPCSRHASH",
        "DNSTXTRNDVAL",
        "ALLHTTPCSRHASH",
        "ALLCNAMECSRHASH",
        "ALLDNSTXTRNDVAL",
        "allcnamecsrhash",
    ] {
        for name in ["dcvEmailAddresses", "validationTokens"] {
            told(sandbox, tokens, &by_poor(sandbox, base()).set(name, tokens), &right());
        }
    }
    nothing_stored(sandbox);
}

fn broken_bytes(sandbox: &Sandbox) {
    let url = format!("{}/products/{APPLY}", sandbox.at("api"));
    let encoded = |form: &Form| {
        let url = reqwest::Url::parse_with_params("http://x/", &form.0).expect("pairs");
        url.query().unwrap_or_default().to_owned()
    };
    for row in rows() {
        let name = row.name.as_str();
        for (what, raw) in [
            ("a zero octet", "a%00b"),
            ("not UTF-8", "a%ffb"),
            ("a broken percent sign", "a%zzb"),
            ("a percent sign at the end", "a%"),
            ("half a percent sign", "a%4"),
            ("a control character", "a%1bb"),
        ] {
            let form = by_poor(sandbox, judging(name)).without(name);
            let body = format!("{}&{name}={raw}", encoded(&form));
            let response = sandbox
                .http()
                .post(&url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body)
                .send()
                .expect("an answer");
            assert_eq!(response.status(), 200);
            let text = response.text().expect("text");
            let expected = if is_login(name) { login_refused() } else { bad(name) };
            if name == "responseFormat" {
                assert_eq!(text, format!("-4\n{}\n", expected.1), "{what}");
                continue;
            }
            let answer = Answer::read(&text);
            let got = (answer.get("errorCode"), answer.get("errorMessage"));
            let expected = (expected.0.to_string(), expected.1);
            assert_eq!(got, (expected.0.as_str(), expected.1.as_str()), "{name}: {what}");
        }
    }
    nothing_stored(sandbox);
}

fn conditions_between_parameters(sandbox: &Sandbox) {
    let told = |form: Form, expected: (i64, String)| {
        told(sandbox, "a condition", &by_poor(sandbox, form), &expected);
    };
    // days and years: days wins, either suffices.
    told(base().set("years", "9"), right());
    told(base().without("days").set("years", "2"), right());
    told(base().without("days").set("years", "4"), invalid("years"));
    // locality or state.
    told(base().without("localityName").set("stateOrProvinceName", "Berlin"), right());
    // The representative's address counts only with its organisation, and then it is demanded (D87).
    let other = || base().set("appRepOrganizationName", "Other GmbH");
    told(other(), missing("appRepLocalityName"));
    let placed = || other().set("appRepLocalityName", "Wien");
    told(placed(), missing("appRepPostalCode"));
    let coded = || placed().set("appRepPostalCode", "1010");
    told(coded(), missing("appRepCountryName"));
    let whole = || coded().set("appRepCountryName", "AT");
    told(whole(), right());
    told(whole().without("appRepLocalityName").set("appRepStateOrProvinceName", "Wien"), right());
    told(
        whole().set("appRepCountryName", "ZZ"),
        (-7, "'ZZ' is not a valid ISO-3166 country!".into()),
    );
    told(base().set("appRepCountryName", "ZZ").set("appRepPostalCode", "1010"), right());
    // A list says the same twice, or is refused.
    let lists = |a: &str, b: &str| base().set("dcvEmailAddresses", a).set("validationTokens", b);
    told(lists("ALLCNAMECSRHASH", "CNAMECSRHASH"), right());
    told(lists("CNAMECSRHASH", "HTTPCSRHASH"), invalid("validationTokens"));
    // primaryDomainName and maxSubjectCNs.
    told(base().set("maxSubjectCNs", "1"), missing("primaryDomainName"));
    told(base().set("maxSubjectCNs", "0"), right());
    told(base().set("maxSubjectCNs", "1").set("primaryDomainName", "multi.example.com"), right());
    // What a product does not look at may say anything (D56, D58, D62, D81, D92).
    let dv = || Form::order(488, any_csr());
    told(
        dv().set("domainNames", "not a name")
            .set("primaryDomainName", "?")
            .set("servers", "abc")
            .set("maxSubjectCNs", "abc")
            .set("dcvEmailAddresses", "?")
            .set("validationTokens", "?")
            .set("joiCountryName", "ZZ")
            .set("dateOfIncorporation", "today")
            .set("appRepForename", "x")
            .set("appRepEmailAddress", "x")
            .set("appRepOrganizationName", "Other GmbH")
            .set("appRepCountryName", "ZZ")
            .set("idaEmailAddress", "x")
            .set("paymentServiceRole", "?")
            .set("personalIdentifier", "PASDE-1")
            .set("semanticsIdentifier", &"x".repeat(200)),
        right(),
    );
    told(base().set("servers", "abc").set("omitAdditionalFQDN", "?"), right());
    told(base().set("dcvEmailAddress", "x").set("commonName", &"x".repeat(90)), right());
    // joiCountryName is demanded of EV alone (D67).
    told(complete(783, any_csr(), "q.example.com").without("joiCountryName"), right());
    told(complete(788, any_csr(), "q.example.com").without("joiCountryName"), right());
    told(
        complete(337, any_csr(), "q.example.com").without("joiCountryName"),
        missing("joiCountryName"),
    );
    // An organisation's identifier is of the subject's country (§22.3); LEI is of none.
    let legal = |identifier: &str, country: &str| {
        complete(783, any_csr(), "q.example.com")
            .set("organizationIdentifier", identifier)
            .set("countryName", country)
    };
    let wrong = "Wrong country code value in 'organizationIdentifier' identifier.";
    told(legal("VATDE-123456789", "DE"), right());
    told(legal("VATDE-123456789", "US"), (-121, wrong.into()));
    told(legal("VATEL-123456789", "GR"), right());
    told(legal("LEIXG-5493001KJTIIGC8Y1R12", "US"), right());
    told(complete(788, any_csr(), "q.example.com").set("countryName", "AT"), (-121, wrong.into()));
    let wildcard = || complete(289, any_csr(), "w.example.com");
    told(wildcard().without("servers"), right());
    for servers in ["1", "100"] {
        told(wildcard().set("servers", servers), right());
    }
    for servers in ["0", "101", "-1"] {
        told(wildcard().set("servers", servers), invalid("servers"));
    }
    // An address in the CSR serves as well, by prioritiseCSRValues.
    let csr = Csr::openssl(&[
        "-newkey",
        "rsa:2048",
        "-subj",
        "/CN=csr.example.com/O=CSR Ltd/street=1 Road/L=London/postalCode=N1/C=GB",
    ]);
    let ov = || Form::order(24, &csr);
    told(ov(), right());
    told(ov().set("prioritiseCSRValues", "C"), right());
    told(ov().set("prioritiseCSRValues", "N"), right());
    told(
        ov().set("prioritiseCSRValues", "P").set("commonName", "csr.example.com"),
        missing("organizationName"),
    );
    let bare = || organization(Form::order(24, any_csr()));
    told(
        bare().set("prioritiseCSRValues", "C"),
        (-8, "The CSR is missing a required field!".into()),
    );
    // The CSR's country is judged wherever it counts.
    let odd = Csr::openssl(&["-newkey", "rsa:2048", "-subj", "/CN=odd.example.com/C=QQ"]);
    told(Form::order(488, &odd), (-7, "'QQ' is not a valid ISO-3166 country!".into()));
    told(
        Form::order(488, &odd).set("prioritiseCSRValues", "P").set("commonName", "odd.example.com"),
        right(),
    );
    nothing_stored(sandbox);
}

/// Longer values are cut at the limit, counted in characters, and kept so; what is not sent is not kept.
fn long_values_are_cut_and_kept(sandbox: &Sandbox) {
    let name = fresh_name("cut");
    let csr = Csr::new(&name);
    let mut form = complete(410, &csr, &name);
    let mut expected = Vec::new();
    for row in rows().iter().filter(|row| row.truncates) {
        let max = row.max.expect("a limit");
        if sample(&row.name) == "Some text" {
            let text = format!("{}\u{df}tail", "\u{1f600}".repeat(max - 1));
            form = form.set(&row.name, &text);
            expected.push((row.name.clone(), text.chars().take(max).collect::<String>()));
        }
    }
    for (name, text, cut) in [
        ("countryName", "DEU", "DE"),
        ("joiCountryName", "DEutschland", "DE"),
        ("appRepCountryName", "AT", "AT"),
        ("businessCategory", "cd", "c"),
        ("callbackMethod", "Telephone", "T"),
        ("dunsNumber", "123456789-123456789-123", "123456789-123456789-"),
        ("uniqueValue", "abcdefghij0123456789", "abcdefghij0123456789"),
        ("emailAddress", "None", "None"),
    ] {
        form = form.set(name, text);
        expected.push((name.to_owned(), cut.to_owned()));
    }
    assert!(expected.len() > 35);
    let order = sandbox.call(APPLY, &form).order_number();
    let kept = sandbox.order_column(&order, "parameters");
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    for (name, value) in &expected {
        assert_eq!(kept[name], value.as_str(), "{name}");
    }
    for secret in ["loginName", "loginPassword", "csr", "languageName"] {
        assert_eq!(kept[secret], serde_json::Value::Null, "{secret}");
    }
    let subject: serde_json::Value =
        serde_json::from_str(&sandbox.request_column(&order, "subject")).expect("JSON");
    assert_eq!(subject["country"], "DE");
    assert_eq!(subject["organization"].as_str().map(|o| o.chars().count()), Some(64));
    // A duplicate number is found after the cut (D88).
    let again = complete(410, &Csr::new(&name), &name)
        .set("foreignOrderNumber", &format!("{}\u{df}another tail", "\u{1f600}".repeat(63)))
        .set("checkFONIsUnique", "y");
    sandbox.call(APPLY, &again).refused(-4, &invalid("foreignOrderNumber").1);
    // What was sent is judged, one verdict per parameter, for the developer's eyes.
    let calls = sandbox.control_get("/requests");
    let mine = calls.as_array().expect("calls").iter().find(|call| {
        call["answer"].as_str().is_some_and(|a| a.contains(&format!("orderNumber={order}&")))
    });
    let verdicts = mine.expect("the call")["parameters"].as_array().expect("verdicts").clone();
    assert_eq!(verdicts.len(), form.0.len() + 2);
    assert!(verdicts.iter().all(|v| v["verdict"] == "ok"), "{verdicts:?}");
}
