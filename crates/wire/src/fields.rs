//! Judging values by their rows, once, into typed values; and taking them out by name.

use std::str::FromStr;

use domain::country::CountryCode;
use domain::dcv::{DcvMethod, UniqueValue};
use domain::mail_address::MailAddress;
use domain::names::CertName;
use domain::order_ssl::{DcvChoice, DcvList, IssuanceMail};
use domain::refusal::Refusal;
use domain::time::Time;

use crate::envelope::Given;
use crate::scope::Ordered;
use crate::table::{Endpoint, Form, OverLong, Parameter, Requirement};

/// Every parameter of a call, judged.
pub(crate) struct Fields {
    endpoint: &'static Endpoint,
    values: Vec<Option<Judged>>,
}

/// A judged value: its text after trimming and truncation, and what it means.
pub(crate) struct Judged {
    text: String,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// Of another product: kept, and not looked at.
    Unread,
    Text,
    Integer(i64),
    Word(&'static str),
    Flag(bool),
    Country(CountryCode),
    Mail(MailAddress),
    NoMail,
    UniqueValue(UniqueValue),
    Numbers(Vec<i64>),
    Dcv(DcvList),
    Name(CertName),
}

impl Fields {
    /// Judges in the order of the table: first what is missing, then the values. Of an order it is what its product demands
    /// and what counts for it.
    pub(crate) fn read(
        endpoint: &'static Endpoint,
        given: &[Option<Given>],
        ordered: Option<&Ordered<'_>>,
    ) -> Result<Self, Refusal> {
        let pairs = || endpoint.parameters().zip(given);
        for (row, given) in pairs() {
            let Some(row) = ordered.map_or(Some(row), |ordered| ordered.row(row)) else { continue };
            let demanded = match row.requirement {
                Requirement::Required => !row.decided_later && row.form != Form::Secret,
                Requirement::Optional | Requirement::Conditional => false,
            };
            let there = given.as_ref().is_some_and(|g| !is_blank(row, g));
            if !there && (demanded || ordered.is_some_and(|ordered| ordered.demands(row))) {
                return Err(Refusal::Missing(row.name));
            }
        }
        let judge = |(row, given): (&'static Parameter, &Option<Given>)| match (given, ordered) {
            (Some(given), Some(ordered)) => ordered.judge(row, given),
            (Some(given), None) => judge(row, given),
            (None, _) => Ok(None),
        };
        let values = pairs().map(judge).collect::<Result<_, _>>()?;
        Ok(Self { endpoint, values })
    }

    fn get(&self, name: &str) -> Option<&Judged> {
        let position = self.endpoint.position(name);
        debug_assert!(position.is_some(), "{} has no row {name}", self.endpoint.name);
        self.values.get(position?)?.as_ref()
    }

    /// The text after trimming and truncation.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.looked_at(name).map(|judged| judged.text.clone())
    }

    /// The entries of a list.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        self.looked_at(name).map(|judged| entries(&judged.text).map(str::to_owned).collect())
    }

    fn looked_at(&self, name: &str) -> Option<&Judged> {
        self.get(name).filter(|judged| !matches!(judged.value, Value::Unread))
    }

    /// A number.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name)?.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// A number that cannot be negative and fits; -4 otherwise.
    pub(crate) fn small(&self, name: &'static str) -> Result<Option<u32>, Refusal> {
        let fit = |number| u32::try_from(number).map_err(|_| Refusal::invalid(name));
        self.integer(name).map(fit).transpose()
    }

    /// Y or N.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)?.value {
            Value::Flag(yes) => Some(yes),
            _ => None,
        }
    }

    /// True when the parameter says Y.
    pub(crate) fn yes(&self, name: &str) -> bool {
        self.flag(name) == Some(true)
    }

    /// One of the row's words, in the row's spelling.
    pub(crate) fn word(&self, name: &str) -> Option<&'static str> {
        match self.get(name)?.value {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    /// A country.
    pub(crate) fn country(&self, name: &str) -> Option<CountryCode> {
        match self.get(name)?.value {
            Value::Country(country) => Some(country),
            _ => None,
        }
    }

    /// A mail address.
    pub(crate) fn mail(&self, name: &str) -> Option<MailAddress> {
        match &self.get(name)?.value {
            Value::Mail(mail) => Some(mail.clone()),
            _ => None,
        }
    }

    /// A mail address or `none`.
    pub(crate) fn mail_or_none(&self, name: &str) -> IssuanceMail {
        match self.get(name).map(|judged| &judged.value) {
            Some(Value::Mail(mail)) => IssuanceMail::To(mail.clone()),
            Some(Value::NoMail) => IssuanceMail::None,
            _ => IssuanceMail::Default,
        }
    }

    /// A unique value.
    pub(crate) fn unique_value(&self, name: &str) -> Option<UniqueValue> {
        match &self.get(name)?.value {
            Value::UniqueValue(unique) => Some(unique.clone()),
            _ => None,
        }
    }

    /// Numbers between commas.
    pub(crate) fn numbers(&self, name: &str) -> Vec<i64> {
        match self.get(name).map(|judged| &judged.value) {
            Some(Value::Numbers(numbers)) => numbers.clone(),
            _ => Vec::new(),
        }
    }

    /// Choices of domain control.
    pub(crate) fn dcv_list(&self, name: &str) -> Option<DcvList> {
        match &self.get(name)?.value {
            Value::Dcv(list) => Some(list.clone()),
            _ => None,
        }
    }

    /// A name.
    pub(crate) fn name(&self, name: &str) -> Option<CertName> {
        match &self.get(name)?.value {
            Value::Name(name) => Some(name.clone()),
            _ => None,
        }
    }

    /// Everything that was given, without credentials, CSR and parameters that nobody reads.
    pub(crate) fn kept(&self) -> Vec<(&'static str, String)> {
        self.endpoint
            .parameters()
            .zip(&self.values)
            .filter(|(row, _)| !matches!(row.form, Form::Secret | Form::Lines | Form::Ignored))
            .filter_map(|(row, judged)| Some((row.name, judged.as_ref()?.text.clone())))
            .collect()
    }
}

