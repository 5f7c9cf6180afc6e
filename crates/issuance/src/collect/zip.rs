//! The archive that is attached to the issuance mail.

use std::io::{Cursor, Write as _};

use domain::time::Time;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The archive could not be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the archive could not be written")]
pub struct CannotZip;

/// Two stored entries, `<name>.ca-bundle` and `<name>.crt`, dated by the day of notBefore. In the name `.` becomes `_`,
/// `*` becomes `STAR`, and what no file name should have becomes `_`. `issuers` begins with the leaf's issuer.
///
/// # Errors
/// [`CannotZip`].
pub fn bundle(
    name: &str,
    leaf: &[u8],
    issuers: &[&[u8]],
    not_before: Time,
) -> Result<Vec<u8>, CannotZip> {
    let stem = stem(name);
    let part = |pattern: &str| not_before.format(pattern).parse::<u16>().map_err(|_| CannotZip);
    let (month, day) = (part("%m")?, part("%d")?);
    let small = |n: u16| u8::try_from(n).map_err(|_| CannotZip);
    let date = DateTime::from_date_and_time(part("%Y")?, small(month)?, small(day)?, 0, 0, 0)
        .map_err(|_| CannotZip)?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(date);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let files = [("ca-bundle", super::pem_chain(issuers)), ("crt", super::pem_chain(&[leaf]))];
    for (ending, text) in files {
        archive.start_file(format!("{stem}.{ending}"), options).map_err(|_| CannotZip)?;
        archive.write_all(text.as_bytes()).map_err(|_| CannotZip)?;
    }
    Ok(archive.finish().map_err(|_| CannotZip)?.into_inner())
}

/// The archive's own file name: `<name>.zip`, spelled as the entries are.
#[must_use]
pub fn bundle_name(name: &str) -> String {
    format!("{}.zip", stem(name))
}

fn stem(name: &str) -> String {
    name.replace('*', "STAR")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect()
}
