//! Publishing proofs in the sandbox's DNS, many at a time.

use client::{Client, Trust};
use http::uri::PathAndQuery;
use serde_json::json;

use super::orders::Prepared;

/// The control API.
pub struct Proofs {
    control: Client,
    path: PathAndQuery,
}

/// How many in one call.
const AT_ONCE: usize = 20_000;

impl Proofs {
    pub fn new(control: &str) -> anyhow::Result<Self> {
        let control = Client::new(control, "", "", Trust::Plain)?;
        Ok(Self { control, path: PathAndQuery::from_static("/set-cnames") })
    }

    pub async fn publish(&self, orders: &[Prepared]) -> anyhow::Result<()> {
        let all: Vec<usize> = (0..orders.len()).collect();
        self.publish_some(orders, &all).await
    }

    pub async fn publish_some(&self, orders: &[Prepared], which: &[usize]) -> anyhow::Result<()> {
        for some in which.chunks(AT_ONCE) {
            let proofs: Vec<_> = some
                .iter()
                .map(|index| {
                    let (host, target) = orders[*index].proof();
                    json!({ "host": host, "target": target })
                })
                .collect();
            let answer = self.control.send(&self.path, serde_json::to_vec(&proofs)?.into()).await?;
            let set: serde_json::Value = serde_json::from_slice(&answer)?;
            anyhow::ensure!(set["set"] == some.len(), "proofs: {set}");
        }
        Ok(())
    }
}
