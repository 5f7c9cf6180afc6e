//! `chancery account`: made, looked at, changed, paid into.

use anyhow::Context;
use serde::Serialize;
use server::operator::Office;
use server::operator::accounts::{self, AccountView, LedgerView, Wishes};

use crate::place::Place;
use crate::{print, secrets};

/// Make and change accounts, beside a running server or sandbox
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  chancery account create shop --config chancery.toml --currency EUR \\
    --credit-limit 500.00 --privileges test,bonus
  chancery account deposit shop 1000.00 --note \"invoice 17\" --config chancery.toml
  chancery account set shop --allowed-ips 192.0.2.0/24,2001:db8::/32 --config chancery.toml
  chancery account list --dir .chancery --json")]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make an account; its password is made too, and printed once, unless you give one
    Create {
        /// Its login name
        login_name: String,
        /// Three capitals; cannot be changed later
        #[arg(long, default_value = "USD", value_name = "CUR")]
        currency: String,
        #[command(flatten)]
        wishes: WishArguments,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// List all accounts
    List,
    /// Show one account
    Show {
        /// Its login name
        login_name: String,
    },
    /// Change what is said; everything else stays
    Set {
        /// Its login name
        login_name: String,
        #[command(flatten)]
        wishes: WishArguments,
    },
    /// Give a new password, made and printed once unless you give one; unlocks too
    Password {
        /// Its login name
        login_name: String,
        /// When it runs out: 2027-01-31, 2027-01-31T12:00:00Z, never
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Book a deposit; a negative amount takes money out
    Deposit {
        /// Its login name
        login_name: String,
        /// Like 1000.00
        #[arg(allow_negative_numbers = true)]
        amount: String,
        /// For people who read the ledger
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
    },
    /// Show debits, refunds and deposits, newest first
    Ledger {
        /// Its login name
        login_name: String,
        #[command(flatten)]
        page: Page,
    },
    /// Close an account: it cannot log in, its certificates stay
    Close {
        /// Its login name
        login_name: String,
    },
    /// Open a closed account
    Open {
        /// Its login name
        login_name: String,
    },
    /// Lock an account
    Lock {
        /// Its login name
        login_name: String,
        /// Until then; until it is unlocked if nothing is said
        #[arg(long, value_name = "WHEN")]
        until: Option<String>,
    },
    /// Unlock an account, and forget wrong tries
    Unlock {
        /// Its login name
        login_name: String,
    },
}

/// What may be said of an account.
#[derive(clap::Args)]
struct WishArguments {
    /// reseller, officer, operator or auditor
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The brand under which it sells; a new account has the configuration's, if none is given
    #[arg(long, value_name = "NAME")]
    brand: Option<String>,
    /// How far the balance may fall below zero
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    credit_limit: Option<String>,
    /// Who pays for orders: account (it is debited) or customer (orders wait until they are paid for)
    #[arg(long, value_name = "MODE")]
    payment: Option<String>,
    /// Of ra, test, ca, voucher, bonus, ssl-only (no !AutoApplyOrder), comma between; or none. They replace those it has
    #[arg(long, value_name = "LIST")]
    privileges: Option<String>,
    /// Addresses and ranges from which it may come, comma between; or any
    #[arg(long, value_name = "LIST")]
    allowed_ips: Option<String>,
    /// Where mails go that have no other place; or none
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
    /// When the password runs out: 2027-01-31, 2027-01-31T12:00:00Z, never
    #[arg(long, value_name = "WHEN")]
    password_expires: Option<String>,
}

impl WishArguments {
    fn wishes(&self) -> Wishes {
        Wishes {
            role: self.role.clone(),
            brand: self.brand.clone(),
            credit_limit: self.credit_limit.clone(),
            payment: self.payment.clone(),
            privileges: self.privileges.clone(),
            allowed_ips: self.allowed_ips.clone(),
            contact: self.contact.clone(),
            password_expires: self.password_expires.clone(),
        }
    }
}

/// Where a password comes from.
#[derive(clap::Args)]
struct PasswordArguments {
    /// Read the password from this file descriptor
    #[arg(long, value_name = "N")]
    password_fd: Option<u32>,
    /// Ask for the password at the terminal
    #[arg(long, conflicts_with = "password_fd")]
    ask: bool,
}

/// Which part of a long list.
#[derive(clap::Args, Clone, Copy)]
pub struct Page {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Only those before this number
    #[arg(long, value_name = "NUMBER")]
    pub before: Option<i64>,
}

/// An account whose password was made here.
#[derive(Serialize)]
struct WithPassword {
    #[serde(flatten)]
    account: AccountView,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// Runs a command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let place = &arguments.place;
    let json = place.json;
    match &arguments.command {
        Command::Create { login_name, currency, wishes, password } => {
            let mut wishes = wishes.wishes();
            if wishes.brand.is_none() {
                wishes.brand = place.brand()?;
            }
            return password.with(place, |office, given| {
                Ok(accounts::create(office, login_name, given, currency, &wishes)?)
            });
        }
        Command::Password { login_name, expires, password } => {
            return password.with(place, |office, given| {
                Ok(accounts::set_password(office, login_name, given, expires.as_deref())?)
            });
        }
        _ => {}
    }
    let office = place.office()?;
    let changed = match &arguments.command {
        Command::Create { .. } | Command::Password { .. } => return Ok(()),
        Command::List => return print_list(json, &accounts::list(&office)?),
        Command::Ledger { login_name, page } => {
            let lines = accounts::ledger(&office, login_name, page.before, page.limit)?;
            return print_ledger(json, &lines);
        }
        Command::Show { login_name } => accounts::show(&office, login_name),
        Command::Set { login_name, wishes } => accounts::set(&office, login_name, &wishes.wishes()),
        Command::Deposit { login_name, amount, note } => {
            accounts::deposit(&office, login_name, amount, note)
        }
        Command::Close { login_name } => accounts::close(&office, login_name, true),
        Command::Open { login_name } => accounts::close(&office, login_name, false),
        Command::Lock { login_name, until } => {
            accounts::lock(&office, login_name, until.as_deref())
        }
        Command::Unlock { login_name } => accounts::unlock(&office, login_name),
    };
    let account = changed?;
    if json { print::json(&account) } else { print_account(&account) }
}

impl PasswordArguments {
    /// Does something with the given password or a new one, which is printed once. It is read before a database is opened,
    /// whose files have descriptors too.
    fn with(
        &self,
        place: &Place,
        act: impl FnOnce(&Office, &str) -> anyhow::Result<AccountView>,
    ) -> anyhow::Result<()> {
        let json = place.json;
        let given = secrets::password(self.password_fd, self.ask).context("password")?;
        let office = place.office()?;
        let made = given.is_none().then(accounts::fresh_password);
        let password = given.as_deref().map(String::as_str).or(made.as_deref());
        let account = act(&office, password.unwrap_or_default())?;
        if json {
            return print::json(&WithPassword { account, password: made });
        }
        print_account(&account)?;
        match made {
            Some(made) => print::line(&format!("\nPassword, shown this once: {made}")),
            None => Ok(()),
        }
    }
}

fn print_account(a: &AccountView) -> anyhow::Result<()> {
    let any = || "any".to_owned();
    let ips = if a.allowed_ips.is_empty() { any() } else { a.allowed_ips.join(" ") };
    print::details(&[
        ("Login name", a.login_name.clone()),
        ("Number", a.number.to_string()),
        ("State", a.state.to_owned()),
        ("Role", a.role.to_owned()),
        ("Brand", a.brand.clone()),
        ("Balance", format!("{} {}", a.balance, a.currency)),
        ("Credit limit", format!("{} {}", a.credit_limit, a.currency)),
        ("Who pays", a.payment.to_owned()),
        ("Privileges", a.privileges.join(" ")),
        ("From where", ips),
        ("Contact", a.contact.clone().unwrap_or_default()),
        ("Wrong tries", a.failed_tries.to_string()),
        ("Locked until", a.locked_until.clone().unwrap_or_default()),
        ("Password ends", a.password_expires.clone().unwrap_or_else(|| "never".to_owned())),
    ])
}

fn print_list(json: bool, all: &[AccountView]) -> anyhow::Result<()> {
    if json {
        return print::json(&all);
    }
    let row = |a: &AccountView| {
        [
            a.number.to_string(),
            a.login_name.clone(),
            a.state.to_owned(),
            a.role.to_owned(),
            a.brand.clone(),
            format!("{} {}", a.balance, a.currency),
            a.credit_limit.clone(),
            a.payment.to_owned(),
            a.privileges.join(" "),
        ]
    };
    let header =
        ["No.", "Login name", "State", "Role", "Brand", "Balance", "Limit", "Pays", "Privileges"];
    print::table(header, all.iter().map(row))
}

fn print_ledger(json: bool, lines: &[LedgerView]) -> anyhow::Result<()> {
    if json {
        return print::json(&lines);
    }
    let row = |l: &LedgerView| {
        [
            l.line.to_string(),
            l.at.clone(),
            l.kind.clone(),
            print::or_nothing(l.order.as_ref()),
            l.amount.clone(),
            l.note.clone(),
        ]
    };
    print::table(["Line", "When", "What", "Order", "Amount", "Note"], lines.iter().map(row))
}
