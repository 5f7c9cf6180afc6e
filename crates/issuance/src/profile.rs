//! Profiles: what a kind of certificate may hold. Data, under ceilings that are code.

mod kind;

use serde::Deserialize;

use crate::name::Attribute;
use crate::oid;
pub use kind::{Purpose, ValidationKind};

/// The validity and reuse rules that come with this program.
#[must_use]
pub fn builtin_policy() -> &'static str {
    include_str!("../data/policy.toml")
}

/// The profiles that come with this program.
#[must_use]
pub fn builtin_profiles() -> &'static str {
    include_str!("../data/profiles.toml")
}

/// Whether the certificates are made by the public rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hierarchy {
    /// By the Baseline Requirements.
    Public,
    /// Under a root of its own, for names that are not public.
    Private,
    /// By the S/MIME Baseline Requirements, under a root of its own.
    Mail,
}

impl Hierarchy {
    /// `public`, `private` or `mail`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Hierarchy::Public => "public",
            Hierarchy::Private => "private",
            Hierarchy::Mail => "mail",
        }
    }
}

/// A profile within its ceilings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    name: String,
    kind: ValidationKind,
    hierarchy: Hierarchy,
    policy: Option<Vec<u8>>,
    required: Vec<Attribute>,
    optional: Vec<Attribute>,
    wildcard: bool,
    ip: bool,
}

impl Profile {
    /// Its name in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What has to be validated.
    #[must_use]
    pub fn kind(&self) -> ValidationKind {
        self.kind
    }

    /// For what its leaves are.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.kind.purpose()
    }

    /// Under which kind of root it belongs.
    #[must_use]
    pub fn hierarchy(&self) -> Hierarchy {
        self.hierarchy
    }

    /// Content octets of the one policy.
    #[must_use]
    pub fn policy(&self) -> Option<&[u8]> {
        self.policy.as_deref()
    }

    /// Attributes without which there is no certificate.
    #[must_use]
    pub fn required(&self) -> &[Attribute] {
        &self.required
    }

    /// True for attributes that may stand in the subject.
    #[must_use]
    pub fn takes(&self, attribute: Attribute) -> bool {
        self.required.contains(&attribute) || self.optional.contains(&attribute)
    }

    /// Whether `*.` names may stand in it.
    #[must_use]
    pub fn takes_wildcards(&self) -> bool {
        self.wildcard
    }

    /// Whether addresses may stand in it.
    #[must_use]
    pub fn takes_addresses(&self) -> bool {
        self.ip
    }
}

