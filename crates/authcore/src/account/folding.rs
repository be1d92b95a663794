use unicode_normalization::UnicodeNormalization;

/// How usernames and email addresses become the keys that they are unique by. One store has one folding for life:
/// it is recorded when the store is first opened, and opening it under another is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Folding {
    /// Nakama's: usernames exactly as typed (`alice` and `Alice` both exist), email addresses in simple lower case
    /// (nakama 4.1, 4.4).
    Exact,
    /// Usernames and email addresses are one name when they look alike: compatibility form (NFKC), then simple lower
    /// case.
    #[default]
    LookAlike,
}

impl Folding {
    /// The number under which a store records the folding. A change of any rule gets a new number.
    #[must_use]
    pub const fn version(self) -> u32 {
        match self {
            Self::Exact => 1,
            Self::LookAlike => 2,
        }
    }

    /// The key that a username is unique by.
    #[must_use]
    pub fn username(self, typed: &str) -> Box<str> {
        match self {
            Self::Exact => typed.into(),
            Self::LookAlike => look_alike(typed),
        }
    }

    /// The key that an email address is unique by.
    #[must_use]
    pub fn email(self, typed: &str) -> Box<str> {
        match self {
            Self::Exact => simple_lower_case(typed).into(),
            Self::LookAlike => look_alike(typed),
        }
    }
}

fn look_alike(typed: &str) -> Box<str> {
    // Lower case may leave the compatibility form, so it is taken once more.
    let lower = simple_lower_case(&typed.nfkc().collect::<String>());
    lower.nfkc().collect::<String>().into()
}

/// Unicode's simple mapping, code point by code point: the one code point whose full mapping is longer (`İ`) keeps
/// the first of it, and a final sigma is no special case.
fn simple_lower_case(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nakama_4_1_email_is_lowered_by_the_simple_mapping() {
        assert_eq!(&*Folding::Exact.email("İK\u{212A}ΑΣ@X.COM"), "ikk\u{3b1}\u{3c3}@x.com");
    }

    #[test]
    fn nakama_4_4_usernames_are_exact() {
        assert_eq!(&*Folding::Exact.username("Alice"), "Alice");
    }

    #[test]
    fn look_alikes_are_one_name() {
        for typed in ["alice", "Alice", "ALICE", "\u{ff21}lice", "\u{1d400}\u{4c}ice"] {
            let folded = Folding::LookAlike.username(typed);
            assert_eq!(&*folded, "alice", "{typed}");
            assert_eq!(
                Folding::LookAlike.username(&folded),
                folded,
                "folding twice changes nothing"
            );
        }
        assert_eq!(Folding::LookAlike.username("e\u{301}"), Folding::LookAlike.username("\u{c9}"));
    }

    #[test]
    fn each_folding_has_its_own_number() {
        assert_ne!(Folding::Exact.version(), Folding::LookAlike.version());
    }
}
