//! Reading answers, in lines or in pairs.

use crate::{Error, Refused};

/// An answer that is no refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    code: i64,
    pairs: Vec<(String, String)>,
    lines: Vec<String>,
}

impl Answer {
    /// Reads an answer of either format. A code below zero is an error, whatever the HTTP status was; an answer in
    /// pairs without any code counts as 0, for some servers leave it out when all is well.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::Unreadable`].
    pub fn read(body: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(body)
            .map_err(|_| Error::Unreadable("it is not UTF-8".to_owned()))?;
        let first = text.lines().next().unwrap_or_default().trim();
        let answer = match first.parse::<i64>() {
            Ok(code) => Self { code, pairs: Vec::new(), lines: rest(text) },
            Err(_) if first.contains('=') => Self::of_pairs(text.trim_end())?,
            Err(_) => return Err(Error::Unreadable(text.chars().take(200).collect())),
        };
        match answer.code {
            0.. => Ok(answer),
            _ => Err(answer.refused().into()),
        }
    }

    fn of_pairs(text: &str) -> Result<Self, Error> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let code = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case("errorCode"));
        let code = match code {
            Some((_, code)) => code.trim().parse().map_err(|_| Error::Unreadable(code.clone()))?,
            None => 0,
        };
        Ok(Self { code, pairs, lines: Vec::new() })
    }

    fn refused(self) -> Refused {
        let of = |key: &str| self.get(key).map(str::to_owned);
        let message = of("errorMessage").or_else(|| self.line(0).map(str::to_owned));
        Refused {
            code: self.code,
            message: message.unwrap_or_default(),
            item: of("errorItem"),
            detail: of("errorDetail"),
        }
    }

    /// The code: 0 or above.
    #[must_use]
    pub fn code(&self) -> i64 {
        self.code
    }

    /// The first value of a key, whatever its case; None if it is not there, as in answers in lines.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.named(key).next()
    }

    /// Every value of a key.
    pub fn all(&self, key: &str) -> Vec<&str> {
        self.named(key).collect()
    }

    fn named<'s, 'k>(&'s self, key: &'k str) -> impl Iterator<Item = &'s str> + use<'s, 'k> {
        let named = move |(name, _): &&(String, String)| name.eq_ignore_ascii_case(key);
        self.pairs.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// A line after the code, counted from 0; None in answers in pairs.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&str> {
        self.lines.get(number).map(String::as_str)
    }

    /// The lines after the code.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

fn rest(text: &str) -> Vec<String> {
    text.lines().skip(1).map(|line| line.trim_end_matches('\r').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read() {
        let answer = Answer::read(b"errorCode=2&caCertificate=QQ%3D%3D&caCertificate=QUI%3D\n");
        let answer = answer.expect("an answer");
        assert_eq!(answer.code(), 2);
        assert_eq!(answer.all("CACertificate"), ["QQ==", "QUI="]);
        assert_eq!(answer.get("orderNumber"), None);
    }

    #[test]
    fn lines_are_read() {
        let answer = Answer::read(b"0\r\n10000007\r\n79.00\n1\n").expect("an answer");
        assert_eq!(answer.lines().collect::<Vec<_>>(), ["10000007", "79.00", "1"]);
    }

    #[test]
    fn a_refusal_is_an_error_in_both_formats() {
        let pairs = b"errorCode=-4&errorMessage=The+value%21&errorItem=csr&errorDetail=no";
        let Err(Error::Refused(refused)) = Answer::read(pairs) else { panic!("refused") };
        assert_eq!((refused.code, refused.item.as_deref()), (-4, Some("csr")));
        assert_eq!(refused.to_string(), "-4: The value! (no)");
        let Err(Error::Refused(refused)) = Answer::read(b"-16\nWrong login!\n") else {
            panic!("refused")
        };
        assert_eq!((refused.code, refused.message.as_str()), (-16, "Wrong login!"));
    }

    #[test]
    fn pages_are_no_answers() {
        assert!(matches!(Answer::read(b"<html>502</html>"), Err(Error::Unreadable(_))));
        assert!(matches!(Answer::read(b""), Err(Error::Unreadable(_))));
        assert_eq!(Answer::read(b"orderNumber=7").expect("an answer").code(), 0);
    }
}
