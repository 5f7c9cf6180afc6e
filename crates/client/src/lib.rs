//! What a Rust program links to order certificates: from Chancery, or from any other server that speaks the interface.
//!
//! Small and asynchronous: a [`Client`] holds connections open for some seconds, and each method is one call of the interface. What
//! comes back is read tolerantly, in lines or in pairs, for servers differ. A call that was refused is
//! [`Error::Refused`] with the server's code, message, item and detail.
//!
//! It never repeats a call that may have reached the server. A program that lost the answer to an order asks again
//! with the same `foreignOrderNumber` and `checkFONIsUnique=Y`: code -4 says that the first one went through.
//!
//! ```no_run
//! use client::{Client, Collected, OrderForm, Trust};
//!
//! # async fn example(tls_ca: &[u8], csr: &str) -> Result<(), client::Error> {
//! let client = Client::new("https://127.0.0.1:8443", "reseller", "secret", Trust::Pem(tls_ca))?;
//! let order = OrderForm::new(488, csr).days(365).dcv(domain::dcv::DcvMethod::CnameCsrHash);
//! let placed = client.place(&order).await?;
//! println!("order {} for {}", placed.order, placed.total_cost);
//! // … publish the proof, then:
//! let certificate = loop {
//!     match client.collect(placed.order).await? {
//!         Collected::Pending => tokio::time::sleep(std::time::Duration::from_secs(15)).await,
//!         Collected::Issued(certificate) => break certificate,
//!     }
//! };
//! println!("{} octets, below {} CAs", certificate.leaf.len(), certificate.chain.len());
//! # Ok(())
//! # }
//! ```

mod answer;
mod calls;
mod connections;
mod error;
mod order;

pub use answer::Answer;
pub use calls::{Certificate, Client, Collected, DcvAddresses, NameState, Placed, path};
pub use connections::Trust;
pub use error::{Error, Refused};
pub use order::{OrderForm, ReplaceForm};
