//! From a parameter's text to octets. PEM and bare Base64, and what forms do to them on the way: `+` that became a blank,
//! line breaks that became blanks, CRLF, missing padding, armour with blanks turned into `+`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Sequence};
use domain::csr::CsrError;

use super::normalise;

/// More than a request of the greatest length has as PEM.
const MAX_TEXT: usize = 128 * 1_024;

const BEGIN: &str = "-----BEGIN";

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The octets, in the first reading of the text that gives a whole request. Plus signs are put at the end only where the
/// request that this makes is `proven`, its signature being right: what they add is within the signature.
///
/// # Errors
/// -9 when no reading is Base64, -10 when one is and none gives a request.
pub fn to_octets(text: &str, proven: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, CsrError> {
    if text.len() > MAX_TEXT {
        return Err(CsrError::Decode);
    }
    let body = body(text).ok_or(CsrError::Base64)?;
    let decoded = |reading: &str| LENIENT.decode(reading.trim_end_matches('=')).ok();
    let readings = readings(body);
    let mut base64_seen = false;
    for octets in readings.iter().filter_map(|reading| decoded(reading)) {
        if is_whole(&octets) {
            return Ok(octets);
        }
        base64_seen |= !octets.is_empty();
    }
    // Lost plus signs at the very end were taken for blanks behind the text.
    ["+", "++"]
        .iter()
        .flat_map(|end| readings.iter().map(move |reading| format!("{reading}{end}")))
        .filter_map(|reading| decoded(&reading))
        .find(|octets| is_whole(octets) && proven(octets))
        .ok_or(if base64_seen { CsrError::Decode } else { CsrError::Base64 })
}

/// What stands between the armour lines, or all of it. Any label will do (the specification says "BEGIN xxxxx"); of several
/// blocks it is the first that is labelled as a request, else the first.
fn body(text: &str) -> Option<&str> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if !text.contains(BEGIN) {
        return (!text.is_empty()).then_some(text);
    }
    let blocks = || text.split(BEGIN).skip(1).filter_map(|block| block.split_once("-----"));
    let request = |(label, _): &(&str, &str)| {
        let label = label.replace(['+', '\t'], " ");
        matches!(label.trim(), "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST")
    };
    let (_, rest) = blocks().find(request).or_else(|| blocks().next())?;
    Some(rest.split_once("-----END").map_or(rest, |(body, _)| body).trim())
}

/// The ways to read white space, likeliest first: all of it meaningless; blanks for lost `+`, with line breaks in place;
/// blanks for both, with lines of a common width; blanks for `+` alone; `+` for the blank at a line's end.
fn readings(body: &str) -> Vec<String> {
    let plain: String = body.split_whitespace().collect();
    let guesses = if body.contains(' ') { guesses(body) } else { Vec::new() };
    std::iter::once(plain).chain(guesses).collect()
}

/// The readings in which some blanks are `+`.
fn guesses(body: &str) -> Vec<String> {
    let lost = |line: &str| line.replace(' ', "+");
    let in_lines: String = body.lines().map(|l| lost(l.trim_end_matches('\r'))).collect();
    let trimmed: String = body.lines().map(|l| lost(l.trim())).collect();
    let widths = [64_usize, 76, 72, 60, 70]
        .into_iter()
        .flat_map(|width| [1, 2].map(|gap| (width, gap)))
        .filter_map(|(width, gap)| regular_lines(body, width, gap));
    widths.chain([in_lines, trimmed]).collect()
}

/// The body without the blanks that stand where lines of this width break, all other blanks being `+`. None when some
/// break is not where it should be.
fn regular_lines(body: &str, width: usize, gap: usize) -> Option<String> {
    let bytes = body.as_bytes();
    let mut out = String::with_capacity(body.len());
    let mut at = 0;
    while at < bytes.len() {
        let line = body.get(at..bytes.len().min(at + width))?;
        out.push_str(&line.replace(' ', "+"));
        at += line.len();
        if at < bytes.len() {
            let breaks = bytes.get(at..at + gap)?;
            if !breaks.iter().all(u8::is_ascii_whitespace) {
                return None;
            }
            at += gap;
        }
    }
    Some(out)
}

/// The three parts of a request, the first two as whatever they are made of.
#[derive(Sequence)]
struct Whole<'a> {
    info: Vec<AnyRef<'a>>,
    algorithm: Vec<AnyRef<'a>>,
    signature: BitStringRef<'a>,
}

/// True when the octets hold the three parts of a request and these fill the outer element: a wrong reading of white
/// space moves octets about and does not pass.
fn is_whole(octets: &[u8]) -> bool {
    let Some(der) = normalise::outer(octets).ok().and_then(|o| normalise::to_der(o).ok()) else {
        return false;
    };
    Whole::from_der(&der).is_ok()
}
