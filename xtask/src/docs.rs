//! `docs/reference`: what the tables in the code say, as pages. Written by this program alone, committed, checked clean.

mod data;
mod endpoints;
mod products;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;

const FOLDER: &str = "docs/reference";

/// File names and what stands in them.
type Pages = BTreeMap<String, String>;

/// Writes every page and removes what is none.
pub fn write(root: &Path) -> anyhow::Result<()> {
    let (wanted, found) = (pages()?, read(root)?);
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    for name in found.keys().filter(|name| !wanted.contains_key(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    for (name, text) in &wanted {
        fs::write(folder.join(name), text).with_context(|| name.clone())?;
    }
    println!("docs: {} pages in {FOLDER}", wanted.len());
    Ok(())
}

/// Fails if a page is not what [`write()`] would write.
pub fn check(root: &Path) -> anyhow::Result<()> {
    let (wanted, found) = (pages()?, read(root)?);
    let mut stale: Vec<&String> = wanted
        .iter()
        .filter(|(name, text)| found.get(*name) != Some(text))
        .map(|(n, _)| n)
        .collect();
    stale.extend(found.keys().filter(|name| !wanted.contains_key(*name)));
    let names = stale.into_iter().cloned().collect::<Vec<_>>().join(", ");
    anyhow::ensure!(names.is_empty(), "stale in {FOLDER}: {names}; run `cargo xtask docs`");
    println!("docs: {} pages in {FOLDER}, all fresh", wanted.len());
    Ok(())
}

fn pages() -> anyhow::Result<Pages> {
    let mut pages = endpoints::pages();
    pages.insert("products.md".to_owned(), products::page());
    pages.insert("profiles.md".to_owned(), data::profiles()?);
    pages.insert("policy.md".to_owned(), data::policy()?);
    let index = endpoints::index();
    pages.insert("README.md".to_owned(), index);
    Ok(pages.into_iter().map(|(name, text)| (name, format!("{NOTE}{text}"))).collect())
}

const NOTE: &str =
    "<!-- Written by `cargo xtask docs`: change the tables in the code, not this page. -->\n\n";

fn read(root: &Path) -> anyhow::Result<Pages> {
    let mut found = Pages::new();
    let Ok(entries) = fs::read_dir(root.join(FOLDER)) else { return Ok(found) };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.insert(name, fs::read_to_string(&path)?);
    }
    Ok(found)
}

/// A Markdown table.
pub fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| c.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let heads: Vec<String> = heads.iter().map(|h| (*h).to_owned()).collect();
    let mut out = line(&heads);
    out += &format!("|{}\n", " --- |".repeat(heads.len()));
    rows.into_iter().for_each(|row| out += &line(&row));
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_reference_pages_are_fresh() {
        super::check(&crate::root()).expect("fresh pages");
    }

    #[test]
    fn every_link_of_the_index_has_its_page() {
        let pages = super::pages().expect("pages");
        for link in pages["README.md"].split("](").skip(1).filter_map(|s| s.split(')').next()) {
            assert!(pages.contains_key(link), "{link}");
        }
    }
}
