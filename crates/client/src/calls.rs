//! The calls, one method each.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::certificate::{CertificateId, OrderNumber};
use domain::dcv::DcvMethod;
use form_urlencoded::Serializer;
use http::uri::PathAndQuery;
use wire::table::Family;
use zeroize::Zeroizing;

use crate::connections::Connections;
use crate::{Answer, Error, OrderForm, ReplaceForm, Trust};

/// A caller of one server, with one login. Cheap calls, some connections at a time (8 unless
/// [`Client::with_connections`] says otherwise); calls beyond them wait.
pub struct Client {
    connections: Connections,
    /// `loginName=…&loginPassword=…`, encoded.
    login: Zeroizing<String>,
}

/// The code of an order whose certificate is being signed.
const BEING_ISSUED: i64 = -26;

/// An order that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Its number.
    pub order: OrderNumber,
    /// What it cost, as the server wrote it; empty for a replacement.
    pub total_cost: String,
    /// Its certificate request, if the server told.
    pub certificate: Option<CertificateId>,
    /// The value that its request token contains, if there is one.
    pub unique_value: Option<String>,
    /// The price is still to be paid.
    pub payment_due: bool,
}

/// How an order stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Collected {
    /// It is being processed, or signed at this moment.
    Pending,
    /// Here it is.
    Issued(Certificate),
}

/// A certificate with those above it, DER.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// The certificate.
    pub leaf: Vec<u8>,
    /// The CA certificates, root first, as servers tell them.
    pub chain: Vec<Vec<u8>>,
}

/// Addresses to which a mail of domain control may be sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DcvAddresses {
    /// The domain.
    pub domain: String,
    /// The addresses, without repetition, in the server's order.
    pub addresses: Vec<String>,
}

/// How a name of an order stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameState {
    /// The name.
    pub name: String,
    /// How control is to be shown, in the server's words.
    pub method: String,
    /// How that stands, in the server's words.
    pub status: String,
}

impl Client {
    /// For a server at a base address like `https://ca.example.com`; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Setup`].
    pub fn new(base: &str, login: &str, password: &str, trust: Trust<'_>) -> Result<Self, Error> {
        Self::with_connections(base, login, password, trust, 8)
    }

    /// With this many connections at most.
    ///
    /// # Errors
    /// [`Error::Setup`].
    pub fn with_connections(
        base: &str,
        login: &str,
        password: &str,
        trust: Trust<'_>,
        most: usize,
    ) -> Result<Self, Error> {
        let mut form = Serializer::new(String::new());
        form.append_pair("loginName", login).append_pair("loginPassword", password);
        let connections = Connections::new(base, trust, most)?;
        Ok(Self { connections, login: Zeroizing::new(form.finish()) })
    }

