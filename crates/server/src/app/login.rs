//! Who is calling: passwords, locks, addresses, and the short memory of passwords that were right.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use aws_lc_rs::hmac;
use domain::account::Account;
use domain::refusal::Refusal;
use domain::time::Entropy;
use serde_json::json;
use store::Tx;
use store::accounts::{self, Login};
use store::events::{self, NewEvent};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use zeroize::Zeroizing;

use super::Failure;
use super::waiting_room::{Place, WaitingRoom};
use crate::house::House;
use crate::together::Answers;

/// Somebody whose password was right, from an address that may be used: only [`log_in`] makes one.
#[derive(Clone, Debug)]
pub struct Caller {
    account: Account,
}

impl Caller {
    /// The account, as it was when the call came in.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }
}

impl wire::envelope::Authentication for Caller {}

/// How long a password that was right is remembered.
const MEMORY: Duration = Duration::from_secs(300);
/// How many of them at most.
const MEMORIES: usize = 100_000;
/// Argon2 computations at a time: each takes 19 MiB and a core.
const SLOTS: usize = 2;

/// Remembers passwords that were right as keyed hashes, so that a busy client does not pay Argon2 for each call; limits
/// how many Argon2 computations run at once and how many callers wait for one.
pub struct Logins {
    key: hmac::Key,
    right: Mutex<HashMap<[u8; 32], Instant>>,
    /// Checks that have not ended, by fingerprint: who asks the same meanwhile waits for the same answer.
    under_way: Mutex<HashMap<[u8; 32], watch::Receiver<Option<Checked>>>>,
    room: Arc<WaitingRoom>,
    slots: Arc<Semaphore>,
    /// A hash that no password has, checked where there is none to check or nobody may enter, so that all take the same
    /// time.
    nobody: String,
}

/// What came of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Checked {
    Right,
    Wrong,
    /// Something of ours failed; the log says what.
    Failed,
}

impl Logins {
    /// With a fresh key.
    ///
    /// # Panics
    /// When Argon2 refuses its own defaults.
    #[must_use]
    pub fn new(chance: &dyn Entropy) -> Self {
        let (mut key, mut secret) = ([0; 32], [0; 24]);
        chance.fill(&mut key);
        chance.fill(&mut secret);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            right: Mutex::default(),
            under_way: Mutex::default(),
            room: Arc::default(),
            slots: Arc::new(Semaphore::new(SLOTS)),
            nobody: hash_password(&hex::encode(secret), chance),
        }
    }

    /// Of a name, the account that may be entered by it (if one may), and a password.
    fn fingerprint(
        &self,
        name: &str,
        account: Option<&accounts::Login>,
        password: &str,
    ) -> [u8; 32] {
        let (id, version) = account.map_or((0, 0), |a| (a.account.id.0, a.password_version));
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&id.to_be_bytes());
        context.update(&version.to_be_bytes());
        context.update(&(name.len() as u64).to_be_bytes());
        context.update(name.as_bytes());
        context.update(password.as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    fn remembers(&self, fingerprint: &[u8; 32]) -> bool {
        locked(&self.right).get(fingerprint).is_some_and(|since| since.elapsed() < MEMORY)
    }

    fn remember(&self, fingerprint: [u8; 32]) {
        let mut right = locked(&self.right);
        if right.len() >= MEMORIES {
            right.retain(|_, since| since.elapsed() < MEMORY);
        }
        if right.len() >= MEMORIES {
            right.clear();
        }
        right.insert(fingerprint, Instant::now());
    }

    /// Forgets all of them: when accounts are numbered anew, another may come to have the number of one remembered.
    pub fn forget(&self) {
        locked(&self.right).clear();
    }
}

/// Lets a caller in, or says -16 whatever the reason. Wrong passwords are counted and lock the account for a while.
///
/// # Errors
/// [`Refusal::Login`]; [`Refusal::CallLimit`] when the account calls too often, or passwords come in faster than they can
/// be checked.
pub async fn log_in(
    house: &Arc<House>,
    login_name: &str,
    password: &str,
    from: IpAddr,
) -> Result<Caller, Failure> {
    let found = house.callers.ask(login_name.to_owned()).await?;
    let now = house.clock.now();
    let open = found.filter(|login| login.account.may_enter(now, from));
    let fingerprint = house.logins.fingerprint(login_name, open.as_ref(), password);
    if open.is_none() || !house.logins.remembers(&fingerprint) {
        let guess = Guess {
            name: login_name.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            from,
            fingerprint,
        };
        match checked(house, guess).await? {
            Checked::Right => {}
            Checked::Wrong => return Err(Refusal::Login.into()),
            Checked::Failed => return Err(Refusal::Internal(None).into()),
        }
    } else if open.as_ref().is_some_and(|login| login.account.failed_tries > 0)
        && !forget_tries(house, login_name, from).await?
    {
        return Err(Refusal::Login.into());
    }
    let login = open.ok_or(Refusal::Login)?;
    if !house.limits.allows(login.account.id) {
        return Err(Refusal::CallLimit.into());
    }
    Ok(Caller { account: login.account })
}

/// The accounts with these login names.
///
/// # Errors
/// When the store fails.
pub fn look_up(tx: &mut Tx<'_>, names: &[String]) -> Result<Answers<Option<Login>>, Failure> {
    if let [name] = names {
        return Ok(vec![Ok(accounts::login(tx, name)?)]);
    }
    let logins = accounts::logins(tx, &names.iter().map(String::as_str).collect())?;
    let of = |name: &String| logins.iter().find(|login| login.account.login_name == *name).cloned();
    Ok(names.iter().map(|name| Ok(of(name))).collect())
}

