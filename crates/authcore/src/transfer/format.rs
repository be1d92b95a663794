use crate::random::{Random, RandomError};
use crate::refusal::{Field, Refusal, Rule};
use crate::secret::Secret;

/// The most characters of an id or a password.
pub(crate) const LONGEST_KEY: usize = 64;

/// How often random bytes are asked for before the source counts as broken: of a good one, each byte does with a chance of
/// four fifths at least.
const DRAWS: usize = 32;

/// The characters and the length of an id or a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct KeyFormat {
    /// Which characters.
    pub characters: Characters,
    /// How many; at least [`Characters::least`], at most 64.
    pub length: usize,
}

/// Which characters an id or a password is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all that there are")]
pub enum Characters {
    /// Digits.
    Digits,
    /// Digits and lower-case letters.
    DigitsLower,
    /// Digits and upper-case letters.
    DigitsUpper,
    /// Digits and letters.
    DigitsLetters,
    /// Letters.
    Letters,
}

impl Characters {
    /// The fewest characters that are allowed.
    #[must_use]
    pub const fn least(self) -> usize {
        match self {
            Self::Digits => 12,
            Self::DigitsLower | Self::DigitsUpper => 10,
            Self::DigitsLetters | Self::Letters => 9,
        }
    }

    const fn alphabet(self) -> &'static [u8] {
        match self {
            Self::Digits => b"0123456789",
            Self::DigitsLower => b"0123456789abcdefghijklmnopqrstuvwxyz",
            Self::DigitsUpper => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            Self::DigitsLetters => {
                b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
            }
            Self::Letters => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        }
    }
}

impl KeyFormat {
    pub(super) fn is_within_bounds(self) -> bool {
        (self.characters.least()..=LONGEST_KEY).contains(&self.length)
    }

    /// Whether a player may choose this one (gamebase X-20): the same characters, and as many as such a key has at least.
    pub(super) fn check(self, field: Field, chosen: &Secret) -> Result<(), Refusal> {
        let alphabet = self.characters.alphabet();
        let min = self.characters.least();
        let rule = if chosen.is_empty() {
            Rule::Required
        } else if !chosen.reveal().bytes().all(|byte| alphabet.contains(&byte)) {
            Rule::Forbidden
        } else if !(min..=LONGEST_KEY).contains(&chosen.reveal().len()) {
            Rule::Characters { min, max: LONGEST_KEY }
        } else {
            return Ok(());
        };
        Err(Refusal::Invalid { field, rule })
    }

    /// Draws one. Bytes past the last whole multiple of the alphabet are thrown away, so that each character is as
    /// likely as any other.
    pub(crate) fn draw(self, random: &dyn Random) -> Result<Secret, RandomError> {
        let alphabet = self.characters.alphabet();
        let fair = 256 - 256 % alphabet.len();
        // Reserved in full, so that no half-grown copy is left behind in memory.
        let mut key = String::with_capacity(self.length);
        for _ in 0..DRAWS {
            let mut bytes = [0; LONGEST_KEY];
            random.fill(&mut bytes)?;
            for byte in bytes.into_iter().map(usize::from).filter(|byte| *byte < fair) {
                if key.len() == self.length {
                    return Ok(Secret::new(key));
                }
                key.extend(alphabet.get(byte % alphabet.len()).copied().map(char::from));
            }
        }
        Err(RandomError)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};

    use sha2::{Digest, Sha256};

    use super::*;

    const ALL: [Characters; 5] = [
        Characters::Digits,
        Characters::DigitsLower,
        Characters::DigitsUpper,
        Characters::DigitsLetters,
        Characters::Letters,
    ];

    /// Bytes that follow from a count.
    #[derive(Debug, Default)]
    struct Counted(AtomicU64);

    impl Random for Counted {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            for chunk in buffer.chunks_mut(32) {
                let count = self.0.fetch_add(1, Ordering::SeqCst);
                let digest = Sha256::digest(count.to_be_bytes());
                chunk.copy_from_slice(&digest[..chunk.len()]);
            }
            Ok(())
        }
    }

    /// One byte for ever.
    #[derive(Debug)]
    struct Stuck(u8);

    impl Random for Stuck {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn gamebase_1_9_the_least_lengths() {
        assert_eq!(ALL.map(Characters::least), [12, 10, 10, 9, 9]);
        for characters in ALL {
            let fits = |length| KeyFormat { characters, length }.is_within_bounds();
            assert!(fits(characters.least()) && fits(64));
            assert!(!fits(characters.least() - 1) && !fits(65));
        }
    }

    #[test]
    fn gamebase_1_9_what_is_drawn_has_the_characters_and_the_length() {
        let random = Counted::default();
        for characters in ALL {
            for length in [characters.least(), 64] {
                let format = KeyFormat { characters, length };
                let key = format.draw(&random).unwrap();
                assert_eq!(key.reveal().len(), length);
                assert_eq!(format.check(Field::TransferId, &key), Ok(()));
            }
        }
    }

    /// By the chi-squared test at one in a million: with a plain remainder, the first characters come up to a quarter
    /// more often, and this is exceeded many times over.
    #[test]
    fn each_character_is_as_likely_as_any_other() {
        let random = Counted::default();
        for characters in ALL {
            let mut seen: BTreeMap<char, f64> = BTreeMap::new();
            for _ in 0..2000 {
                let key = KeyFormat { characters, length: 64 }.draw(&random).unwrap();
                for c in key.reveal().chars() {
                    *seen.entry(c).or_default() += 1.0;
                }
            }
            let count = u32::try_from(characters.alphabet().len()).unwrap();
            assert_eq!(seen.len(), characters.alphabet().len());
            let expected = 2000.0 * 64.0 / f64::from(count);
            let chi: f64 = seen.values().map(|n| (n - expected).powi(2) / expected).sum();
            let freedom = f64::from(count - 1);
            assert!(chi < freedom + 5.0 * (2.0 * freedom).sqrt() + 10.0, "{characters:?}: {chi}");
        }
    }

    #[test]
    fn randomness_that_never_fits_is_a_fault_and_not_an_endless_loop() {
        let format = KeyFormat { characters: Characters::Digits, length: 12 };
        assert!(format.draw(&Stuck(255)).is_err());
        assert_eq!(format.draw(&Stuck(249)).unwrap().reveal(), "999999999999");
    }

    #[test]
    fn gamebase_x20_what_a_player_chooses_has_the_same_characters_and_least_length() {
        let format = KeyFormat { characters: Characters::DigitsLower, length: 20 };
        let check = |key: &str| format.check(Field::TransferPassword, &Secret::new(key)).err();
        let refused = |rule| Some(Refusal::Invalid { field: Field::TransferPassword, rule });
        assert_eq!(check(""), refused(Rule::Required));
        for forbidden in ["abcdefghiJ", "abcdefghi-", "abcdefghi ", "abcdefghi\u{e9}"] {
            assert_eq!(check(forbidden), refused(Rule::Forbidden), "{forbidden}");
        }
        let length = refused(Rule::Characters { min: 10, max: 64 });
        assert_eq!(check("abcdefgh9"), length);
        assert_eq!(check(&"a".repeat(65)), length);
        assert_eq!(check("abcdefghi9"), None);
        assert_eq!(check(&"a".repeat(64)), None);
    }
}