    /// Opens connections beforehand.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn warm(&self, count: usize) -> Result<(), Error> {
        self.connections.warm(count).await
    }

    /// Places an order (!AutoApplySSL).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn place(&self, order: &OrderForm) -> Result<Placed, Error> {
        let mut pairs: Vec<(&str, &str)> = borrowed(&order.0);
        pairs.extend([("showCertificateID", "Y"), ("responseFormat", "1")]);
        let answer = self.call("AutoApplySSL", &pairs).await?;
        placed(&answer, 1)
    }

    /// Exchanges a certificate (!AutoReplaceSSL); the new order of the chain comes back.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn replace(&self, order: OrderNumber, form: &ReplaceForm) -> Result<Placed, Error> {
        let number = order.to_string();
        let mut pairs = vec![("orderNumber", number.as_str())];
        pairs.extend(borrowed(&form.0));
        pairs.push(("responseFormat", "1"));
        let answer = self.call("AutoReplaceSSL", &pairs).await?;
        placed(&answer, usize::MAX)
    }

    /// Asks for an order's certificate with its chain (CollectSSL).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn collect(&self, order: OrderNumber) -> Result<Collected, Error> {
        let number = order.to_string();
        let pairs = [
            ("orderNumber", number.as_str()),
            ("queryType", "1"),
            ("responseType", "3"),
            ("responseFormat", "1"),
        ];
        match self.call("CollectSSL", &pairs).await {
            Ok(answer) if answer.code() == 2 => Certificate::read(&answer).map(Collected::Issued),
            Ok(_) => Ok(Collected::Pending),
            Err(Error::Refused(refused)) if refused.code == BEING_ISSUED => Ok(Collected::Pending),
            Err(error) => Err(error),
        }
    }

    /// Chooses another way of showing control of a name, and has it looked at (!AutoUpdateDCV). An order of one name
    /// does without the name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_dcv(
        &self,
        order: OrderNumber,
        name: Option<&str>,
        method: DcvMethod,
        address: Option<&str>,
    ) -> Result<(), Error> {
        let number = order.to_string();
        let mut pairs = vec![("orderNumber", number.as_str()), ("newMethod", method.as_str())];
        pairs.extend(name.map(|name| ("domainName", name)));
        pairs.extend(address.map(|address| ("newDCVEmailAddress", address)));
        self.call("AutoUpdateDCV", &pairs).await.map(drop)
    }

    /// Sends the mails of domain control once more (!ResendDCVEmail).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn resend_dcv_mail(&self, order: OrderNumber) -> Result<(), Error> {
        let number = order.to_string();
        let pairs = [("orderNumber", number.as_str())];
        self.call("ResendDCVEmail", &pairs).await.map(drop)
    }

    /// Asks where a mail of domain control may be sent (!GetDCVEmailAddressList).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn dcv_addresses(&self, name: &str) -> Result<DcvAddresses, Error> {
        let pairs = [("domainName", name)];
        let answer = self.call("GetDCVEmailAddressList", &pairs).await?;
        Ok(addresses(&answer))
    }

    /// Asks how the names of an order stand (!GetMDCDomainDetails).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn names(&self, order: OrderNumber) -> Result<Vec<NameState>, Error> {
        let number = order.to_string();
        let pairs = [("orderNumber", number.as_str()), ("responseFormat", "1")];
        let answer = self.call("GetMDCDomainDetails", &pairs).await?;
        Ok(names(&answer))
    }

    /// Any call by its name, with the login put before its parameters.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn call(&self, call: &str, pairs: &[(&str, &str)]) -> Result<Answer, Error> {
        let path = path(call)?;
        Answer::read(&self.send(&path, self.form(pairs)).await?)
    }

    /// A form with the login put before: for callers who prepare calls beforehand.
    #[must_use]
    pub fn form(&self, pairs: &[(&str, &str)]) -> Bytes {
        let mut form = Serializer::new(self.login.to_string());
        form.extend_pairs(pairs);
        form.finish().into()
    }

    /// Sends a prepared form as it is and gives the answer as it is.
    ///
    /// # Errors
    /// [`Error`], except for [`Error::Refused`]: nothing is read.
    pub async fn send(&self, path: &PathAndQuery, form: Bytes) -> Result<Bytes, Error> {
        Ok(self.connections.post(path, form).await?.0)
    }

    /// The same, and how long the call took on its connection: without the wait for one of this client's connections to
    /// be free.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_timed(
        &self,
        path: &PathAndQuery,
        form: Bytes,
    ) -> Result<(Bytes, Duration), Error> {
        self.connections.post(path, form).await
    }
}

/// Where a call goes, for [`Client::send`]: `AutoApplySSL` is at `/products/!AutoApplySSL`.
///
/// # Errors
/// [`Error::Setup`] when the interface has no call of that name.
pub fn path(call: &str) -> Result<PathAndQuery, Error> {
    let no_call = || Error::Setup(format!("the interface has no call '{call}'"));
    let endpoint = wire::ENDPOINTS.iter().find(|e| e.name == call).ok_or_else(no_call)?;
    let path = match endpoint.family {
        Family::Management => format!("/products/!{call}"),
        Family::Collection => format!("/products/download/{call}"),
    };
    path.parse().map_err(|_| no_call())
}

fn borrowed<'a>(pairs: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// `cost` is the line of the cost.
fn placed(answer: &Answer, cost: usize) -> Result<Placed, Error> {
    let number = answer.get("orderNumber").or_else(|| answer.line(0)).unwrap_or_default();
    let order = number.trim().parse().map_err(|_| Error::Unreadable("no order number".into()))?;
    let id = answer.get("certificateID").and_then(|id| id.parse().ok());
    let total = answer.get("totalCost").or_else(|| answer.line(cost)).unwrap_or_default();
    Ok(Placed {
        order: OrderNumber(order),
        total_cost: total.to_owned(),
        certificate: id.map(CertificateId),
        unique_value: answer.get("uniqueValue").map(str::to_owned),
        payment_due: answer.code() == 1,
    })
}

