use authcore::verifier::ProviderProfile;
use unicode_normalization::UnicodeNormalization as _;

const NAME: usize = 255;
const AVATAR: usize = 2048;

/// A player's profile as a provider tells it: what is no name and no avatar is left out (providers.md P4, P5).
#[must_use]
pub fn profile(name: Option<&str>, avatar: Option<&str>) -> ProviderProfile {
    let mut profile = ProviderProfile::default();
    profile.display_name = name.and_then(display_name);
    profile.avatar_url = avatar.filter(|url| is_avatar(url)).map(Into::into);
    profile
}

/// The name in NFC, without characters that steer the terminal or the direction of writing, cut to 255 bytes.
fn display_name(name: &str) -> Option<String> {
    let mut cleaned = String::new();
    for character in name.nfc().filter(|character| !steers(*character)) {
        if cleaned.len() + character.len_utf8() > NAME {
            break;
        }
        cleaned.push(character);
    }
    let cleaned = cleaned.trim();
    (!cleaned.is_empty()).then(|| cleaned.to_owned())
}

fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

fn is_avatar(url: &str) -> bool {
    url.len() <= AVATAR
        && url.starts_with("https://")
        && !url.chars().any(|character| character.is_whitespace() || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p5_names_are_composed_and_steer_nothing() {
        let name = |name| profile(Some(name), None).display_name;
        assert_eq!(name("Ann").as_deref(), Some("Ann"));
        assert_eq!(name("e\u{301}").as_deref(), Some("é"));
        assert_eq!(name(" A\u{202e}n\r\nn\u{0} ").as_deref(), Some("Ann"));
        assert_eq!((name(""), name("\u{200f} \n")), (None, None));
        assert_eq!(name(&"é".repeat(200)).map(|name| name.len()), Some(254));
    }

    #[test]
    fn p4_avatars_are_https_and_short() {
        let avatar = |url| profile(None, Some(url)).avatar_url;
        assert!(avatar("https://cdn.example/a.png").is_some());
        for bad in
            ["http://cdn.example/a.png", "javascript:alert(1)", "", "https://a b", "https://a\n"]
        {
            assert_eq!(avatar(bad), None, "{bad}");
        }
        assert_eq!(avatar(&format!("https://{}", "a".repeat(AVATAR))), None);
    }
}
