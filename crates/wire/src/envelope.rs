//! A call as it arrives, in steps that cannot be skipped: [`Envelope`] (read, not judged), [`Incoming`] (the transport
//! and the names are right), [`Authed`] (somebody has shown who he is). Only the last gives parameters away.

use domain::product::Catalogue;
use domain::refusal::Refusal;
use zeroize::Zeroizing;

use crate::fields::Fields;
use crate::form::{self, MAX_PAIRS, Pair};
use crate::scope::Ordered;
use crate::table::{Endpoint, Format, MAX_NAME};

/// How the call came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transport {
    /// Over TLS, here or at a trusted proxy.
    pub https: bool,
    /// The method.
    pub method: Method,
}

/// The methods that endpoints tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// POST.
    Post,
    /// GET, or HEAD.
    Get,
    /// Any other: taken nowhere.
    Other,
}

/// A call's parameters, of the query and the body together, sorted to the endpoint's rows. Reading never fails.
pub struct Envelope {
    endpoint: &'static Endpoint,
    given: Vec<Option<Given>>,
    unknown: Option<String>,
    /// The body could not be read as a whole.
    broken: bool,
}

/// A parameter's value as it came.
pub(crate) struct Given {
    pub(crate) value: Zeroizing<Vec<u8>>,
    /// A percent sign was broken.
    pub(crate) broken: bool,
    /// It came again with another value.
    pub(crate) differs: bool,
}

impl Envelope {
    /// Reads query and body. The query is the raw one, without `?`.
    #[must_use]
    pub fn read(
        endpoint: &'static Endpoint,
        query: &[u8],
        content_type: Option<&str>,
        body: &[u8],
    ) -> Self {
        let given = endpoint.parameters().map(|_| None).collect();
        let body = form::body(content_type, body);
        let mut envelope = Self { endpoint, given, unknown: None, broken: body.broken };
        let pairs = form::url_encoded(query).into_iter().chain(body.pairs);
        for (number, pair) in pairs.enumerate() {
            if number >= MAX_PAIRS {
                envelope.unknown.get_or_insert_with(|| printable(&pair.name));
                break;
            }
            envelope.put(pair);
        }
        envelope
    }

    fn put(&mut self, pair: Pair) {
        let name = std::str::from_utf8(&pair.name).ok();
        let slot = name
            .and_then(|name| self.endpoint.position(name))
            .and_then(|position| self.given.get_mut(position));
        match slot {
            None if self.endpoint.ignores_unknown => {}
            None => {
                self.unknown.get_or_insert_with(|| printable(&pair.name));
            }
            Some(_) if pair.value.is_empty() => {}
            Some(Some(first)) => first.differs |= *first.value != *pair.value,
            Some(empty) => {
                *empty = Some(Given { value: pair.value, broken: pair.broken, differs: false });
            }
        }
    }

    /// The endpoint that the call is for.
    #[must_use]
    pub fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// The first name that the endpoint does not know, as it may be echoed.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// The format of the answer, errors of any step included (D11): as asked for if that is readable, else the default. It
    /// is of no account where a binary answer is asked for: what is none then comes in lines (§6, D136).
    #[must_use]
    pub fn format(&self) -> Format {
        if self.raw("responseEncoding").is_some_and(|given| *given.value == *b"1") {
            return self.endpoint.default_format;
        }
        let asked = self.raw(self.endpoint.format_parameter());
        let asked = asked.map(|given| given.value.as_slice());
        let known = self.endpoint.formats.iter().find(|(value, _)| Some(value.as_bytes()) == asked);
        known.map_or(self.endpoint.default_format, |(_, format)| *format)
    }

    /// Checks transport and method.
    ///
    /// # Errors
    /// -1, -17, in this order.
    pub fn carried(&self, transport: Transport) -> Result<(), Refusal> {
        if !transport.https && !self.endpoint.http_allowed {
            return Err(Refusal::NotHttps);
        }
        match transport.method {
            Method::Post => Ok(()),
            Method::Get if self.endpoint.get_allowed => Ok(()),
            Method::Get | Method::Other => Err(Refusal::WrongMethod),
        }
    }

    /// Checks transport, method and names. Of a body that could not be read nothing is believed: the part that was lost may
    /// have said that the order is a test.
    ///
    /// # Errors
    /// -1, -17, -14, -2, in this order.
    pub fn incoming(self, transport: Transport) -> Result<Incoming, Refusal> {
        self.carried(transport)?;
        if self.broken {
            return Err(Refusal::Internal(Some("The request cannot be read".to_owned())));
        }
        match self.unknown {
            Some(name) => Err(Refusal::UnknownArgument(name)),
            None => Ok(Incoming { envelope: self, transport }),
        }
    }

    /// The parameters that were given, by the table's spelling, and what each would be answered if it stood alone: for a
    /// developer's eyes (the sandbox's list of calls). Values are not shown.
    #[must_use]
    pub fn verdicts(&self, catalogue: &Catalogue) -> Vec<(&'static str, Option<Refusal>)> {
        let ordered = Ordered::read(self.endpoint, &self.given, catalogue, true);
        self.endpoint
            .parameters()
            .zip(&self.given)
            .filter_map(|(row, given)| Some((row.name, ordered.judge(row, given.as_ref()?).err())))
            .collect()
    }

    /// Who the caller says to be, not judged: for rules of the sandbox.
    #[must_use]
    pub fn login_name(&self) -> Option<&str> {
        self.raw("loginName").and_then(|given| std::str::from_utf8(&given.value).ok())
    }

