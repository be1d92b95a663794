use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The most code points that a password may have (security 2).
pub(crate) const PASSWORD_MAX: usize = 256;

/// The rule that a new password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordRule {
    /// It has fewer than this many code points.
    TooShort {
        /// How many it must have.
        min: usize,
    },
    /// It has more than this many code points.
    TooLong {
        /// How many it may have.
        max: usize,
    },
}

/// Whether a password may be set or tried: code points are counted, as typed (security 1-3).
pub(crate) fn check_password(password: &Secret, min: usize) -> Result<(), PasswordRule> {
    let length = password.reveal().chars().take(PASSWORD_MAX + 1).count();
    if length < min {
        Err(PasswordRule::TooShort { min })
    } else if length > PASSWORD_MAX {
        Err(PasswordRule::TooLong { max: PASSWORD_MAX })
    } else {
        Ok(())
    }
}

/// What is hashed: the NFC form and nothing else (security 4).
pub(super) fn normal_form(password: &Secret) -> Zeroizing<Vec<u8>> {
    // Reserved in full, so that no half-grown copy is left behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(password.reveal().len() * 4));
    let mut buffer = [0; 4];
    for c in password.reveal().nfc() {
        bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn length_counts_code_points_not_bytes() {
        let check = |text: &str| check_password(&Secret::new(text), 8).is_ok();
        assert!(!check("1234567"));
        assert!(check("12345678"));
        assert!(!check("\u{20ac}\u{20ac}\u{20ac}"), "nine bytes are three code points");
        assert!(check(&"\u{1f600}".repeat(256)));
        assert!(!check(&"a".repeat(257)));
    }

    proptest! {
        /// security 4: passwords that differ in NFC stay different; nothing is trimmed or folded.
        #[test]
        fn only_nfc_equal_passwords_are_one(a in "\\PC{0,12}", b in "\\PC{0,12}") {
            let same_nfc = a.nfc().eq(b.nfc());
            let same = normal_form(&Secret::new(a)) == normal_form(&Secret::new(b));
            prop_assert_eq!(same, same_nfc);
        }
    }
}
