//! `chancery template`: an account's own mail texts.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;
use server::operator::templates::{self, TemplateView};

use crate::place::Place;
use crate::print;

/// Keep mail texts of an account's own, which its orders name by ID (dcvTemplateID and the like)
#[derive(clap::Args)]
#[command(after_help = "\
A text may hold {{ variable }}, {% if … %} and {% for … %}. For dcv there are order, domain, names, more_names, address,
code, link, reject_link, brand and expires; the text must show {{ code }}.

Examples:
  chancery template add --account shop --kind dcv --subject \"Confirm {{ domain }}\" \\
    --text dcv.txt --config chancery.toml
  chancery template list --account shop --config chancery.toml")]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Check a template and keep it; its ID is printed
    Add {
        /// Whose: a login name
        #[arg(long, value_name = "NAME")]
        account: String,
        /// dcv, ma_creation or call_back
        #[arg(long, value_name = "KIND")]
        kind: String,
        /// The subject
        #[arg(long, value_name = "TEXT")]
        subject: String,
        /// A file with the plain text
        #[arg(long, value_name = "FILE")]
        text: PathBuf,
        /// A file with the same in HTML
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// List templates
    List {
        /// Only this account's: a login name
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
}

/// Runs a command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let answers_json = arguments.place.json;
    match &arguments.command {
        Command::Add { account, kind, subject, text, html } => {
            let read = |path: &PathBuf| {
                std::fs::read_to_string(path).with_context(|| path.display().to_string())
            };
            let text = read(text)?;
            let html = html.as_ref().map(read).transpose()?.unwrap_or_default();
            let office = arguments.place.office()?;
            let id = templates::add(&office, account, kind, subject, &text, &html)?;
            let parameter = templates::KINDS.iter().find(|(word, _)| word == kind);
            let parameter = parameter.map_or("template", |(_, name)| *name);
            if answers_json {
                print::json(&json!({ "template": id }))
            } else {
                print::line(&format!("{parameter}={id}"))
            }
        }
        Command::List { account } => {
            let office = arguments.place.office()?;
            let all = templates::list(&office, account.as_deref())?;
            if answers_json { print::json(&all) } else { print_list(&all) }
        }
    }
}

fn print_list(all: &[TemplateView]) -> anyhow::Result<()> {
    let row = |t: &TemplateView| {
        [
            t.template.to_string(),
            t.account.to_string(),
            t.kind.clone(),
            t.subject.clone(),
            t.created_at.clone(),
        ]
    };
    print::table(["Template", "Account", "Kind", "Subject", "Since"], all.iter().map(row))
}
