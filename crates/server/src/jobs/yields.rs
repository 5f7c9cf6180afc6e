//! Whether work finds what it looks for.

use std::sync::atomic::{AtomicU32, Ordering};

/// The part of the latest looks that found what they looked for, of which each counts a sixteenth less than the one after it.
pub struct Yield(AtomicU32);

impl Yield {
    /// All of them.
    const ALL: u32 = 1 << 20;
    /// A quarter of them is not much.
    const LOW: u32 = Self::ALL / 4;

    /// One more look has ended.
    pub fn note(&self, found: bool) {
        let next = |before: u32| {
            let kept = before - before / 16;
            Some(kept + if found { Self::ALL / 16 } else { 0 })
        };
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// Whether most looks find nothing.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.0.load(Ordering::Relaxed) < Self::LOW
    }
}

/// Before the first look nothing is known against looking.
impl Default for Yield {
    fn default() -> Self {
        Self(AtomicU32::new(Self::ALL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_in_vain_lower_it_and_finds_raise_it() {
        let yields = Yield::default();
        assert!(!yields.is_low());
        (0..20).for_each(|_| yields.note(false));
        assert!(!yields.is_low(), "some in vain are no rule");
        (0..10).for_each(|_| yields.note(false));
        assert!(yields.is_low());
        (0..10).for_each(|_| yields.note(true));
        assert!(!yields.is_low());
        (0..100_000).for_each(|_| yields.note(true));
        (0..1_000).for_each(|i| yields.note(i % 8 == 0));
        assert!(yields.is_low(), "one in eight is not much");
        (0..1_000).for_each(|i| yields.note(i % 2 == 0));
        assert!(!yields.is_low());
    }
}