impl Certificate {
    /// From an answer of CollectSSL, in whichever format it is.
    ///
    /// # Errors
    /// [`Error::Unreadable`].
    pub fn read(answer: &Answer) -> Result<Self, Error> {
        let der = |text: &str| -> Result<Vec<u8>, Error> {
            let bare: String = text.split_ascii_whitespace().collect();
            STANDARD.decode(bare).map_err(|e| Error::Unreadable(format!("certificate: {e}")))
        };
        let named = answer.get("certificate");
        let above: Vec<String> = match named {
            Some(_) => answer.all("caCertificate").into_iter().map(str::to_owned).collect(),
            None => armoured(answer),
        };
        let mut chain: Vec<Vec<u8>> =
            above.iter().map(|text| der(text)).collect::<Result<_, _>>()?;
        let leaf = match named {
            Some(leaf) => Some(der(leaf)?),
            None => chain.pop(),
        };
        let leaf = leaf.ok_or_else(|| Error::Unreadable("no certificate".to_owned()))?;
        Ok(Self { leaf, chain })
    }
}

/// The Base64 between PEM's dashes in an answer in lines: root first, the certificate last.
fn armoured(answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside: Option<String> = None;
    for line in answer.lines() {
        if line.starts_with("-----BEGIN") {
            inside = Some(String::new());
        } else if line.starts_with("-----END") {
            found.extend(inside.take());
        } else if let Some(text) = &mut inside {
            text.push_str(line);
        }
    }
    found
}

fn addresses(answer: &Answer) -> DcvAddresses {
    let mut found = DcvAddresses::default();
    for line in answer.lines() {
        let Some((key, value)) = line.split_once('\t') else { continue };
        let value = value.trim();
        if key == "domain_name" {
            found.domain = value.to_owned();
        } else if value != "none" && !found.addresses.iter().any(|there| there == value) {
            found.addresses.push(value.to_owned());
        }
    }
    found
}

fn names(answer: &Answer) -> Vec<NameState> {
    let of = |number: usize, key: &str| {
        answer.get(&format!("{number}_{key}")).unwrap_or_default().to_owned()
    };
    (1..)
        .map_while(|number| {
            let name = answer.get(&format!("{number}_domainName"))?.to_owned();
            Some(NameState {
                name,
                method: of(number, "dcvMethod"),
                status: of(number, "dcvStatus"),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Answer {
        Answer::read(text.as_bytes()).expect("an answer")
    }

    #[test]
    fn an_order_is_read_in_both_formats() {
        let pairs = read("errorCode=1&orderNumber=10000001&totalCost=79.00&certificateID=5");
        let pairs = placed(&pairs, 1).expect("placed");
        assert_eq!((pairs.order, pairs.payment_due), (OrderNumber(10_000_001), true));
        assert_eq!(pairs.certificate, Some(CertificateId(5)));
        let lines = placed(&read("0\n10000001\n79.00\n1\n"), 1).expect("placed");
        assert_eq!((lines.order, lines.total_cost.as_str()), (pairs.order, "79.00"));
    }

    #[test]
    fn a_certificate_is_read_in_both_formats() {
        let pairs = read("errorCode=2&orderNumber=1&caCertificate=Ug%3D%3D&certificate=TA%3D%3D");
        let pem =
            |body| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let lines = read(&format!("2\n{}{}", pem("Ug=="), pem("TA==")));
        for answer in [pairs, lines] {
            let found = Certificate::read(&answer).expect("a certificate");
            assert_eq!((found.leaf, found.chain), (b"L".to_vec(), vec![b"R".to_vec()]));
        }
    }

    #[test]
    fn addresses_and_names_are_read() {
        let list = "0\ndomain_name\ta.example\nwhois_email\tnone\nlevel2_email\tadmin@a.example\n";
        let list = addresses(&read(list));
        assert_eq!(list.domain, "a.example");
        assert_eq!(list.addresses, ["admin@a.example"]);
        let names = names(&read(
            "errorCode=0&1_domainName=a&1_dcvMethod=EMAIL&1_dcvStatus=Validated&2_domainName=b",
        ));
        assert_eq!(names.len(), 2);
        assert_eq!(names[0].status, "Validated");
    }

    #[test]
    fn paths_are_the_interface_s() {
        let at = |call| path(call).expect("a path").to_string();
        assert_eq!(at("AutoApplySSL"), "/products/!AutoApplySSL");
        assert_eq!(at("CollectSSL"), "/products/download/CollectSSL");
    }
}
