//! The subject of a request.

use domain::csr::{CsrError, CsrSubject};
use x509_cert::name::Name;

use super::strings;
use crate::oid;

/// More attributes than any sensible name has.
const MAX_ATTRIBUTES: usize = 200;

/// Reads the attributes that orders look at; others may be of any type.
///
/// # Errors
/// -10 for too many attributes and for strings that are none.
pub fn read(name: &Name) -> Result<CsrSubject, CsrError> {
    let mut subject = CsrSubject::default();
    for (count, attribute) in name.iter().enumerate() {
        if count >= MAX_ATTRIBUTES {
            return Err(CsrError::Decode);
        }
        let Some(slot) = Slot::of(attribute.oid.as_bytes()) else { continue };
        let text = strings::text(&attribute.value)?;
        if !text.trim().is_empty() {
            slot.put(&mut subject, text);
        }
    }
    Ok(subject)
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
