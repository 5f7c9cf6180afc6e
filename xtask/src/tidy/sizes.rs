//! Files and functions that are longer than we aim at. Nothing fails for being long.

use std::fs;
use std::path::{Path, PathBuf};

const FILE_AIM: usize = 300;
const FUNCTION_AIM: usize = 70;

/// A line for each long file and function, tests not counted.
pub fn long_ones(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in ["crates", "xtask"] {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        found.extend(long_in(&name, &text));
    }
    Ok(found)
}

fn long_in(name: &str, text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
    let mut found = Vec::new();
    if code.len() > FILE_AIM {
        found.push(format!("{name}: {} lines", code.len()));
    }
    for (start, line) in code.iter().enumerate() {
        let Some(function) = function_name(line) else { continue };
        // rustfmt puts the closing brace right below the first column of `fn`.
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        let length = code[start..].iter().position(|l| *l == closing).map_or(1, |end| end + 1);
        if !line.trim_end().ends_with(['}', ';']) && length > FUNCTION_AIM {
            found.push(format!("{name}:{}: fn {function} has {length} lines", start + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.trim_start().split(' ');
    let known = |word: &str| {
        word.starts_with("pub") || ["async", "const", "unsafe", "extern"].contains(&word)
    };
    if words.by_ref().find(|word| !known(word))? != "fn" {
        return None;
    }
    words.next()?.split(['(', '<']).next()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_test = path.file_name().is_some_and(|name| name == "tests" || name == "tests.rs");
        if path.is_dir() && !is_test {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs") && !is_test {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_functions_and_files_are_listed() {
        let body = "        step();\n".repeat(69);
        let text = format!(
            "impl A {{\n    pub async fn long(&self) {{\n{body}    }}\n}}\nfn short() {{}}\n"
        );
        assert_eq!(long_in("a.rs", &text), ["a.rs:2: fn long has 71 lines"]);
        let text = format!("{}#[cfg(test)]\n{}", "//\n".repeat(301), "//\n".repeat(500));
        assert_eq!(long_in("a.rs", &text), ["a.rs: 301 lines"]);
        let trait_item = format!("trait A {{\n    fn only_said(&self);\n{}}}\n", "\n".repeat(99));
        assert_eq!(long_in("a.rs", &trait_item), Vec::<String>::new());
    }
}
