//! Who is calling: passwords, locks, addresses, and the short memory of passwords that were right.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use aws_lc_rs::hmac;
use domain::account::Account;
use domain::refusal::Refusal;
use domain::time::Entropy;
use store::accounts;
use tokio::sync::Semaphore;

use super::Failure;
use crate::house::House;

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

/// Remembers passwords that were right as keyed hashes, so that a busy client does not pay Argon2 for each call; limits
/// how many Argon2 computations run at once.
pub struct Logins {
    key: hmac::Key,
    right: Mutex<HashMap<[u8; 32], Instant>>,
    slots: Semaphore,
    /// A hash that no password has, checked for names that do not exist so that both take the same time.
    nobody: String,
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
            right: Mutex::new(HashMap::new()),
            slots: Semaphore::new(2),
            nobody: hash_password(&domain::dcv::hex(&secret), chance),
        }
    }

    fn fingerprint(&self, account: &accounts::Login, password: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&account.account.id.0.to_be_bytes());
        context.update(&account.password_version.to_be_bytes());
        context.update(password.as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    fn remembers(&self, fingerprint: &[u8; 32]) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right.get(fingerprint).is_some_and(|since| since.elapsed() < MEMORY)
    }

    fn remember(&self, fingerprint: [u8; 32]) {
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= MEMORIES {
            right.retain(|_, since| since.elapsed() < MEMORY);
        }
        if right.len() >= MEMORIES {
            right.clear();
        }
        right.insert(fingerprint, Instant::now());
    }
}

/// Lets a caller in, or says -16 whatever the reason. Wrong passwords are counted and lock the account for a while.
///
/// # Errors
/// [`Refusal::Login`]; [`Refusal::CallLimit`] when the account calls too often.
pub async fn log_in(
    house: &House,
    login_name: &str,
    password: &str,
    from: IpAddr,
) -> Result<Caller, Failure> {
    let name = login_name.to_owned();
    let found = house.store.read("login", move |tx| accounts::login(tx, &name)).await?;
    let now = house.clock.now();
    let Some(login) = found else {
        verify(house, house.logins.nobody.clone(), password).await;
        return Err(Refusal::Login.into());
    };
    if !login.account.may_enter(now, from) {
        return Err(Refusal::Login.into());
    }
    let fingerprint = house.logins.fingerprint(&login, password);
    if !house.logins.remembers(&fingerprint) {
        if !verify(house, login.password_hash.clone(), password).await {
            count_failure(house, login).await?;
            return Err(Refusal::Login.into());
        }
        house.logins.remember(fingerprint);
    }
    if login.account.failed_tries > 0 {
        let id = login.account.id;
        let reset = move |tx: &mut store::Tx<'_>| accounts::count_wrong_password(tx, id, 0, None);
        house.store.write("reset_tries", reset).await?;
    }
    if !house.limits.allows(login.account.id) {
        return Err(Refusal::CallLimit.into());
    }
    Ok(Caller { account: login.account })
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

async fn verify(house: &House, hash: String, password: &str) -> bool {
    let Ok(_slot) = house.logins.slots.acquire().await else {
        return false;
    };
    let password = zeroize::Zeroizing::new(password.to_owned());
    let check = move || {
        PasswordHash::new(&hash)
            .is_ok_and(|h| Argon2::default().verify_password(password.as_bytes(), &h).is_ok())
    };
    tokio::task::spawn_blocking(check).await.unwrap_or(false)
}

async fn count_failure(house: &House, login: accounts::Login) -> Result<(), Failure> {
    let now = house.clock.now();
    let name = login.account.login_name;
    let count = move |tx: &mut store::Tx<'_>| {
        let Some(fresh) = accounts::login(tx, &name)? else {
            return Ok(());
        };
        let (tries, locked_until) = fresh.account.after_wrong_password(now);
        accounts::count_wrong_password(tx, fresh.account.id, tries, locked_until)
    };
    house.store.write("count_wrong_password", count).await.map_err(Failure::Store)
}
