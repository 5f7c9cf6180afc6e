//! What only the sandbox does with a house: demo accounts, turning the clock, becoming as new.

use std::sync::Arc;
use std::time::Duration;

use domain::account::{Account, PaymentMode, Privileges, Role};
use domain::certificate::{AccountId, OrderNumber};
use domain::money::Money;
use domain::time::{DAY, Entropy, Time};
use futures_util::StreamExt as _;
use store::{StoreError, Tx, accounts};

use crate::app::accounts::pay_in;
use crate::app::desk;
use crate::app::login::hash_password;
use crate::clock::SystemEntropy;
use crate::house::House;
use crate::open::{CLOCK_OFFSET, Opened};
use crate::start::{Running, prepare};

/// An account that every sandbox has.
#[derive(Clone, Debug)]
pub struct DemoAccount {
    /// Login name; also the word of the ready line's `role`.
    pub login_name: String,
    /// Password.
    pub password: String,
    /// Brand.
    pub brand: String,
}

const RESELLERS: [&str; 5] = ["reseller", "webhost", "poor", "locked", "expired"];
const STAFF: [(&str, Role); 4] = [
    ("officer", Role::Officer),
    ("officer2", Role::Officer),
    ("operator", Role::Operator),
    ("auditor", Role::Auditor),
];

/// Fresh credentials for a new folder.
#[must_use]
pub fn fresh_accounts() -> Vec<DemoAccount> {
    let names = RESELLERS.iter().chain(STAFF.iter().map(|(name, _)| name));
    names
        .map(|name| DemoAccount {
            login_name: (*name).to_owned(),
            password: fresh_password(),
            brand: if RESELLERS.contains(name) { "Example SSL" } else { "Chancery" }.to_owned(),
        })
        .collect()
}

/// 24 letters and digits for credentials and passphrases of a sandbox.
#[must_use]
pub fn fresh_password() -> String {
    let mut bytes = [0; 12];
    SystemEntropy.fill(&mut bytes);
    hex::encode(bytes)
}

/// Makes the accounts that are not there yet.
///
/// # Errors
/// When the store fails.
pub async fn make_accounts(house: &Arc<House>, wanted: &[DemoAccount]) -> Result<(), StoreError> {
    let there = house.store.read("accounts", accounts::all).await?;
    let missing: Vec<DemoAccount> = wanted
        .iter()
        .filter(|w| !there.iter().any(|a| a.login_name == w.login_name))
        .cloned()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let hashed = hash_all(missing).await;
    let now = house.now();
    let write = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        for (demo, hash) in &hashed {
            make(tx, demo, hash, now)?;
        }
        Ok(())
    };
    house.store.write("demo_accounts", write).await
}

