//! What a player presents to prove who they are, and what each kind must look like.

use std::fmt;

use crate::account::{Folding, IdentityKey, ProviderId, check_username};
use crate::password::check_password;
use crate::policy::Policy;
use crate::refusal::{Field, Refusal, Rule};
use crate::secret::Secret;
use crate::session::Method;

/// What a player presents.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credential {
    /// A device id made by the client: 10 to 128 bytes, no ASCII white space or control characters (nakama 4.5).
    Device(Secret),
    /// An id of the host's making: 6 to 128 bytes, no ASCII white space or control characters (nakama 4.5).
    Custom(Secret),
    /// A guest key made by the client: 16 to 128 bytes, no ASCII white space or control characters (gamebase 3.2).
    Guest(Secret),
    /// An email address (nakama 4.6) with its password.
    Email {
        /// The address, in any case.
        email: String,
        /// The password.
        password: Secret,
    },
    /// A username with its account's password; it never makes an account (nakama 6.2).
    Username {
        /// The username.
        username: String,
        /// The password.
        password: Secret,
    },
    /// An id that the player chose, with a password: 1 to 255 bytes, no ASCII control characters; its case does not
    /// matter (braincloud 2). An account has one password: this login shares it with the one by email address.
    Universal {
        /// The id, in any case.
        id: String,
        /// The password.
        password: Secret,
    },
    /// Whatever the verifier of that name takes.
    Provider {
        /// The verifier's name.
        provider: ProviderId,
        /// What it gets; 1 to 16384 bytes.
        payload: Secret,
    },
}

impl Credential {
    /// The credential of an external verifier: the player's id in the other system, and whatever proves it there
    /// (braincloud 7). The verifier gets the JSON object `{"externalId":"...","authenticationToken":"..."}`.
    ///
    /// ```
    /// use authcore::{Credential, account::ProviderId};
    ///
    /// let portal = ProviderId::new("portal")?;
    /// let Credential::Provider { payload, .. } = Credential::external(portal, "ann", "a-token")
    /// else {
    ///     unreachable!()
    /// };
    /// assert_eq!(payload.reveal(), r#"{"externalId":"ann","authenticationToken":"a-token"}"#);
    /// # Ok::<(), authcore::account::InvalidProviderId>(())
    /// ```
    #[must_use]
    pub fn external(provider: ProviderId, external_id: &str, authentication_token: &str) -> Self {
        let text = |value: &str| Secret::new(serde_json::Value::from(value).to_string());
        let (id, token) = (text(external_id), text(authentication_token));
        let payload = Secret::new(format!(
            r#"{{"externalId":{},"authenticationToken":{}}}"#,
            id.reveal(),
            token.reveal(),
        ));
        Self::Provider { provider, payload }
    }

    /// The provider, where the credential is that of one.
    #[must_use]
    pub const fn provider(&self) -> Option<&ProviderId> {
        match self {
            Self::Device(_) => Some(&ProviderId::DEVICE),
            Self::Custom(_) => Some(&ProviderId::CUSTOM),
            Self::Guest(_) => Some(&ProviderId::GUEST),
            Self::Email { .. } => Some(&ProviderId::EMAIL),
            Self::Username { .. } => None,
            Self::Universal { .. } => Some(&ProviderId::UNIVERSAL),
            Self::Provider { provider, .. } => Some(provider),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.provider().map_or("username", ProviderId::as_str);
        write!(f, "Credential({kind}, [redacted])")
    }
}

/// A credential whose form is right.
pub(crate) enum Checked {
    /// The id is the proof.
    Id { key: IdentityKey, method: Method },
    /// A password must go with it.
    Password { who: PasswordOwner, password: Secret },
    /// A verifier must be asked.
    Provider { provider: ProviderId, payload: Secret },
}

/// By what an account with a password is found.
pub(crate) enum PasswordOwner {
    Email { key: IdentityKey, shown: Box<str> },
    Username { key: Box<str> },
    Universal { key: IdentityKey },
}

impl PasswordOwner {
    /// The identity that a new account is made with, and its form to show; a username makes none (nakama 6.2).
    pub(crate) fn identity(&self) -> Option<(&IdentityKey, Option<&str>)> {
        match self {
            Self::Email { key, shown } => Some((key, Some(shown))),
            Self::Universal { key } => Some((key, None)),
            Self::Username { .. } => None,
        }
    }
}

/// What a credential is presented for: the order of checks differs (nakama 6.1, 9.4).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Login,
    Link,
}

