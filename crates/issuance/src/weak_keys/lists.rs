//! The lists' forms.

/// A list that cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ListError {
    /// A line that is not 64 hexadecimal digits.
    #[error("line {0}: not the SHA-256 of a public key in hexadecimal")]
    Line(usize),
    /// A size that is no multiple of 16.
    #[error("the list is not made of blocks of 16 octets")]
    Blocks,
}

pub(super) fn spki(text: &str, out: &mut Vec<[u8; 32]>) -> Result<(), ListError> {
    for (index, line) in text.lines().enumerate() {
        let digits = line.split('#').next().unwrap_or_default().trim();
        if digits.is_empty() {
            continue;
        }
        let mut digest = [0; 32];
        hex::decode_to_slice(digits, &mut digest).map_err(|_| ListError::Line(index + 1))?;
        out.push(digest);
    }
    out.sort_unstable();
    out.dedup();
    Ok(())
}

pub(super) fn blocks(bytes: &[u8], out: &mut Vec<[u8; 15]>) -> Result<(), ListError> {
    let (blocks, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(ListError::Blocks);
    }
    out.extend(blocks.iter().filter_map(|b| b.first_chunk::<15>().copied()));
    if !out.is_sorted() {
        out.sort_unstable();
    }
    out.dedup();
    Ok(())
}
