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
            let faults = &self.opened.house.faults;
            for rule in read_rules(rules)? {
                faults.add(rule);
            }
            Ok(json!(faults.rules()))
        })
    }

    fn clear_faults(&self, which: Option<Value>) -> Boxed<'_, Result<Value, String>> {
        Box::pin(async {
            let faults = &self.opened.house.faults;
            match which {
                None => faults.clear(),
                Some(which) => {
                    for rule in read_rules(which)? {
                        if !faults.remove(&rule) {
                            return Err(format!("there is no rule like {}", json!(rule)));
                        }
                    }
                }
            }
            Ok(json!(faults.rules()))
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

/// One rule, or a list of them.
fn read_rules(rules: Value) -> Result<Vec<Rule>, String> {
    match rules {
        Value::Array(rules) => rules.into_iter().map(Rule::read).collect(),
        one => Rule::read(one).map(|rule| vec![rule]),
    }
}
