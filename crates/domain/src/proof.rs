//! From evidence to proof: the only place where a [`Proven`] is made.

use crate::caa::{self, CaaRefusal};
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
    /// Whether it covers a name: files cover their very host; records and mail cover the authorization domain name, all
    /// below it, and wildcards there (BR 3.2.2.4).
    #[must_use]
    pub fn covers(&self, name: &CertName) -> bool {
        match self.method {
            DcvMethod::HttpCsrHash | DcvMethod::HttpsCsrHash => self.shown_for == *name,
            DcvMethod::Email | DcvMethod::CnameCsrHash | DcvMethod::DnsTxtRandomValue => {
                match (name.dns(), &self.shown_for) {
                    (Some(asked), CertName::Dns(adn)) => asked.is_within(adn),
                    _ => false,
                }
            }
        }
    }
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
}

/// Names that are proven for one certificate request: what signing asks for.
///
/// Nobody but `judge` makes one, for the fields are private:
///
/// ```compile_fail,E0451
/// use domain::{certificate::CertificateId, time::Time};
/// let (certificate, at) = (CertificateId(1), Time::from_secs(0));
/// let forged = domain::proof::Proven { certificate, names: vec![], removed: vec![], at };
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
/// that is not covered, or that CAA forbids, falls away. Every name that stays must be permitted by CAA.
///
/// # Errors
/// [`Missing`].
pub fn judge(case: &Case<'_>, policy: &Policy, now: Time) -> Result<Proven, Missing> {
    if !case.others_passed {
        return Err(Missing::OtherChecks);
    }
    let oldest = now.plus(-i64::from(policy.domain_reuse_days(now)) * DAY);
    let fresh = |c: &&Control| c.at >= oldest && policy.method_allowed(c.method, now);
    let covered = |name: &CertName| case.controls.iter().filter(fresh).any(|c| c.covers(name));

    let mut names = Vec::new();
    let mut removed = Vec::new();
    let mut open = Vec::new();
    for wanted in case.wanted {
        let permitted = permitted_by_caa(case, &wanted.name, now);
        match (covered(&wanted.name), permitted, wanted.implicit) {
            (true, Ok(()), _) => names.push(wanted.name.clone()),
            (_, _, true) => removed.push(wanted.name.clone()),
            (true, Err(refusal), false) => return Err(Missing::Caa(refusal)),
            (false, _, false) => open.push(wanted.name.clone()),
        }
    }
    if !open.is_empty() {
        return Err(Missing::Control(open));
    }
    if names.is_empty() {
        return Err(Missing::NoNames);
    }
    Ok(Proven { certificate: case.certificate, names, removed, at: now })
}

fn permitted_by_caa(case: &Case<'_>, name: &CertName, now: Time) -> Result<(), CaaRefusal> {
    let (Some(sets), Some(dns)) = (case.caa, name.dns()) else {
        return Ok(());
    };
    match sets.iter().find(|set| set.name == *dns) {
        Some(set) => caa::permits(set, name.is_wildcard(), case.identities, now),
        None => Err(CaaRefusal::LookupFailed(dns.to_string(), "not asked".into())),
    }
}
