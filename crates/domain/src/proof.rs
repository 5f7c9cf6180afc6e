//! From evidence to proof: the only place where a [`Proven`] is made.

use crate::caa::{self, Asked, CaaRefusal};
use crate::certificate::CertificateId;
use crate::dcv::DcvMethod;
use crate::evidence::CaaEvidence;
use crate::names::CertName;
use crate::policy::Policy;
use crate::time::{DAY, Time};

/// Control of a name as it was shown and stored: a row's meaning, not yet a proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Control {
    /// For which name control was shown: an authorization domain name, or the host of a file.
    pub shown_for: CertName,
    /// By which method.
    pub method: DcvMethod,
    /// When.
    pub at: Time,
}

impl Control {
    /// Whether it covers a name: files cover their very host, and a mailbox itself alone; records and mail cover the
    /// authorization domain name, all below it, and wildcards there (BR 3.2.2.4, S/MIME BR 3.2.2.2).
    #[must_use]
    pub fn covers(&self, name: &CertName) -> bool {
        match self.method {
            DcvMethod::HttpCsrHash | DcvMethod::HttpsCsrHash | DcvMethod::Mailbox => {
                self.shown_for == *name
            }
            DcvMethod::Email | DcvMethod::CnameCsrHash | DcvMethod::DnsTxtRandomValue => {
                match (name.dns(), &self.shown_for) {
                    (Some(asked), CertName::Dns(adn)) => asked.is_within(adn),
                    _ => false,
                }
            }
        }
    }
}

/// Whether a control may be relied on at a moment: it is not older than `policy` allows on the day, and its method is
/// still one.
#[must_use]
pub fn counts(control: &Control, policy: &Policy, now: Time) -> bool {
    let days = match control.method {
        DcvMethod::Mailbox => policy.mailbox_reuse_days(now),
        _ => policy.domain_reuse_days(now),
    };
    control.at >= now.plus(-i64::from(days) * DAY) && policy.method_allowed(control.method, now)
}

/// A control that covers a name and may be relied on at a moment, the first of several.
#[must_use]
pub fn covering<'a>(
    name: &CertName,
    controls: &'a [Control],
    policy: &Policy,
    now: Time,
) -> Option<&'a Control> {
    controls.iter().find(|c| c.covers(name) && counts(c, policy, now))
}

/// A name that is to stand in the certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WantedName {
    /// The name.
    pub name: CertName,
    /// True for the second name that nobody ordered (omitAdditionalFQDN=N): it may fall away.
    pub implicit: bool,
}

/// What the judge has to look at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The certificate request.
    pub certificate: CertificateId,
    /// The names it wants.
    pub wanted: &'a [WantedName],
    /// Control shown so far, by this request or by earlier ones of its chain.
    pub controls: &'a [Control],
    /// CAA record sets, one per DNS name; None where the hierarchy is private and CAA does not apply.
    pub caa: Option<&'a [CaaEvidence]>,
    /// The issuer domain names by which CAA may name us.
    pub identities: &'a [String],
    /// True when the caller says that every other check of the order has passed.
    pub others_passed: bool,
    /// Whether a proven second name is waited for while its CAA cannot be looked up, rather than left out.
    pub patient: bool,
}

/// Names that are proven for one certificate request: what signing asks for.
///
/// Nobody but `judge` makes one, for the fields are private. To hand one on compiles; to make one, even out of another, does not:
///
/// ```
/// fn hand_on(proven: domain::proof::Proven) -> domain::proof::Proven { proven }
/// ```
/// ```compile_fail,E0451
/// fn forge(proven: domain::proof::Proven) -> domain::proof::Proven { domain::proof::Proven { ..proven } }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    certificate: CertificateId,
    names: Vec<CertName>,
    removed: Vec<CertName>,
    at: Time,
}

impl Proven {
    /// The certificate request for which the names are proven.
    #[must_use]
    pub fn certificate(&self) -> CertificateId {
        self.certificate
    }

    /// The proven names, in the order of the request.
    #[must_use]
    pub fn names(&self) -> &[CertName] {
        &self.names
    }

    /// Implicit names that fell away for want of proof.
    #[must_use]
    pub fn removed(&self) -> &[CertName] {
        &self.removed
    }

    /// When judgement was given.
    #[must_use]
    pub fn at(&self) -> Time {
        self.at
    }
}

/// Why there is no proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Missing {
    /// Control of these names is not shown, or was shown too long ago.
    Control(Vec<CertName>),
    /// CAA forbids it, or could not be asked.
    Caa(CaaRefusal),
    /// Checks other than domain control are open.
    OtherChecks,
    /// A request without names.
    NoNames,
}

