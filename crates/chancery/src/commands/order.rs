//! `chancery order`: looked at, taken back, settled, paid for; stub orders.

use serde_json::json;
use server::operator::orders::{self, Cancelled, OrderDetails, OrderLine, StubView};
use server::operator::{certificates, products};

use super::account::Page;
use crate::place::Place;
use crate::print;

/// Look at orders, settle their checks, take them back; make stub orders
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  chancery order list --account shop --config chancery.toml
  chancery order show 10000017 --config chancery.toml
  chancery order settle 10000017 organization pass --config chancery.toml
  chancery order stub --account shop --product 488 --config chancery.toml")]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show everything about an order: state, names, checks, evidence, events, certificate
    Show {
        /// Its number
        order: i64,
    },
    /// List an account's orders, newest first
    List {
        /// Its login name
        #[arg(long, value_name = "NAME")]
        account: String,
        /// Only those to which the partner gave this number (foreignOrderNumber)
        #[arg(long, value_name = "TEXT")]
        foreign_number: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Take an order back that has no certificate yet, and say what is given back for it
    Cancel {
        /// Its number
        order: i64,
        /// For the audit trail
        #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        why: String,
    },
    /// Revoke an order's certificate
    Revoke {
        /// Its number
        order: i64,
        /// unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn
        #[arg(long, value_name = "REASON")]
        reason: String,
    },
    /// Note that the customer has paid
    Paid {
        /// Its number
        order: i64,
    },
    /// Make a stub order: paid for already, redeemed once by stubOrderNumber
    Stub {
        /// Whose: a login name
        #[arg(long, value_name = "NAME")]
        account: String,
        /// For which product
        #[arg(long, value_name = "CODE")]
        product: i64,
    },
    /// List an account's stub orders, newest first
    Stubs {
        /// Its login name
        #[arg(long, value_name = "NAME")]
        account: String,
        #[command(flatten)]
        page: Page,
    },
    /// Take a stub order away that nobody has redeemed
    Void {
        /// Its stubOrderNumber
        stub: i64,
    },
    /// Settle a check of an order by hand
    Settle {
        /// Its number
        order: i64,
        /// organization, call_back, applicant_representative, agreement, jurisdiction, second_person, key_attestation,
        /// shipping, payment or approval; domain_control and mailbox_control can only be refused, proofs let them pass
        check: String,
        /// pass or fail
        result: String,
    },
}

/// Runs a command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let answers_json = arguments.place.json;
    let office = arguments.place.office()?;
    let say = |value: serde_json::Value, words: String| {
        if answers_json { print::json(&value) } else { print::line(&words) }
    };
    match &arguments.command {
        Command::Show { order } => {
            let found = orders::show(&office, *order)?;
            if answers_json { print::json(&found) } else { print_order(&found) }
        }
        Command::List { account, foreign_number, page } => {
            let foreign = foreign_number.as_deref();
            let found = orders::list(&office, account, foreign, page.before, page.limit)?;
            if answers_json { print::json(&found) } else { print_list(&found) }
        }
        Command::Cancel { order, why } => {
            let done = orders::cancel(&office, *order, why)?;
            if answers_json { print::json(&done) } else { print::line(&cancelled(&done)) }
        }
        Command::Revoke { order, reason } => {
            let done = certificates::revoke_order(&office, *order, reason)?;
            super::certificate::print_revocation(answers_json, &done)
        }
        Command::Paid { order } => {
            let state = orders::paid(&office, *order)?;
            say(json!({ "order": order, "state": state }), format!("Order {order} is now {state}."))
        }
        Command::Stub { account, product } => {
            let catalogue = products::catalogue(arguments.place.catalogue()?.as_deref())?;
            let stub = orders::stub(&office, account, &catalogue, *product)?;
            say(json!({ "stubOrderNumber": stub }), format!("stubOrderNumber={stub}"))
        }
        Command::Stubs { account, page } => {
            let found = orders::stubs(&office, account, page.before, page.limit)?;
            if answers_json { print::json(&found) } else { print_stubs(&found) }
        }
        Command::Void { stub } => {
            orders::void(&office, *stub)?;
            let words = format!("Stub order {stub} can no longer be redeemed.");
            say(json!({ "stubOrderNumber": stub, "state": "void" }), words)
        }
        Command::Settle { order, check, result } => {
            let state = orders::settle(&office, *order, check, result)?;
            say(json!({ "order": order, "state": state }), format!("Order {order} is now {state}."))
        }
    }
}

