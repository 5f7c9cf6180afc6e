//! The shape of the tables: what an endpoint is, and what a row about one of its parameters says.

use std::sync::OnceLock;

use hashbrown::HashMap;

use crate::codes::CodeRow;
use crate::scope::Scope;

/// One endpoint: where it lives, what it takes, how it answers.
#[derive(Debug)]
pub struct Endpoint {
    /// The name without `!`, in the specification's spelling.
    pub name: &'static str,
    /// Which family of paths.
    pub family: Family,
    /// True where GET is as good as POST; elsewhere it gives -17.
    pub get_allowed: bool,
    /// True where plain http is allowed; elsewhere it gives -1.
    pub http_allowed: bool,
    /// True where loginName and loginPassword are demanded.
    pub login: bool,
    /// True where unknown parameters are ignored; elsewhere they give -2.
    pub ignores_unknown: bool,
    /// The parameters, in the specification's order, which is also the order of errors.
    pub rows: &'static [Parameter],
    /// Parameters that the specification's table does not list but programs in use send.
    pub extras: &'static [Parameter],
    /// What each value of responseFormat (where there is none, of responseEncoding) means.
    pub formats: &'static [(&'static str, Format)],
    /// The format when responseFormat is absent, unreadable or unknown here.
    pub default_format: Format,
    /// Of an endpoint that takes orders of more than server certificates: the endpoint by whose rows parameters of those are
    /// judged.
    pub server_orders: Option<&'static Endpoint>,
    /// Codes and texts; what is not here comes from [`crate::codes::MASTER`].
    pub codes: &'static [CodeRow],
    /// How a refusal is laid out.
    pub errors: ErrorLayout,
    /// Where each name stands.
    pub places: Places,
}

/// Where each name of an endpoint stands among its parameters; worked out when first asked for. A call asks a hundred times, by a
/// faster hash than the standard one, whose strength against chosen keys a map that never grows does not need.
#[derive(Debug)]
pub struct Places(OnceLock<HashMap<Box<[u8]>, usize>>);

impl Places {
    /// Of an endpoint that nobody has asked yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::new()
    }
}

/// Names longer than this are unknown without a look.
pub const MAX_NAME: usize = 64;

/// The two families of paths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// `/products/!Name`.
    Management,
    /// `/products/download/Name`.
    Collection,
}

/// How an answer is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Lines of text.
    Lines,
    /// URL-encoded pairs.
    Form,
    /// JSON.
    Json,
    /// XML (DecodeCSR alone).
    Xml,
    /// Declarations of JavaScript variables (collection of S/MIME certificates).
    JavaScript,
}

/// How a refusal is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorLayout {
    /// Code and message, detail if any.
    Plain,
    /// The same, and errorItem names the parameter.
    WithItem,
    /// DecodeCSR's: a count, then one line per error.
    Counted,
}

/// One row about one parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The name in the table's spelling, which is also the spelling of messages.
    pub name: &'static str,
    /// What the table says about its presence.
    pub requirement: Requirement,
    /// True when presence depends on product or CSR, so that no -3 is raised before those are known (D64).
    pub decided_later: bool,
    /// The table's type.
    pub kind: Kind,
    /// The longest value, in Unicode characters.
    pub max_length: Option<usize>,
    /// What happens to longer ones.
    pub over_long: OverLong,
    /// The default, or nothing.
    pub default: &'static str,
    /// The allowed values, separated by blanks, or nothing.
    pub allowed: &'static str,
    /// Which products it is for, in the table's words.
    pub applies_to: &'static str,
    /// Which orders it counts for.
    pub scope: Scope,
    /// How a value is read.
    pub form: Form,
}

/// Whether a parameter must be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Requirement {
    /// Yes.
    Required,
    /// No.
    Optional,
    /// Under conditions.
    Conditional,
}

/// The specification's types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `string`.
    String,
    /// `char`, of any length.
    Char,
    /// `integer`.
    Integer,
}

/// What happens to a value that is too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OverLong {
    /// -4.
    Refuse,
    /// It is cut, and judged after that.
    Truncate,
}

/// How a value is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A credential: read by `credentials` alone, never judged.
    Secret,
    /// One line of text.
    Text,
    /// Text of several lines.
    Lines,
    /// Words between commas or white space.
    List,
    /// A decimal number; one of the allowed ones if the row lists any.
    Integer,
    /// One of the allowed words, either case.
    Word,
    /// Y or N, either case.
    Flag,
    /// An ISO 3166-1 code; -7 if it is none.
    Country,
    /// A mail address.
    Mail,
    /// A mail address, or `none`.
    MailOrNone,
    /// A mail address that is to be certified: -70 if it is none.
    CertifiedMail,
    /// A MIME type that no browser takes for a document.
    MimeType,
    /// YYYY-MM-DD.
    Date,
    /// Digits and hyphens.
    Digits,
    /// 1 to 20 letters and digits.
    UniqueValue,
    /// Numbers between commas.
    Numbers,
    /// Tokens and mail addresses, one per name, or one ALL… token.
    DcvList,
    /// The same without mail addresses.
    DcvTokens,
    /// A DNS name, a wildcard or an IP address.
    Name,
    /// Anything; nobody reads it.
    Ignored,
}