    /// A parameter's value as it came, for the one who lets its holder in; None unless it is text and came once.
    fn plain(&self, name: &str) -> Option<&str> {
        let given = self.raw(name).filter(|given| !given.differs && !given.broken)?;
        std::str::from_utf8(&given.value).ok()
    }

    fn raw(&self, name: &str) -> Option<&Given> {
        self.endpoint.position(name).and_then(|at| self.given.get(at)).and_then(Option::as_ref)
    }
}

/// A call whose transport, method and names are right, from nobody known yet.
pub struct Incoming {
    envelope: Envelope,
    transport: Transport,
}

/// loginName and loginPassword as given, both case-sensitive. No `Debug`.
pub struct Credentials {
    /// The name.
    pub login_name: String,
    /// The password.
    pub password: Password,
}

/// A password as given: no `Debug`, no `Display`, and its memory is wiped.
pub struct Password(Zeroizing<String>);

impl Password {
    /// The text, for the one who hashes it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Implemented by the one type of the server that only a successful login makes.
pub trait Authentication {}

impl Incoming {
    /// The endpoint that the call is for.
    #[must_use]
    pub fn endpoint(&self) -> &'static Endpoint {
        self.envelope.endpoint
    }

    /// The credentials.
    ///
    /// # Errors
    /// -3 for the one that is missing; -4 for one that was given twice, differently; -16 for one that no account can
    /// have (too long, not UTF-8, with a zero octet, which no database keeps): no other answer tells how close a guess
    /// was (D15).
    pub fn credentials(&self) -> Result<Credentials, Refusal> {
        let name = self.credential("loginName")?;
        let password = self.credential("loginPassword")?;
        Ok(Credentials {
            login_name: credential_text(name, 64)?.to_owned(),
            password: Password(Zeroizing::new(credential_text(password, 128)?.to_owned())),
        })
    }

    /// The collection code, of a call that has neither loginName nor loginPassword.
    #[must_use]
    pub fn collection_code(&self) -> Option<&str> {
        let login =
            ["loginName", "loginPassword"].into_iter().any(|n| self.envelope.raw(n).is_some());
        self.envelope.plain("collectionCode").filter(|_| !login)
    }

    fn credential(&self, name: &'static str) -> Result<&Given, Refusal> {
        let given = self.envelope.raw(name).ok_or(Refusal::Missing(name))?;
        if given.differs { Err(Refusal::invalid(name)) } else { Ok(given) }
    }

    /// The caller has shown who he is: now the parameters may be judged.
    #[must_use]
    pub fn authenticated(self, _proof: &impl Authentication) -> Authed {
        Authed { envelope: self.envelope, https: self.transport.https }
    }

    /// For the endpoints that ask for no login.
    ///
    /// # Errors
    /// -3 loginName where a login is asked for.
    pub fn anonymous(self) -> Result<Authed, Refusal> {
        if self.envelope.endpoint.login {
            return Err(Refusal::Missing("loginName"));
        }
        Ok(Authed { envelope: self.envelope, https: self.transport.https })
    }
}

/// A call from somebody known: the endpoints' `parse` take nothing else.
///
/// ```
/// fn known(call: &wire::envelope::Authed) {
///     let _ = wire::collect_ssl::parse(call);
/// }
/// ```
/// ```compile_fail,E0308
/// fn hasty(call: &wire::envelope::Incoming) {
///     let _ = wire::collect_ssl::parse(call);
/// }
/// ```
pub struct Authed {
    envelope: Envelope,
    /// Over TLS; DecodeCSR asks.
    pub(crate) https: bool,
}

impl Authed {
    /// The format of the answer.
    #[must_use]
    pub fn format(&self) -> Format {
        self.envelope.format()
    }

    /// Judges every parameter by its row: first what is missing, then the values, both in the table's order (§0.4).
    pub(crate) fn fields(&self) -> Result<Fields, Refusal> {
        Fields::read(self.envelope.endpoint, &self.envelope.given, None)
    }

    /// The same for an order: what its product demands is asked for, and what is for other products is kept and not judged.
    /// `bonus`: whether the account may have bonus days.
    pub(crate) fn fields_of_order(
        &self,
        catalogue: &Catalogue,
        bonus: bool,
    ) -> Result<Fields, Refusal> {
        let Envelope { endpoint, given, .. } = &self.envelope;
        let ordered = Ordered::read(endpoint, given, catalogue, bonus);
        Fields::read(endpoint, given, Some(&ordered))
    }

    /// The endpoint that was called.
    #[must_use]
    pub fn endpoint(&self) -> &'static Endpoint {
        self.envelope.endpoint
    }

    /// Whether a parameter is there, whatever it says.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.envelope.raw(name).is_some()
    }

    /// Whether a flag says Y.
    pub(crate) fn says_yes(&self, name: &str) -> bool {
        self.envelope.raw(name).is_some_and(|given| given.value.eq_ignore_ascii_case(b"Y"))
    }
}

fn credential_text(given: &Given, max: usize) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(&given.value).map_err(|_| Refusal::Login)?;
    let impossible = text.chars().count() > max || text.contains('\0');
    if impossible { Err(Refusal::Login) } else { Ok(text) }
}

/// A name as it may be echoed: programs in use decode an answer before they split it at `&`, so nothing of an unknown
/// name may look like a separator.
fn printable(name: &[u8]) -> String {
    let safe = |b: &u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
    name.iter().take(MAX_NAME).map(|b| if safe(b) { char::from(*b) } else { '?' }).collect()
}
