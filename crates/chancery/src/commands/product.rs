//! `chancery product`: the catalogue.

use std::path::PathBuf;

use server::operator::products::{self, ProductView};

use crate::place::Place;
use crate::print;

/// Look at the catalogue, or check one of your own
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  chancery product list
  chancery product show 488
  chancery product check products.toml")]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List products and add-ons with their prices: the built-in catalogue, or the configuration's
    List,
    /// Show one product
    Show {
        /// Its code
        code: i64,
    },
    /// Say whether a catalogue can be used
    Check {
        /// The file
        file: PathBuf,
    },
}

/// Runs a command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let json = arguments.place.json;
    match &arguments.command {
        Command::Check { file } => {
            let found = products::list(&products::catalogue(Some(file))?);
            match json {
                true => print::json(&serde_json::json!({ "file": file, "codes": found.len() })),
                false => {
                    print::line(&format!("{} is right: {} codes", file.display(), found.len()))
                }
            }
        }
        Command::List => {
            let all =
                products::list(&products::catalogue(arguments.place.catalogue()?.as_deref())?);
            if json { print::json(&all) } else { print_list(&all) }
        }
        Command::Show { code } => {
            let catalogue = products::catalogue(arguments.place.catalogue()?.as_deref())?;
            let product = products::show(&catalogue, *code)?;
            if json { print::json(&product) } else { print_product(&product) }
        }
    }
}

fn print_list(all: &[ProductView]) -> anyhow::Result<()> {
    let row = |p: &ProductView| {
        let terms = p.terms.iter().map(|t| match t.days {
            Some(days) => format!("{days}d {}", t.base),
            None => t.base.clone(),
        });
        let max = if p.max_names == 0 { String::new() } else { p.max_names.to_string() };
        [
            p.code.to_string(),
            p.name.clone(),
            p.level.to_owned(),
            p.kind.to_owned(),
            max,
            terms.collect::<Vec<_>>().join(", "),
        ]
    };
    print::table(
        ["Code", "Name", "Level", "Names", "Most", "Terms and prices"],
        all.iter().map(row),
    )
}

fn print_product(p: &ProductView) -> anyhow::Result<()> {
    let codes: Vec<String> = p.logos.iter().map(ToString::to_string).collect();
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    print::details(&[
        ("Code", p.code.to_string()),
        ("Stands for", print::or_nothing(p.alias_of.as_ref())),
        ("Name", p.name.clone()),
        ("Level", p.level.to_owned()),
        ("Names", p.kind.to_owned()),
        ("Names in the price", p.included_names.to_string()),
        ("Most names", p.max_names.to_string()),
        ("Wildcards in the list", yes(p.wildcards)),
        ("Private root", yes(p.intranet)),
        ("Bonus days", yes(p.bonus_days)),
        ("Add-ons", codes.join(" ")),
    ])?;
    let terms = p.terms.iter().map(|t| {
        [
            print::or_nothing(t.days.as_ref()),
            t.base.clone(),
            t.per_name.clone(),
            t.per_server.clone(),
        ]
    });
    print::line("")?;
    print::table(["Days", "Price", "Further name", "Further server"], terms)
}