/// Turns evidence into a proof, or says what is missing.
///
/// Every ordered name must be covered by a control that is not older than `policy` allows on the day. An implicit name
/// that is not covered, or that CAA forbids, falls away; one whose CAA cannot be looked up does when patience is over. Every name
/// that stays must be permitted by CAA.
///
/// # Errors
/// [`Missing`].
pub fn judge(case: &Case<'_>, policy: &Policy, now: Time) -> Result<Proven, Missing> {
    if !case.others_passed {
        return Err(Missing::OtherChecks);
    }
    let covered = |name: &CertName| covering(name, case.controls, policy, now).is_some();
    let mut names = Vec::new();
    let mut removed = Vec::new();
    let mut open = Vec::new();
    let mut unsure = None;
    for wanted in case.wanted {
        let permitted = permitted_by_caa(case, &wanted.name, now);
        match (covered(&wanted.name), permitted, wanted.implicit) {
            (true, Ok(()), _) => names.push(wanted.name.clone()),
            (true, Err(refusal), true) if case.patient && refusal.is_for_now() => {
                unsure = unsure.or(Some(refusal));
            }
            (_, _, true) => removed.push(wanted.name.clone()),
            (true, Err(refusal), false) => return Err(Missing::Caa(refusal)),
            (false, _, false) => open.push(wanted.name.clone()),
        }
    }
    if !open.is_empty() {
        return Err(Missing::Control(open));
    }
    if let Some(refusal) = unsure {
        return Err(Missing::Caa(refusal));
    }
    if names.is_empty() {
        return Err(Missing::NoNames);
    }
    Ok(Proven { certificate: case.certificate, names, removed, at: now })
}