fn cancelled(done: &Cancelled) -> String {
    let given = match (&done.given_back, done.stub, &done.owed_to_customer) {
        (Some(amount), ..) => format!("{amount} is given back to the account"),
        (_, Some(stub), _) => format!("stub order {stub} can be redeemed again"),
        (_, _, Some(amount)) => {
            format!(
                "the customer paid {amount} for it, which is owed to them and in no ledger here"
            )
        }
        (None, None, None) => "nothing was given for it".to_owned(),
    };
    format!("Order {} is taken back; {given}.", done.order)
}

fn print_stubs(all: &[StubView]) -> anyhow::Result<()> {
    let row = |s: &StubView| {
        [
            s.stub.to_string(),
            s.product.to_string(),
            s.created_at.clone(),
            print::or_nothing(s.redeemed_by.as_ref()),
        ]
    };
    print::table(["stubOrderNumber", "Product", "Since", "Redeemed by"], all.iter().map(row))
}

fn print_list(all: &[OrderLine]) -> anyhow::Result<()> {
    let row = |o: &OrderLine| {
        [
            o.order.to_string(),
            o.placed_at.clone(),
            o.product.to_string(),
            o.name.clone(),
            o.state.to_owned(),
            o.cost.clone(),
            o.foreign_order_number.clone().unwrap_or_default(),
        ]
    };
    let header = ["Order", "Placed", "Product", "Name", "State", "Cost", "Partner's number"];
    print::table(header, all.iter().map(row))
}

fn print_order(o: &OrderDetails) -> anyhow::Result<()> {
    let chain: Vec<String> = o.chain.iter().map(ToString::to_string).collect();
    print::details(&[
        ("Order", o.line.order.to_string()),
        ("State", o.line.state.to_owned()),
        ("Why", o.why.clone().unwrap_or_default()),
        ("Account", o.account.to_string()),
        ("Product", format!("{} {}", o.line.product, o.product_name)),
        ("Test", if o.test { "yes" } else { "" }.to_owned()),
        ("Placed", o.line.placed_at.clone()),
        ("Term", format!("{} days", o.term_days)),
        ("Term ends", o.term_end.clone().unwrap_or_default()),
        ("Cost", o.line.cost.clone()),
        ("Chain", chain.join(" ")),
        ("Certificate ID", o.certificate_id.to_string()),
        ("Key", o.key.clone()),
        ("Common name", o.line.common_name.clone().unwrap_or_default()),
        ("Partner's number", o.line.foreign_order_number.clone().unwrap_or_default()),
        ("Removed names", o.removed_names.join(" ")),
    ])?;
    if !o.checks.is_empty() {
        print::line("")?;
        let rows = o.checks.iter().map(|c| [c.check.to_owned(), c.state.to_owned()]);
        print::table(["Check", "State"], rows)?;
    }
    print::line("")?;
    let rows = o.names.iter().map(|n| {
        let implicit = if n.implicit { " (second name)" } else { "" };
        let how = match &n.address {
            Some(address) => format!("{} {address}", n.method),
            None => n.method.clone(),
        };
        [format!("{}{implicit}", n.name), how, n.shown.clone().unwrap_or_default()]
    });
    print::table(["Name", "To be proven by", "Proven"], rows)?;
    print_evidence(o)?;
    print::line("")?;
    let rows = o.events.iter().map(|e| {
        [e.event.to_string(), e.at.clone(), e.kind.clone(), e.actor.clone(), e.detail.to_string()]
    });
    print::table(["Event", "When", "What", "Who", "More"], rows)?;
    match &o.certificate {
        Some(certificate) => {
            print::line("")?;
            super::certificate::print_certificate(certificate)
        }
        None => Ok(()),
    }
}

fn print_evidence(o: &OrderDetails) -> anyhow::Result<()> {
    if o.evidence.is_empty() {
        return Ok(());
    }
    print::line("")?;
    let rows = o.evidence.iter().map(|e| {
        [
            e.at.clone(),
            e.name.clone(),
            e.method.clone(),
            e.outcome.clone(),
            e.question.clone(),
            e.answer.to_string(),
            e.via.clone(),
        ]
    });
    print::table(["Evidence", "Name", "Method", "Outcome", "Asked", "Answered", "Via"], rows)
}