/// A password that is not known to be right.
struct Guess {
    name: String,
    password: Zeroizing<String>,
    from: IpAddr,
    fingerprint: [u8; 32],
}

/// Has a guess checked, once for all who make it at the same time.
async fn checked(house: &Arc<House>, guess: Guess) -> Result<Checked, Failure> {
    let mut answer = {
        let mut under_way = locked(&house.logins.under_way);
        match under_way.get(&guess.fingerprint) {
            Some(answer) => answer.clone(),
            None => {
                let place = house.logins.room.enter(&guess.name, guess.from);
                let place = place.ok_or(Refusal::CallLimit)?;
                let (tell, answer) = watch::channel(None);
                under_way.insert(guess.fingerprint, answer.clone());
                // It runs to its end, and is counted, also when the caller hangs up.
                tokio::spawn(check(house.clone(), guess, place, tell));
                answer
            }
        }
    };
    let told = answer.wait_for(Option::is_some).await;
    Ok(told.ok().and_then(|told| *told).unwrap_or(Checked::Failed))
}

async fn check(
    house: Arc<House>,
    guess: Guess,
    mut place: Place,
    tell: watch::Sender<Option<Checked>>,
) {
    let fingerprint = guess.fingerprint;
    let _gone = UnderWay(&house.logins, fingerprint);
    let outcome = match in_turn(&house, guess, &mut place).await {
        Ok(outcome) => outcome,
        Err(failure) => {
            let _ = failure.told("login");
            Checked::Failed
        }
    };
    drop(place);
    tell.send_replace(Some(outcome));
}

/// Takes a check off the list when it ends, however it ends.
struct UnderWay<'a>(&'a Logins, [u8; 32]);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        locked(&self.0.under_way).remove(&self.1);
    }
}

/// One guess per name at a time, and the account looked at again when it is this one's turn: what those before it have
/// led to counts.
async fn in_turn(house: &Arc<House>, guess: Guess, place: &mut Place) -> Result<Checked, Failure> {
    place.turn().await;
    let Ok(slot) = house.logins.slots.clone().acquire_owned().await else {
        return Ok(Checked::Failed);
    };
    let name = guess.name.clone();
    let found = house.store.read("login_again", move |tx| accounts::login(tx, &name)).await?;
    let now = house.clock.now();
    let open = found.filter(|login| login.account.may_enter(now, guess.from));
    let hash = open.as_ref().map_or(&house.logins.nobody, |login| &login.password_hash).clone();
    let fingerprint = house.logins.fingerprint(&guess.name, open.as_ref(), &guess.password);
    let right = verify(slot, hash, guess.password).await && open.is_some();
    if !right {
        if open.is_some() {
            count_failure(house, guess.name, guess.from).await?;
        }
        return Ok(Checked::Wrong);
    }
    // Another node may have locked it while this password was looked at.
    if !forget_tries(house, &guess.name, guess.from).await? {
        return Ok(Checked::Wrong);
    }
    house.logins.remember(fingerprint);
    Ok(Checked::Right)
}

/// After a right password: wrong tries before it are forgotten, unless the account may not be entered any more. Says
/// whether it may.
async fn forget_tries(house: &House, name: &str, from: IpAddr) -> Result<bool, Failure> {
    let now = house.clock.now();
    let of = name.to_owned();
    let found = house.store.read("login_again", move |tx| accounts::login(tx, &of)).await?;
    let Some(login) = found.filter(|login| login.account.may_enter(now, from)) else {
        return Ok(false);
    };
    if login.account.failed_tries == 0 {
        return Ok(true);
    }
    let of = name.to_owned();
    let reset = move |tx: &mut store::Tx<'_>| -> Result<bool, store::StoreError> {
        let fresh = accounts::login_to_change(tx, &of)?;
        let Some(fresh) = fresh.filter(|login| login.account.may_enter(now, from)) else {
            return Ok(false);
        };
        accounts::count_wrong_password(tx, fresh.account.id, 0, None)?;
        Ok(true)
    };
    Ok(house.store.write("reset_tries", reset).await?)
}

/// Hashes a password with Argon2id and a fresh salt, as a PHC string.
///
/// # Panics
/// When Argon2 refuses its own defaults.
#[must_use]
pub fn hash_password(password: &str, chance: &dyn Entropy) -> String {
    let mut salt = [0; 16];
    chance.fill(&mut salt);
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.expect("Argon2's defaults are right").to_string()
}

/// The slot goes with the computation: it is free again when that has ended, not when its caller has gone.
async fn verify(slot: OwnedSemaphorePermit, hash: String, password: Zeroizing<String>) -> bool {
    let check = move || {
        let right = PasswordHash::new(&hash)
            .is_ok_and(|h| Argon2::default().verify_password(password.as_bytes(), &h).is_ok());
        drop(slot);
        right
    };
    tokio::task::spawn_blocking(check).await.unwrap_or(false)
}

async fn count_failure(house: &House, name: String, from: IpAddr) -> Result<(), Failure> {
    let now = house.clock.now();
    let count = move |tx: &mut store::Tx<'_>| {
        let Some(fresh) = accounts::login_to_change(tx, &name)? else {
            return Ok(());
        };
        let (tries, locked_until) = fresh.account.after_wrong_password(now);
        if let Some(until) = locked_until {
            let detail = json!({ "until": until.to_string(), "from": from.to_string() });
            let event = NewEvent {
                account: fresh.account.id,
                order: None,
                kind: "account.locked",
                actor: "chancery",
                detail: &detail.to_string(),
                at: now,
            };
            events::append(tx, &event)?;
        }
        accounts::count_wrong_password(tx, fresh.account.id, tries, locked_until)
    };
    house.store.write("count_wrong_password", count).await.map_err(Failure::Store)
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