pub(crate) fn check(
    credential: &Credential,
    r#use: Use,
    policy: &Policy,
    folding: Folding,
) -> Result<Checked, Refusal> {
    match credential {
        Credential::Device(id) => {
            check_id(Field::DeviceId, id.reveal())?;
            let key = IdentityKey::new(ProviderId::DEVICE, id.reveal());
            Ok(Checked::Id { key, method: Method::Device })
        }
        Credential::Custom(id) => {
            check_id(Field::CustomId, id.reveal())?;
            let key = IdentityKey::new(ProviderId::CUSTOM, id.reveal());
            Ok(Checked::Id { key, method: Method::Custom })
        }
        Credential::Guest(id) => {
            check_id(Field::GuestKey, id.reveal())?;
            let key = IdentityKey::new(ProviderId::GUEST, id.reveal());
            Ok(Checked::Id { key, method: Method::Guest })
        }
        Credential::Email { email, password } => {
            check_email_and_password(email, password, r#use, policy)?;
            let key = IdentityKey::new(ProviderId::EMAIL, &folding.email(email));
            let who = PasswordOwner::Email { key, shown: email.as_str().into() };
            Ok(Checked::Password { who, password: password.clone() })
        }
        Credential::Username { username, password } => {
            check_password(password, tried_min(policy))?;
            if username.is_empty() {
                return Err(Refusal::Invalid { field: Field::Username, rule: Rule::Required });
            }
            check_username(username)?;
            let who = PasswordOwner::Username { key: folding.username(username) };
            Ok(Checked::Password { who, password: password.clone() })
        }
        Credential::Universal { id, password } => {
            check_universal_id(id)?;
            let least = if r#use == Use::Link { policy.password_min } else { tried_min(policy) };
            check_password(password, least)?;
            // Folded as an address is: lower case, and look-alikes are one where the store says so.
            let key = IdentityKey::new(ProviderId::UNIVERSAL, &folding.email(id));
            let who = PasswordOwner::Universal { key };
            Ok(Checked::Password { who, password: password.clone() })
        }
        Credential::Provider { provider, payload } => {
            check_provider_payload(payload)?;
            Ok(Checked::Provider { provider: provider.clone(), payload: payload.clone() })
        }
    }
}

pub(crate) fn check_provider_payload(payload: &Secret) -> Result<(), Refusal> {
    let field = Field::ProviderCredential;
    match payload.reveal().len() {
        0 => Err(Refusal::Invalid { field, rule: Rule::Required }),
        1..=16384 => Ok(()),
        _ => Err(Refusal::Invalid { field, rule: Rule::Bytes { min: 1, max: 16384 } }),
    }
}

/// Empty, then characters, then length (nakama 4.5, 5.3).
pub(crate) fn check_id(field: Field, id: &str) -> Result<(), Refusal> {
    let min = match field {
        Field::DeviceId | Field::DeviceLink => 10,
        Field::GuestKey => 16,
        _ => 6,
    };
    let rule = if id.is_empty() {
        Rule::Required
    } else if has_space_or_control(id) {
        Rule::Forbidden
    } else if !(min..=128).contains(&id.len()) {
        Rule::Bytes { min, max: 128 }
    } else {
        return Ok(());
    };
    Err(Refusal::Invalid { field, rule })
}

/// Empty, then characters, then length.
pub(crate) fn check_universal_id(id: &str) -> Result<(), Refusal> {
    let rule = if id.is_empty() {
        Rule::Required
    } else if id.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        Rule::Forbidden
    } else if id.len() > 255 {
        Rule::Bytes { min: 1, max: 255 }
    } else {
        return Ok(());
    };
    Err(Refusal::Invalid { field: Field::UniversalId, rule })
}

fn check_email_and_password(
    email: &str,
    password: &Secret,
    r#use: Use,
    policy: &Policy,
) -> Result<(), Refusal> {
    if r#use == Use::Login {
        check_email(email)?;
        return Ok(check_password(password, tried_min(policy))?);
    }
    // Linking asks for the password between the address's characters and its shape (nakama 9.4).
    if password.is_empty() {
        return Err(bad_email(Rule::Required));
    }
    check_email_characters(email)?;
    check_password(password, policy.password_min)?;
    check_email(email)
}

/// Characters, then shape, then length (nakama 4.6, 6.1).
pub(crate) fn check_email(email: &str) -> Result<(), Refusal> {
    check_email_characters(email)?;
    if !looks_like_email(email) {
        return Err(bad_email(Rule::Shape));
    }
    if !(10..=255).contains(&email.len()) {
        return Err(bad_email(Rule::Bytes { min: 10, max: 255 }));
    }
    Ok(())
}

fn check_email_characters(email: &str) -> Result<(), Refusal> {
    if email.is_empty() {
        return Err(bad_email(Rule::Required));
    }
    if has_space_or_control(email) {
        return Err(bad_email(Rule::Forbidden));
    }
    Ok(())
}

const fn bad_email(rule: Rule) -> Refusal {
    Refusal::Invalid { field: Field::Email, rule }
}

/// The fewest code points of a password that is tried: an account may have an older password that is shorter than what
/// a new one must be, but never one under eight.
fn tried_min(policy: &Policy) -> usize {
    policy.password_min.min(8)
}

/// Something, `@`, something, `.`, something (nakama 4.6).
fn looks_like_email(email: &str) -> bool {
    // The first `@` that has something before it, and the last dot that has something behind it, leave the most room.
    let at = email.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    let dot = email.char_indices().rev().skip(1).find(|(_, c)| *c == '.').map(|(dot, _)| dot);
    matches!((at, dot), (Some(at), Some(dot)) if dot > at + 1)
}