impl Endpoint {
    /// Every parameter that is known here: the table's, then the extras.
    pub fn parameters(&self) -> impl Iterator<Item = &'static Parameter> + use<> {
        self.rows.iter().chain(self.extras)
    }

    /// The place of a parameter among [`Endpoint::parameters`], by name in either case.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        let places = self.places.0.get_or_init(|| {
            let lower = |row: &Parameter| row.name.to_ascii_lowercase().into_bytes();
            self.parameters().enumerate().map(|(i, row)| (lower(row).into(), i)).collect()
        });
        let mut lower = [0; MAX_NAME];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        places.get(&*lower).copied()
    }

    /// The parameter that says how the answer is written.
    pub(crate) fn format_parameter(&self) -> &'static str {
        match self.position("responseFormat") {
            Some(_) => "responseFormat",
            None => "responseEncoding",
        }
    }

    /// A parameter's row.
    pub(crate) fn row(&self, name: &str) -> Option<&'static Parameter> {
        let (position, rows) = (self.position(name)?, self.rows.len());
        self.rows.get(position).or_else(|| self.extras.get(position - rows))
    }

    /// The usual path.
    #[must_use]
    pub fn path(&self) -> String {
        match self.family {
            Family::Management => format!("/products/!{}", self.name),
            Family::Collection => format!("/products/download/{}", self.name),
        }
    }

    /// True for the usual path in either case, with `!` as `%21` too, and with `download/` before `!Name` (some pages of
    /// the vendor write management calls so).
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        let Some(rest) = strip_any_case(path, "/products/") else { return false };
        let (download, rest) = match strip_any_case(rest, "download/") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (bang, name) = match rest.strip_prefix('!').or_else(|| rest.strip_prefix("%21")) {
            Some(name) => (true, name),
            None => (false, rest),
        };
        let family = match self.family {
            Family::Management => bang,
            Family::Collection => download,
        };
        family && name.trim_end_matches('/').eq_ignore_ascii_case(self.name)
    }
}

fn strip_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

impl Parameter {
    const fn new(name: &'static str, requirement: Requirement) -> Self {
        Self {
            name,
            requirement,
            decided_later: false,
            kind: Kind::String,
            max_length: None,
            over_long: OverLong::Refuse,
            default: "",
            allowed: "",
            applies_to: "",
            scope: Scope::Any,
            form: Form::Text,
        }
    }

    /// A row of a required parameter; one line of text until said otherwise.
    #[must_use]
    pub const fn required(name: &'static str) -> Self {
        Self::new(name, Requirement::Required)
    }

    /// A row of an optional parameter.
    #[must_use]
    pub const fn optional(name: &'static str) -> Self {
        Self::new(name, Requirement::Optional)
    }

    /// A row of a parameter that other things demand.
    #[must_use]
    pub const fn conditional(name: &'static str) -> Self {
        Self::new(name, Requirement::Conditional)
    }

    /// Type string.
    #[must_use]
    pub const fn string(mut self, max: usize) -> Self {
        self.max_length = Some(max);
        self
    }

    /// Type char with a length.
    #[must_use]
    pub const fn chars(mut self, max: usize) -> Self {
        self.kind = Kind::Char;
        self.max_length = Some(max);
        self
    }

    /// Type integer.
    #[must_use]
    pub const fn integer(mut self) -> Self {
        self.kind = Kind::Integer;
        self.form = Form::Integer;
        self
    }

    /// One character, Y or N.
    #[must_use]
    pub const fn flag(self) -> Self {
        self.chars(1).read_as(Form::Flag).allowed("Y N")
    }

    /// One of these words.
    #[must_use]
    pub const fn one_of(self, allowed: &'static str) -> Self {
        self.read_as(Form::Word).allowed(allowed)
    }

    /// The allowed values as the table lists them.
    #[must_use]
    pub const fn allowed(mut self, allowed: &'static str) -> Self {
        self.allowed = allowed;
        self
    }

    /// How a value is read.
    #[must_use]
    pub const fn read_as(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// Longer values are cut.
    #[must_use]
    pub const fn truncate(mut self) -> Self {
        self.over_long = OverLong::Truncate;
        self
    }

    /// The default, for the reader of the table; code reads absence.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// The products it is for.
    #[must_use]
    pub const fn only(mut self, products: &'static str) -> Self {
        self.applies_to = products;
        self
    }

    /// The orders it counts for.
    #[must_use]
    pub const fn within(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Required, but whether it may be missing is decided when product and CSR are known.
    #[must_use]
    pub const fn later(mut self) -> Self {
        self.decided_later = true;
        self
    }
}

/// loginName, as everywhere.
pub const LOGIN_NAME: Parameter = Parameter::required("loginName").string(64).read_as(Form::Secret);
/// loginPassword, as everywhere.
pub const LOGIN_PASSWORD: Parameter =
    Parameter::required("loginPassword").string(128).read_as(Form::Secret);
