//! The subject of a request.

use domain::csr::{CsrError, CsrSubject};

use super::strings;
use crate::asn1::{Malformed, OID, Reader, SEQUENCE, SET};
use crate::oid;

/// More attributes than any sensible name has.
const MAX_ATTRIBUTES: usize = 200;

/// Reads the attributes that orders look at; others may be of any type.
///
/// # Errors
/// -10 for broken structure and for strings that are none.
pub fn read(mut rdns: Reader<'_>) -> Result<CsrSubject, CsrError> {
    let mut subject = CsrSubject::default();
    let mut count = 0;
    while !rdns.is_empty() {
        let mut set = rdns.expect(SET).map_err(broken)?.inside();
        while !set.is_empty() {
            let mut pair = set.expect(SEQUENCE).map_err(broken)?.inside();
            let kind = pair.expect(OID).map_err(broken)?;
            let value = pair.any().map_err(broken)?;
            pair.end().map_err(broken)?;
            count += 1;
            if count > MAX_ATTRIBUTES {
                return Err(CsrError::Decode);
            }
            let Some(slot) = Slot::of(kind.value) else { continue };
            let text = strings::text(value)?;
            if !text.trim().is_empty() {
                slot.put(&mut subject, text);
            }
        }
    }
    Ok(subject)
}

fn broken(_: Malformed) -> CsrError {
    CsrError::Decode
}

enum Slot {
    One(fn(&mut CsrSubject) -> &mut Option<String>),
    Street,
}

impl Slot {
    fn of(kind: &[u8]) -> Option<Self> {
        Some(Slot::One(match kind {
            oid::COMMON_NAME => |s| &mut s.common_name,
            oid::ORGANIZATION => |s| &mut s.organization,
            oid::ORGANIZATIONAL_UNIT => |s| &mut s.organizational_unit,
            oid::POST_OFFICE_BOX => |s| &mut s.post_office_box,
            oid::LOCALITY => |s| &mut s.locality,
            oid::STATE => |s| &mut s.state,
            oid::POSTAL_CODE => |s| &mut s.postal_code,
            oid::COUNTRY => |s| &mut s.country,
            oid::EMAIL => |s| &mut s.email,
            oid::TELEPHONE => |s| &mut s.telephone,
            oid::STREET => return Some(Slot::Street),
            _ => return None,
        }))
    }

    fn put(&self, subject: &mut CsrSubject, text: String) {
        match self {
            Slot::One(field) => {
                field(subject).get_or_insert(text);
            }
            Slot::Street if subject.streets.len() < 3 => subject.streets.push(text),
            Slot::Street => {}
        }
    }
}