/// Judges one value. None for a credential, which is not judged here, and for a blank one, which is absent.
pub(crate) fn judge(row: &'static Parameter, given: &Given) -> Result<Option<Judged>, Refusal> {
    if matches!(row.form, Form::Secret | Form::Ignored) || is_blank(row, given) {
        return Ok(None);
    }
    if given.differs || given.broken {
        return Err(Refusal::invalid(row.name));
    }
    let invalid = || match row.form {
        Form::CertifiedMail => Refusal::MailAddress(row.name),
        _ => Refusal::invalid(row.name),
    };
    let text = std::str::from_utf8(&given.value).map_err(|_| invalid())?;
    let lines = matches!(row.form, Form::Lines | Form::List | Form::DcvList | Form::DcvTokens);
    if text.chars().any(|c| c.is_control() && !(lines && matches!(c, '\r' | '\n' | '\t'))) {
        return Err(invalid());
    }
    let text = if trims(row.form) { text.trim_matches(is_space) } else { text };
    let text = fit(row, text).ok_or_else(|| Refusal::invalid(row.name))?;
    Ok(Some(Judged { value: value(row, text)?, text: text.to_owned() }))
}

/// What is kept of a value that does not count: its text, cut where it is too long. Nothing of one that is no text. That it
/// came once or always the same is asked of it too (D2).
pub(crate) fn unread(row: &Parameter, given: &Given) -> Result<Option<Judged>, Refusal> {
    if given.differs {
        return Err(Refusal::invalid(row.name));
    }
    let text = std::str::from_utf8(&given.value).unwrap_or_default();
    let text: String = text.chars().take(row.max_length.unwrap_or(64)).collect();
    let kept = !text.contains('\0') && !text.is_empty() && !is_blank(row, given);
    Ok(kept.then_some(Judged { text, value: Value::Unread }))
}

/// Numbers and words are exact; around anything else blanks mean nothing.
fn trims(form: Form) -> bool {
    !matches!(form, Form::Integer | Form::Word | Form::Flag | Form::UniqueValue)
}

pub(crate) fn is_blank(row: &Parameter, given: &Given) -> bool {
    let text = std::str::from_utf8(&given.value);
    trims(row.form) && text.is_ok_and(|text| text.chars().all(is_space))
}

/// Any blank, also one that does not break a line; what controls is judged for itself.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !c.is_control()
}

/// The text cut to the row's length, or None if it is too long and may not be cut.
fn fit<'t>(row: &Parameter, text: &'t str) -> Option<&'t str> {
    let Some((end, _)) = row.max_length.and_then(|max| text.char_indices().nth(max)) else {
        return Some(text);
    };
    match row.over_long {
        OverLong::Refuse => None,
        OverLong::Truncate if trims(row.form) => Some(text[..end].trim_end_matches(is_space)),
        OverLong::Truncate => Some(&text[..end]),
    }
}

