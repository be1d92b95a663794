use serde::{Deserialize, Serialize};

use super::Folding;

/// A username, as typed and as the key that it is unique by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Username {
    /// As the player typed it.
    pub shown: Box<str>,
    /// The folded key, unique over the store.
    pub key: Box<str>,
}

impl Username {
    /// The username and its key under `folding`.
    #[must_use]
    pub fn new(shown: &str, folding: Folding) -> Self {
        Self { shown: shown.into(), key: folding.username(shown) }
    }
}

/// The rule that a username breaks (nakama 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsernameRule {
    /// No control characters below U+0020, no U+007F, and not the sequence `[]`.
    Characters,
    /// 1 to 128 bytes.
    Length,
}

/// Whether a username may be given to an account (nakama 4.4): characters first, then length.
pub(crate) fn check_username(typed: &str) -> Result<(), UsernameRule> {
    let control = typed.bytes().any(|byte| byte < 0x20 || byte == 0x7f);
    if control || typed.contains("[]") {
        return Err(UsernameRule::Characters);
    }
    if !(1..=128).contains(&typed.len()) {
        return Err(UsernameRule::Length);
    }
    Ok(())
}

/// Ten letters `a-z A-Z` from random bytes (nakama 4.4). A byte is used only where it divides evenly.
pub(crate) fn generate_username(random: &[u8; 32]) -> String {
    const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    random
        .iter()
        // Of 256 values 208 fall evenly on 52 letters; 32 bytes hold ten such but once in a million calls.
        .filter(|byte| **byte < 208)
        .chain(std::iter::repeat(&0))
        .filter_map(|byte| LETTERS.get(usize::from(byte % 52)))
        .take(10)
        .map(|letter| char::from(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nakama_4_4_characters() {
        for good in ["a", " ", "a b", "\u{a0}", "\u{85}", "\u{1f600}", "[", "]", "[a]"] {
            assert_eq!(check_username(good), Ok(()), "{good:?}");
        }
        for bad in ["\t", "a\u{0}", "\u{1f}", "a\u{7f}", "[]", "a[]b"] {
            assert_eq!(check_username(bad), Err(UsernameRule::Characters), "{bad:?}");
        }
    }

    #[test]
    fn nakama_4_4_length_counts_bytes() {
        assert_eq!(check_username(""), Err(UsernameRule::Length));
        assert_eq!(check_username(&"a".repeat(128)), Ok(()));
        assert_eq!(check_username(&"a".repeat(129)), Err(UsernameRule::Length));
        assert_eq!(check_username(&"\u{e9}".repeat(65)), Err(UsernameRule::Length));
    }

    #[test]
    fn nakama_4_4_a_byte_makes_a_letter_only_where_it_divides_evenly() {
        let mut random = [255; 32];
        random[..11].copy_from_slice(&[208, 0, 1, 25, 26, 51, 52, 104, 155, 206, 207]);
        assert_eq!(generate_username(&random), "abzAZaaZYZ");
        assert_eq!(generate_username(&[255; 32]), "aaaaaaaaaa", "there are always ten");
    }

    proptest! {
        #[test]
        fn generated_names_are_ten_letters(random: [u8; 32]) {
            let name = generate_username(&random);
            prop_assert_eq!(name.len(), 10);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic()));
        }
    }
}
