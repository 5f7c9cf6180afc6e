//! What the control API asks of the house.

use std::sync::Arc;

use sandbox::{Boxed, House, World};
use serde_json::{Value, json};
use server::demo::{self, DemoAccount};
use server::faults::Rule;
use server::open::Opened;
use server::start::Running;
use tokio::sync::RwLock;

/// The house as the control API sees it.
pub struct SandboxHouse {
    opened: Opened,
    running: RwLock<Option<Running>>,
    accounts: Vec<DemoAccount>,
}

impl SandboxHouse {
    /// Over a running house.
    pub fn new(opened: Opened, running: Running, accounts: Vec<DemoAccount>) -> Arc<Self> {
        Arc::new(Self { opened, running: RwLock::new(Some(running)), accounts })
    }

    /// Stops the house.
    pub async fn stop(&self) {
        if let Some(running) = self.running.write().await.take() {
            running.stop().await;
        }
    }
}

impl House for SandboxHouse {
    fn now(&self) -> i64 {
        self.opened.house.now().ms()
    }

    fn offset_seconds(&self) -> i64 {
        self.opened.turned.as_ref().map_or(0, |turned| turned.offset() / 1_000)
    }

    fn advance_to(&self, ms: i64) -> Boxed<'_, Result<(), String>> {
        Box::pin(async move {
            match &*self.running.read().await {
                Some(running) => demo::turn_clock(&self.opened, running, ms).await,
                None => Err("the sandbox is stopping".to_owned()),
            }
        })
    }

    fn dns_changed(&self) {
        self.opened.house.asker.forget();
    }

    fn settle(
        &self,
        order_number: u64,
        check: String,
        result: String,
    ) -> Boxed<'_, Result<Value, String>> {
        Box::pin(async move {
            let order = i64::try_from(order_number).map_err(|_| "no such order".to_owned())?;
            let state = demo::settle(&self.opened.house, order, &check, &result).await?;
            Ok(json!({ "orderNumber": order, "state": state }))
        })
    }

    fn requests(&self) -> Boxed<'_, Result<Value, String>> {
        Box::pin(async { Ok(Value::Array(self.opened.house.calls.all())) })
    }

    fn clear_requests(&self) -> Boxed<'_, Result<(), String>> {
        Box::pin(async {
            self.opened.house.calls.clear();
            Ok(())
        })
    }

    fn faults(&self) -> Boxed<'_, Result<Value, String>> {
        Box::pin(async { Ok(json!(self.opened.house.faults.rules())) })
    }

    fn set_faults(&self, rules: Value) -> Boxed<'_, Result<Value, String>> {
        Box::pin(async move {
            let rules: Vec<Rule> = match rules {
                Value::Array(_) => serde_json::from_value(rules),
                one => serde_json::from_value(one).map(|rule| vec![rule]),
            }
            .map_err(|error| format!("no fault rule: {error}"))?;
            for rule in rules {
                self.opened.house.faults.add(rule);
            }
            Ok(json!(self.opened.house.faults.rules()))
        })
    }

    fn clear_faults(&self, _which: Option<Value>) -> Boxed<'_, Result<Value, String>> {
        Box::pin(async {
            self.opened.house.faults.clear();
            Ok(json!([]))
        })
    }

    fn reset<'a>(&'a self, world: &'a World) -> Boxed<'a, Result<(), String>> {
        Box::pin(async {
            match &*self.running.read().await {
                Some(running) => {
                    demo::reset(&self.opened, running, &self.accounts, || world.reset()).await
                }
                None => Err("the sandbox is stopping".to_owned()),
            }
        })
    }
}
