//! The commands of a mail client.

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo,
    Helo,
    Mail {
        from: String,
        size: Option<usize>,
    },
    Rcpt {
        to: String,
    },
    Data,
    Rset,
    Noop,
    Vrfy,
    Quit,
    /// Known, with an argument that makes no sense.
    Wrong,
    Unknown,
}

pub(super) fn parse(line: &str) -> Command {
    let line = line.trim();
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" => Command::Ehlo,
        "HELO" => Command::Helo,
        "MAIL" => path(rest, "FROM:").map_or(Command::Wrong, |(from, parameters)| Command::Mail {
            from,
            size: size(parameters),
        }),
        "RCPT" => match path(rest, "TO:") {
            Some((to, _)) if !to.is_empty() => Command::Rcpt { to },
            _ => Command::Wrong,
        },
        "DATA" => Command::Data,
        "RSET" => Command::Rset,
        "NOOP" => Command::Noop,
        "VRFY" => Command::Vrfy,
        "QUIT" => Command::Quit,
        _ => Command::Unknown,
    }
}

/// `FROM:<a@b> SIZE=1` gives `a@b` and the parameters.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(String, &'a str)> {
    let rest = rest.trim_start();
    let (word, rest) = rest.split_at_checked(keyword.len())?;
    if !word.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, parameters) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    Some((address.to_owned(), parameters))
}

fn size(parameters: &str) -> Option<usize> {
    parameters.split_ascii_whitespace().find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("SIZE").then(|| value.parse().unwrap_or(usize::MAX))
    })
}