/// Argon2 for several passwords, as many at a time as there are cores: more are no faster, and each takes 19 MiB.
async fn hash_all(accounts: Vec<DemoAccount>) -> Vec<(DemoAccount, String)> {
    let hash = |demo: DemoAccount| {
        tokio::task::spawn_blocking(move || {
            let hash = hash_password(&demo.password, &SystemEntropy);
            (demo, hash)
        })
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let done = futures_util::stream::iter(accounts).map(hash).buffered(cores);
    done.filter_map(async |done| done.ok()).collect().await
}

fn make(tx: &mut Tx<'_>, demo: &DemoAccount, hash: &str, now: Time) -> Result<(), StoreError> {
    let name = demo.login_name.as_str();
    let staff = STAFF.iter().find(|(staff, _)| *staff == name);
    let all = name == "reseller";
    let account = Account {
        id: AccountId(0),
        login_name: demo.login_name.clone(),
        role: staff.map_or(Role::Reseller, |(_, role)| *role),
        brand: demo.brand.clone(),
        currency: "USD".to_owned(),
        balance: Money::ZERO,
        credit_limit: Money::ZERO,
        payment: PaymentMode::Account,
        privileges: Privileges {
            registration_authority: all,
            test_orders: staff.is_none(),
            ca_choice: all,
            voucher: all,
            bonus_days: true,
            ssl_only: false,
        },
        allowed_ips: Vec::new(),
        contact: format!("{name}@example.com").parse().ok(),
        closed: false,
        failed_tries: 0,
        locked_until: (name == "locked").then(|| now.plus(36_500 * DAY)),
        password_expires: (name == "expired").then(|| now.plus(-DAY)),
    };
    let id = accounts::insert(tx, &account, hash, now)?;
    accounts::update(tx, &Account { id, ..account })?;
    match name {
        "reseller" => pay_in(tx, id, Money::from_minor(100_000_000_000), "demo credit", now),
        "webhost" => pay_in(tx, id, Money::from_minor(1_000_000_000), "demo credit", now),
        _ => Ok(()),
    }
}

/// Turns the clock forward to a moment that was not past when it was asked for, and works until nothing is due any more.
///
/// # Errors
/// Words for the caller.
pub async fn turn_clock(opened: &Opened, running: &Running, ms: i64) -> Result<(), String> {
    let turned = opened.turned.as_ref().ok_or("this house has a real clock")?;
    let offset = turned.turn_to(Time::from_ms(ms));
    let keep = move |tx: &mut Tx<'_>| store::settings::set(tx, CLOCK_OFFSET, &offset.to_string());
    let kept: Result<(), StoreError> = opened.house.store.write("keep_clock", keep).await;
    kept.map_err(|e| e.to_string())?;
    opened.house.asker.forget();
    match running.worker().settle_due(Duration::from_secs(300)).await {
        true => Ok(()),
        false => Err("the clock is turned, but the scheduled work is not done yet".to_owned()),
    }
}

/// Settles a check as an officer would.
///
/// # Errors
/// Words for the caller.
pub async fn settle(
    house: &Arc<House>,
    order: i64,
    check: &str,
    result: &str,
) -> Result<&'static str, String> {
    let check = check.parse().map_err(|_| {
        let known: Vec<&str> = domain::check::CheckKind::ALL.iter().map(|k| k.as_str()).collect();
        format!("'{check}' is no check; there are {}", known.join(", "))
    })?;
    let passed = match result {
        "pass" => true,
        "fail" => false,
        other => return Err(format!("result '{other}' is neither pass nor fail")),
    };
    let settled = desk::settle(house, OrderNumber(order), check, passed, "officer".to_owned());
    match settled.await {
        Ok(state) => Ok(state.word()),
        Err(crate::app::Failure::Declined(why)) => Err(why),
        Err(failure) => Err(format!("{:?}", failure.told("settle"))),
    }
}

/// How long a reset waits for calls, and for what is being worked on: longer than one look for proofs may take.
const QUIET: Duration = Duration::from_secs(60);

/// Becomes as new: empty tables, the machine's time, the demo accounts with the same credentials. Ports, CAs and TLS stay.
/// Numbers begin anew, so no job may come to its end that was begun before: it would write about its order's namesake.
/// `world` makes the outside as new, in the same rest.
///
/// # Errors
/// Words for the caller.
pub async fn reset(
    opened: &Opened,
    running: &Running,
    wanted: &[DemoAccount],
    world: impl FnOnce(),
) -> Result<(), String> {
    let house = &opened.house;
    // A call that began before would find its account gone, or be told that there is none.
    let shut = tokio::time::timeout(QUIET, house.door.write()).await;
    let _shut = shut.map_err(|_| "nothing is reset: calls are still being answered; try again")?;
    let rest = running.worker().rest(QUIET).await;
    let _rest = rest.ok_or("nothing is reset: jobs are still at work; try again")?;
    let emptied: Result<(), StoreError> =
        house.store.write("reset", |tx: &mut Tx<'_>| store::reset::everything(tx)).await;
    emptied.map_err(|e| e.to_string())?;
    world();
    if let Some(turned) = &opened.turned {
        turned.reset();
    }
    house.repeatable.reset();
    house.faults.clear();
    house.calls.clear();
    house.logins.forget();
    house.asker.forget();
    make_accounts(house, wanted).await.map_err(|e| e.to_string())?;
    prepare(house).await.map_err(|e| e.to_string())
}