fn value(row: &'static Parameter, text: &str) -> Result<Value, Refusal> {
    let invalid = || Refusal::invalid(row.name);
    Ok(match row.form {
        Form::Secret | Form::Ignored | Form::Text | Form::Lines => Value::Text,
        Form::List => entries(text).next().map(|_| Value::Text).ok_or_else(invalid)?,
        Form::Integer => Value::Integer(allowed_integer(row, text).ok_or_else(invalid)?),
        Form::Word => Value::Word(word(row.allowed, text).ok_or_else(invalid)?),
        Form::Flag => Value::Flag(word("Y N", text).ok_or_else(invalid)? == "Y"),
        Form::Country => {
            Value::Country(text.parse().map_err(|_| Refusal::NotACountry(text.to_owned()))?)
        }
        Form::MailOrNone if text.eq_ignore_ascii_case("none") => Value::NoMail,
        Form::Mail | Form::MailOrNone => Value::Mail(mail(row.name, text)?),
        Form::CertifiedMail => {
            Value::Mail(mail(row.name, text).map_err(|_| Refusal::MailAddress(row.name))?)
        }
        Form::MimeType if is_mime_type(text) => Value::Text,
        Form::MimeType => return Err(invalid()),
        Form::Date if text.len() == 10 && Time::parse(text).is_ok() => Value::Text,
        Form::Date => return Err(invalid()),
        Form::Digits if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => Value::Text,
        Form::Digits => return Err(invalid()),
        Form::UniqueValue => Value::UniqueValue(text.parse().map_err(|_| invalid())?),
        Form::Numbers => Value::Numbers(numbers(text).ok_or_else(invalid)?),
        Form::DcvList => Value::Dcv(dcv_list(row.name, text, true)?),
        Form::DcvTokens => Value::Dcv(dcv_list(row.name, text, false)?),
        Form::Name => Value::Name(
            CertName::from_str(text).map_err(|why| Refusal::invalid_because(row.name, why))?,
        ),
    })
}

/// The entries between commas and white space (D76).
pub(crate) fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty())
}

/// `type/subtype`, each a token (RFC 2045), and none in which a browser would run what it is sent.
fn is_mime_type(text: &str) -> bool {
    const DOCUMENTS: [&str; 6] = ["html", "xhtml", "xml", "svg", "xsl", "multipart/"];
    let token = |part: &str| {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b);
        !part.is_empty() && part.bytes().all(token)
    };
    let lower = text.to_ascii_lowercase();
    text.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub))
        && !DOCUMENTS.iter().any(|document| lower.contains(document))
}

/// Decimal digits with at most a minus before them.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Digits of a number, zeros before it included (D18).
const LONGEST_NUMBER: usize = 128;

fn allowed_integer(row: &Parameter, text: &str) -> Option<i64> {
    let number = integer(text).filter(|_| text.len() <= LONGEST_NUMBER)?;
    let mut allowed = row.allowed.split_ascii_whitespace();
    let listed = allowed.any(|value| integer(value) == Some(number));
    (row.allowed.is_empty() || listed).then_some(number)
}

pub(crate) fn numbers(text: &str) -> Option<Vec<i64>> {
    let pieces = text.split(',').map(|piece| piece.trim_matches(' ')).filter(|p| !p.is_empty());
    let numbers: Vec<i64> = pieces.map(integer).collect::<Option<_>>()?;
    (!numbers.is_empty()).then_some(numbers)
}

fn word(allowed: &'static str, text: &str) -> Option<&'static str> {
    allowed.split_ascii_whitespace().find(|word| word.eq_ignore_ascii_case(text))
}

pub(crate) fn mail(name: &'static str, text: &str) -> Result<MailAddress, Refusal> {
    let address: MailAddress = text.parse().map_err(|why| Refusal::invalid_because(name, why))?;
    match address.has_internet_tld() {
        true => Ok(address),
        false => Err(Refusal::invalid_because(name, "Invalid Internet TLD")),
    }
}

/// A list of choices (D75): one ALL… token alone, or one entry per name.
fn dcv_list(name: &'static str, text: &str, mails: bool) -> Result<DcvList, Refusal> {
    let tokens: Vec<&str> = entries(text).collect();
    if let [only] = tokens[..] {
        let upper = only.to_ascii_uppercase();
        if let Some(method) = upper.strip_prefix("ALL").and_then(DcvMethod::from_list_token) {
            return Ok(DcvList::All(method));
        }
    }
    let choice = |token: &&str| match DcvMethod::from_list_token(&token.to_ascii_uppercase()) {
        Some(method) => Ok(DcvChoice::Method(method)),
        None if mails && token.contains('@') => Ok(DcvChoice::Mail(mail(name, token)?)),
        None => Err(Refusal::invalid(name)),
    };
    if tokens.is_empty() {
        return Err(Refusal::invalid(name));
    }
    tokens.iter().map(choice).collect::<Result<_, _>>().map(DcvList::Each)
}