fn permitted_by_caa(case: &Case<'_>, name: &CertName, now: Time) -> Result<(), CaaRefusal> {
    let (Some(sets), Some(domain)) = (case.caa, name.caa_name()) else {
        return Ok(());
    };
    match sets.iter().find(|set| set.name == *domain) {
        Some(set) => caa::permits(set, Asked::of(name), case.identities, now),
        None => Err(CaaRefusal::LookupFailed(domain.to_string(), "not asked".into())),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the judge is judged")]
mod tests {
    use super::*;
    use crate::evidence::CaaRecord;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn policy() -> Policy {
        let text = r#"
            mail_methods_end = "2028-03-15"
            tls_validity = [{ from = "2026-03-15", days = 200, source = "BR" }]
            domain_reuse = [
                { from = "2026-03-15", days = 200, source = "BR" },
                { from = "2027-03-15", days = 100, source = "BR" },
            ]
        "#;
        Policy::from_toml(text).unwrap()
    }

    fn control(shown_for: &str, method: DcvMethod, at: &str) -> Control {
        Control { shown_for: shown_for.parse().unwrap(), method, at: time(at) }
    }

    fn caa(name: &str, issuer: Option<&str>, at: &str) -> CaaEvidence {
        let record =
            |issuer: &str| CaaRecord { critical: false, tag: "issue".into(), value: issuer.into() };
        CaaEvidence {
            name: name.parse().unwrap(),
            found_at: None,
            records: issuer.map(record).into_iter().collect(),
            failed: None,
            via: String::new(),
            at: time(at),
            usable_until: time(at).plus(DAY / 3),
        }
    }

    /// A verdict in words: the names, those that fell away after a minus, or what is missing.
    fn verdict(
        wanted: &[&str],
        controls: &[Control],
        caa: Option<&[CaaEvidence]>,
        others_passed: bool,
        now: &str,
    ) -> String {
        let wanted: Vec<WantedName> = wanted
            .iter()
            .map(|text| {
                let name = text.trim_start_matches('?').parse().unwrap();
                WantedName { name, implicit: text.starts_with('?') }
            })
            .collect();
        let identities = ["ca.example".to_owned()];
        let certificate = CertificateId(7);
        let case = Case {
            certificate,
            wanted: &wanted,
            controls,
            caa,
            identities: &identities,
            others_passed,
            patient: wanted.iter().any(|w| w.name.to_string().starts_with("patient")),
        };
        let words =
            |names: &[CertName]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
        match judge(&case, &policy(), time(now)) {
            Ok(proven) => {
                assert_eq!((proven.certificate(), proven.at()), (certificate, time(now)));
                let mut all = words(proven.names());
                all.extend(words(proven.removed()).iter().map(|name| format!("-{name}")));
                all.join(" ")
            }
            Err(Missing::Control(names)) => format!("no control of {}", words(&names).join(" ")),
            Err(Missing::Caa(refusal)) => refusal.to_string(),
            Err(Missing::OtherChecks) => "other checks".to_owned(),
            Err(Missing::NoNames) => "no names".to_owned(),
        }
    }

    #[test]
    fn controls_count_while_they_are_young_and_their_method_is_one() {
        use DcvMethod::{CnameCsrHash, DnsTxtRandomValue, Email, HttpCsrHash};
        let name = "www.example.com";
        for (shown_for, method, at, now, counted) in [
            ("example.com", CnameCsrHash, "2026-11-20", "2026-11-20", true),
            ("example.com", CnameCsrHash, "2026-05-04", "2026-11-20", true),
            ("example.com", CnameCsrHash, "2026-05-03", "2026-11-20", false),
            // The age of the day on which it is judged.
            ("example.com", CnameCsrHash, "2026-12-04", "2027-03-14", true),
            ("example.com", CnameCsrHash, "2026-12-04", "2027-03-15", false),
            ("example.com", Email, "2028-03-14", "2028-03-14T23:59:59Z", true),
            ("example.com", Email, "2028-03-14", "2028-03-15", false),
            ("example.com", DnsTxtRandomValue, "2028-03-14", "2028-03-15", true),
            ("shop.example.com", CnameCsrHash, "2026-11-20", "2026-11-20", false),
            ("example.com", HttpCsrHash, "2026-11-20", "2026-11-20", false),
            (name, HttpCsrHash, "2026-11-20", "2026-11-20", true),
        ] {
            let controls = [control(shown_for, method, at)];
            let expected = if counted { name.to_owned() } else { format!("no control of {name}") };
            let found = verdict(&[name], &controls, None, true, now);
            assert_eq!(found, expected, "{shown_for} by {method} of {at} on {now}");
            let covered = covering(&name.parse().unwrap(), &controls, &policy(), time(now));
            assert_eq!(covered.is_some(), counted, "the same rule");
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        const DAY: &str = "2026-11-20";
        let shown = [control("example.com", DcvMethod::CnameCsrHash, DAY)];
        let file = [control("example.com", DcvMethod::HttpCsrHash, DAY)];
        let (ours, other) = (Some("ca.example"), Some("other.example"));
        let both = |plain, www| [caa("example.com", plain, DAY), caa("www.example.com", www, DAY)];
        let pair: &[&str] = &["example.com", "?www.example.com"];
        let single: &[&str] = &["example.com"];
        for (wanted, controls, sets, expected) in [
            (pair, &shown, &both(None, None)[..], "example.com www.example.com"),
            (pair, &shown, &both(ours, ours)[..], "example.com www.example.com"),
            (pair, &file, &both(None, None)[..], "example.com -www.example.com"),
            (pair, &shown, &both(None, other)[..], "example.com -www.example.com"),
            (pair, &shown, &both(None, None)[..1], "example.com -www.example.com"),
            (pair, &shown, &both(other, None)[..], "CAA: Not authorized to issue for example.com"),
            (single, &shown, &[], "CAA: look-up failed for example.com: not asked"),
            (&["example.org"], &shown, &[], "no control of example.org"),
            (&["?example.org"], &shown, &[], "no names"),
            (&[], &shown, &[], "no names"),
        ] {
            assert_eq!(verdict(wanted, controls, Some(sets), true, DAY), expected, "{wanted:?}");
            assert_eq!(verdict(wanted, controls, Some(sets), false, DAY), "other checks");
        }
        // A second name whose CAA nobody could look up is worth a wait; one that CAA forbids is not.
        let patient: &[&str] = &["patient.example.com", "?www.patient.example.com"];
        let shown_for_it = [control("patient.example.com", DcvMethod::CnameCsrHash, DAY)];
        for (second, expected) in [
            (None, "CAA: look-up failed for www.patient.example.com: not asked"),
            (
                Some(caa("www.patient.example.com", other, DAY)),
                "patient.example.com -www.patient.example.com",
            ),
        ] {
            let sets: Vec<_> =
                std::iter::once(caa("patient.example.com", None, DAY)).chain(second).collect();
            assert_eq!(verdict(patient, &shown_for_it, Some(&sets), true, DAY), expected);
        }
        // Under a private root nobody asks for CAA.
        assert_eq!(verdict(single, &shown, None, true, DAY), "example.com");
        let stale = [caa("example.com", None, "2026-11-19")];
        let expected = "CAA: evidence for example.com is out of date";
        assert_eq!(verdict(single, &shown, Some(&stale), true, DAY), expected);
    }
}