/// A profile file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Not the TOML that is expected.
    #[error("profiles: {0}")]
    Form(#[from] toml::de::Error),
    /// A profile beyond the ceilings.
    #[error("profile '{0}': {1}")]
    Ceiling(String, &'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    profile: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    kind: ValidationKind,
    hierarchy: Hierarchy,
    policy: Option<String>,
    required: Vec<Attribute>,
    optional: Vec<Attribute>,
    wildcard: bool,
    ip: bool,
}

/// Reads a profile file.
///
/// # Errors
/// [`ProfileError`] for a profile that goes beyond the ceilings.
pub fn read(text: &str) -> Result<Vec<Profile>, ProfileError> {
    let file: File = toml::from_str(text)?;
    let mut profiles: Vec<Profile> = Vec::with_capacity(file.profile.len());
    for row in file.profile {
        let again = profiles.iter().any(|p| p.name == row.name).then_some("the name stands twice");
        if let Some(why) = again.or_else(|| beyond(&row)) {
            return Err(ProfileError::Ceiling(row.name, why));
        }
        let policy = row.policy.as_deref().and_then(oid::from_dotted);
        profiles.push(Profile {
            name: row.name,
            kind: row.kind,
            hierarchy: row.hierarchy,
            policy,
            required: row.required,
            optional: row.optional,
            wildcard: row.wildcard,
            ip: row.ip,
        });
    }
    Ok(profiles)
}

/// What in a row goes beyond the ceilings.
fn beyond(row: &Row) -> Option<&'static str> {
    let mail = row.kind.purpose() == Purpose::Mail;
    if mail != (row.hierarchy == Hierarchy::Mail) {
        return Some("mail kinds belong under the mail root, and no others do");
    }
    if row.hierarchy == Hierarchy::Private {
        return row.policy.is_some().then_some("a private profile must claim no policy");
    }
    let names = row.wildcard || row.ip;
    let ceilings = [
        (
            row.policy.as_deref() != Some(row.kind.reserved_policy()),
            "the policy must be the one reserved for its kind (BR 7.1.2.7, S/MIME BR 7.1.6.1)",
        ),
        (
            row.required.iter().chain(&row.optional).any(|a| !row.kind.allows(*a)),
            "an attribute that its kind must not have (BR 7.1.2.7, S/MIME BR 7.1.4.2)",
        ),
        (
            row.kind == ValidationKind::Ev && names,
            "EV has neither wildcards nor addresses (EVG 7.1.4.2)",
        ),
        (mail && names, "mail has neither wildcards nor addresses (S/MIME BR 7.1.4.2.1)"),
    ];
    ceilings.into_iter().find(|(broken, _)| *broken).map(|(_, why)| why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_files_are_good() {
        assert_eq!(read(builtin_profiles()).unwrap().len(), 8);
        domain::policy::Policy::from_toml(builtin_policy()).unwrap();
    }

    #[test]
    fn ceilings_hold() {
        let base = "[[profile]]\nname='x'\nkind='dv'\nhierarchy='public'\nwildcard=true\nip=true\n";
        let file = |more: &str| read(&format!("{base}{more}")).is_ok();
        assert!(file("policy='2.23.140.1.2.1'\nrequired=[]\noptional=[]"));
        assert!(!file("policy='2.23.140.1.2.2'\nrequired=[]\noptional=[]"));
        assert!(!file("required=[]\noptional=[]"));
        assert!(!file("policy='2.23.140.1.2.1'\nrequired=[]\noptional=['organization']"));
        assert!(!file("policy='2.23.140.1.2.1'\nrequired=[]\noptional=['nonsense']"));
        assert!(!file("policy='2.23.140.1.2.1'\nrequired=[]\noptional=[]\neku='any'"));
    }

    #[test]
    fn ceilings_of_mail_hold() {
        let file = |kind: &str, hierarchy: &str, more: &str| {
            let names = if more.contains("wildcard") { "" } else { "wildcard=false\n" };
            read(&format!(
                "[[profile]]\nname='x'\nkind='{kind}'\nhierarchy='{hierarchy}'\nip=false\nrequired=[]\n{names}{more}"
            ))
            .is_ok()
        };
        let (mv, ov) = ("policy='2.23.140.1.5.1.3'\n", "policy='2.23.140.1.5.2.2'\n");
        assert!(file("mv-strict", "mail", &format!("{mv}optional=['emailAddress']")));
        assert!(file("ov-multi", "mail", &format!("{ov}optional=['organizationIdentifier']")));
        for (kind, hierarchy, more) in [
            ("mv-strict", "mail", format!("{ov}optional=[]")),
            ("mv-strict", "mail", format!("{mv}optional=['organization']")),
            ("mv-strict", "mail", format!("{mv}optional=['country']")),
            ("mv-strict", "mail", format!("{mv}optional=[]\nwildcard=true")),
            ("mv-strict", "public", format!("{mv}optional=[]")),
            ("mv-strict", "private", "optional=[]".to_owned()),
            ("ov-multi", "mail", format!("{ov}optional=['street']")),
            ("ov-multi", "mail", format!("{ov}optional=['givenName']")),
            ("dv", "mail", "policy='2.23.140.1.2.1'\noptional=[]".to_owned()),
            ("ev", "public", "policy='2.23.140.1.1'\noptional=['emailAddress']".to_owned()),
        ] {
            assert!(!file(kind, hierarchy, &more), "{kind} {hierarchy} {more}");
        }
    }
}
