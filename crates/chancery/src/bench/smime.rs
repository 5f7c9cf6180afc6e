//! S/MIME orders under load: placed, the mailbox proven by the code of its mail, collected.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use client::{Client, Trust};
use form_urlencoded::Serializer;
use futures_util::future::{Either, select, try_join_all};
use http::uri::PathAndQuery;
use tokio::sync::oneshot;

use super::load::{Done, End, Load, Shared, order_number, shared};
use super::orders::{Maker, PreparedMail};

/// The codes that arrive in the sandbox's mailbox.
struct Codes {
    control: Client,
    path: PathAndQuery,
    inside: RefCell<Arrived>,
}

#[derive(Default)]
struct Arrived {
    last: u64,
    codes: HashMap<String, String>,
    waiting: HashMap<String, oneshot::Sender<String>>,
}

impl Codes {
    fn new(control: &str) -> anyhow::Result<Self> {
        let control = Client::new(control, "", "", Trust::Plain)?;
        let path = PathAndQuery::from_static("/codes");
        Ok(Self { control, path, inside: RefCell::default() })
    }

    /// Asks for what is new, again and again.
    async fn watch(&self) -> anyhow::Result<()> {
        loop {
            let after = self.inside.borrow().last;
            let question = serde_json::json!({ "after": after }).to_string();
            let answer = self.control.send(&self.path, question.into()).await?;
            let new: New = serde_json::from_slice(&answer)?;
            let quiet = new.codes.is_empty();
            self.inside.borrow_mut().take(new);
            tokio::time::sleep(Duration::from_millis(if quiet { 10 } else { 5 })).await;
        }
    }

    /// The code that was mailed to a mailbox, once it is there.
    async fn of(&self, mailbox: &str) -> anyhow::Result<String> {
        let arrives = {
            let mut inside = self.inside.borrow_mut();
            if let Some(code) = inside.codes.remove(mailbox) {
                return Ok(code);
            }
            let (tell, arrives) = oneshot::channel();
            inside.waiting.insert(mailbox.to_owned(), tell);
            arrives
        };
        arrives.await.with_context(|| format!("no code came to {mailbox}"))
    }
}

#[derive(serde::Deserialize)]
struct New {
    last: u64,
    codes: Vec<(String, String)>,
}

impl Arrived {
    fn take(&mut self, new: New) {
        self.last = new.last;
        for (mailbox, code) in new.codes {
            match self.waiting.remove(&mailbox) {
                Some(waits) => drop(waits.send(code)),
                None => drop(self.codes.insert(mailbox, code)),
            }
        }
    }
}

/// A phase of S/MIME orders.
pub struct MailLoad<'a> {
    pub client: Rc<Client>,
    pub maker: &'a Maker,
    pub batch: Vec<PreparedMail>,
    pub lanes: usize,
    pub control: &'a str,
}

struct Paths {
    place: PathAndQuery,
    enter: PathAndQuery,
    collect: PathAndQuery,
}

impl MailLoad<'_> {
    /// Runs a phase.
    pub async fn run(self, end: End) -> anyhow::Result<Done> {
        let shared = shared(super::load::What::Smime, end, Rc::new(Vec::new()));
        let paths = Paths {
            place: client::path("AutoApplyOrder")?,
            enter: PathAndQuery::from_static("/products/EnterSMIMECode"),
            collect: client::path("RequestAndCollectSMIME")?,
        };
        let codes = Codes::new(self.control)?;
        self.lanes(&shared, &paths, &codes).await?;
        Load::ended(shared)
    }

    async fn lanes(
        &self,
        shared: &Rc<RefCell<Shared>>,
        paths: &Paths,
        codes: &Codes,
    ) -> anyhow::Result<()> {
        let lanes = (0..self.lanes.max(1)).map(|_| self.lane(shared, paths, codes));
        let work = std::pin::pin!(try_join_all(lanes));
        let watch = std::pin::pin!(codes.watch());
        match select(work, watch).await {
            Either::Left((done, _)) => done.map(drop),
            Either::Right((failed, _)) => failed.context("watching the mailbox"),
        }
    }

    async fn lane(
        &self,
        shared: &Rc<RefCell<Shared>>,
        paths: &Paths,
        codes: &Codes,
    ) -> anyhow::Result<()> {
        loop {
            let Some(index) = shared.borrow_mut().next_of(self.batch.len()) else { return Ok(()) };
            let order = &self.batch[index];
            let begun = Instant::now();
            let (answer, took) = self.client.send_timed(&paths.place, order.form.clone()).await?;
            let number = order_number(&answer)?;
            shared.borrow_mut().was_placed(index, number, (begun, took));
            let code = codes.of(&order.mailbox).await?;
            let form = Serializer::new(String::new())
                .append_pair("orderNumber", &number.to_string())
                .append_pair("code", &code)
                .finish();
            let page = self.client.send(&paths.enter, form.into()).await?;
            let confirmed = page.windows(12).any(|window| window == b"is confirmed");
            anyhow::ensure!(confirmed, "order {number}: its code was not taken");
            self.collect(shared, paths, order.login, number, begun).await?;
        }
    }

    async fn collect(
        &self,
        shared: &Rc<RefCell<Shared>>,
        paths: &Paths,
        login: usize,
        order: u64,
        begun: Instant,
    ) -> anyhow::Result<()> {
        let mut pause = shared.borrow().pause.first();
        for attempt in 0.. {
            tokio::time::sleep(pause).await;
            let asked = Instant::now();
            let form = self.maker.collect_mail_form(login, order);
            let (answer, took) = self.client.send_timed(&paths.collect, form).await?;
            let early = answer.as_ref() == b"0\n";
            anyhow::ensure!(
                early || answer.starts_with(b"2\n"),
                "order {order}: {}",
                String::from_utf8_lossy(&answer)
            );
            let mut shared = shared.borrow_mut();
            shared.was_asked((asked, took), early);
            if attempt == 0 {
                shared.pause.learn(early);
            }
            if !early {
                return shared.was_collected(order, login, begun, answer);
            }
            anyhow::ensure!(
                begun.elapsed() < Duration::from_secs(600),
                "order {order} has no certificate after ten minutes"
            );
            pause = shared.pause.again();
        }
        Ok(())
    }
}

/// The end-entity certificate in an answer, as it is written there: the last block of PEM.
pub fn leaf(answer: &Bytes) -> Option<&[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let at = answer.windows(BEGIN.len()).rposition(|window| window == BEGIN)?;
    answer.get(at..)
}