/// ASCII white space and control characters only: other spaces are fine (nakama 4.5).
fn has_space_or_control(text: &str) -> bool {
    text.bytes().any(|byte| byte <= b' ' || byte == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(field: Field, id: &str) -> Option<Rule> {
        match check_id(field, id) {
            Ok(()) => None,
            Err(Refusal::Invalid { rule, .. }) => Some(rule),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn nakama_a3_device_ids_are_10_to_128_bytes() {
        let bytes = Rule::Bytes { min: 10, max: 128 };
        for (length, expected) in [
            (0, Some(Rule::Required)),
            (9, Some(bytes)),
            (10, None),
            (128, None),
            (129, Some(bytes)),
        ] {
            assert_eq!(rule(Field::DeviceId, &"a".repeat(length)), expected, "{length}");
        }
    }

    #[test]
    fn nakama_a4_no_ascii_white_space_or_controls() {
        for bad in [' ', '\t', '\n', '\u{b}', '\u{c}', '\r', '\0', '\u{1f}', '\u{7f}'] {
            assert_eq!(
                rule(Field::DeviceId, &format!("0123456789{bad}")),
                Some(Rule::Forbidden),
                "{bad:?}"
            );
        }
        for good in ['\u{a0}', '\u{3000}', '\u{85}', '!'] {
            assert_eq!(rule(Field::DeviceId, &format!("0123456789{good}")), None, "{good:?}");
        }
    }

    #[test]
    fn nakama_a5_custom_ids_are_6_to_128_bytes() {
        let bytes = Rule::Bytes { min: 6, max: 128 };
        for (length, expected) in [(5, Some(bytes)), (6, None), (128, None), (129, Some(bytes))] {
            assert_eq!(rule(Field::CustomId, &"a".repeat(length)), expected, "{length}");
        }
    }

    #[test]
    fn nakama_4_6_an_email_address_has_an_at_and_a_later_dot() {
        for good in ["a@b.cd", "a@@@@..com.x", "ü@b.c", "@@b.c"] {
            assert!(looks_like_email(good), "{good}");
        }
        for bad in ["someone@localhost", "@b.cd", "a@.c", "a@b.", "a.b@c", "", "@", ".", "a@."] {
            assert!(!looks_like_email(bad), "{bad}");
        }
    }

    fn refusal(email: &str, password: &str, r#use: Use) -> Option<(Field, Rule)> {
        let credential = Credential::Email { email: email.into(), password: password.into() };
        match check(&credential, r#use, &Policy::nakama(), Folding::Exact) {
            Ok(_) => None,
            Err(Refusal::Invalid { field, rule }) => Some((field, rule)),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn nakama_6_1_login_checks_the_address_before_the_password() {
        let check = |email, password| refusal(email, password, Use::Login);
        assert_eq!(check("a b@example.com", ""), Some((Field::Email, Rule::Forbidden)));
        assert_eq!(check("plain", ""), Some((Field::Email, Rule::Shape)));
        assert_eq!(check("a@b.co", ""), Some((Field::Email, Rule::Bytes { min: 10, max: 255 })));
        let short = Some((Field::Password, Rule::AtLeast { characters: 8 }));
        assert_eq!(check("a@bcdef.co", "1234567"), short);
        assert_eq!(check("a@bcdef.co", "12345678"), None);
    }

    #[test]
    fn nakama_l4_link_checks_a_short_password_before_a_bad_shape() {
        let check = |email, password| refusal(email, password, Use::Link);
        assert_eq!(check("", "12345678"), Some((Field::Email, Rule::Required)));
        assert_eq!(check("plain", ""), Some((Field::Email, Rule::Required)));
        assert_eq!(check("a b", "x"), Some((Field::Email, Rule::Forbidden)));
        let short = Some((Field::Password, Rule::AtLeast { characters: 8 }));
        assert_eq!(check("plain", "1234567"), short);
        assert_eq!(check("plain", "12345678"), Some((Field::Email, Rule::Shape)));
    }

    #[test]
    fn braincloud_2_a_universal_id_is_one_in_any_case() {
        let key = |id: &str| {
            let credential = Credential::Universal { id: id.into(), password: "12345678".into() };
            match check(&credential, Use::Login, &Policy::braincloud(), Folding::Exact) {
                Ok(Checked::Password { who: PasswordOwner::Universal { key }, .. }) => Ok(key),
                Ok(_) => panic!("another kind"),
                Err(Refusal::Invalid { field: Field::UniversalId, rule }) => Err(rule),
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(key("Bob"), key("BOB"));
        assert_eq!(key("BOB").unwrap().subject(), "bob");
        assert!(key("with a space").is_ok() && key(&"a".repeat(255)).is_ok());
        assert_eq!(key(""), Err(Rule::Required));
        assert_eq!(key("a\tb"), Err(Rule::Forbidden));
        assert_eq!(key(&"a".repeat(256)), Err(Rule::Bytes { min: 1, max: 255 }));
    }

    #[test]
    fn debug_shows_the_kind_only() {
        let credential =
            Credential::Email { email: "me@example.com".into(), password: "hunter22".into() };
        assert_eq!(format!("{credential:?}"), "Credential(email, [redacted])");
    }
}
