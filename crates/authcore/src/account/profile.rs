use serde::{Deserialize, Serialize};

use super::text::same;
use crate::refusal::{Field, Rule};
use crate::verifier::ProviderProfile;

/// What a player shows. Exhaustive on purpose, like [`Account`](super::Account).
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// At most 255 code points.
    pub display_name: Box<str>,
    /// At most 512 code points.
    pub avatar_url: Box<str>,
    /// 1 to 18 code points; `en` unless the player says otherwise.
    pub lang_tag: Box<str>,
    /// At most 255 code points.
    pub location: Box<str>,
    /// At most 255 code points.
    pub timezone: Box<str>,
    /// JSON text of the host's; a player cannot change it. `{}` at first.
    pub metadata: Box<str>,
}

impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        // Names every field, so that a new one cannot be left out.
        let Self { display_name, avatar_url, lang_tag, location, timezone, metadata } = self;
        same(display_name, &other.display_name)
            && same(avatar_url, &other.avatar_url)
            && lang_tag == &other.lang_tag
            && same(location, &other.location)
            && same(timezone, &other.timezone)
            && metadata == &other.metadata
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            display_name: Box::default(),
            avatar_url: Box::default(),
            lang_tag: "en".into(),
            location: Box::default(),
            timezone: Box::default(),
            metadata: "{}".into(),
        }
    }
}

impl Profile {
    /// Fills what is empty with what a provider says, and says whether anything changed (nakama 9.6). What is too long is
    /// left out. The language is filled for a new account only: later the default may be the player's choice.
    pub(crate) fn fill(&mut self, from: &ProviderProfile, new: bool) -> bool {
        let before = self.clone();
        let fields = [
            (&from.display_name, &mut self.display_name, 255),
            (&from.avatar_url, &mut self.avatar_url, 512),
            (&from.location, &mut self.location, 255),
            (&from.timezone, &mut self.timezone, 255),
        ];
        let of_length = |text: &&String, most| (1..=most).contains(&text.chars().count());
        for (told, kept, most) in fields {
            if let Some(value) = told.as_ref().filter(|value| of_length(value, most))
                && kept.is_empty()
            {
                *kept = value.as_str().into();
            }
        }
        if let Some(language) = from.lang_tag.as_ref().filter(|value| of_length(value, 18))
            && new
        {
            self.lang_tag = language.as_str().into();
        }
        *self != before
    }
}

/// What a player asks to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileUpdate {
    /// A new username.
    pub username: Option<String>,
    /// A new display name; empty clears it.
    pub display_name: Option<String>,
    /// A new avatar; empty clears it.
    pub avatar_url: Option<String>,
    /// A new language tag; may not be empty.
    pub lang_tag: Option<String>,
    /// A new location; empty clears it.
    pub location: Option<String>,
    /// A new time zone; empty clears it.
    pub timezone: Option<String>,
}

impl ProfileUpdate {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn apply(&self, profile: &mut Profile) {
        let fields = [
            (&self.display_name, &mut profile.display_name),
            (&self.avatar_url, &mut profile.avatar_url),
            (&self.lang_tag, &mut profile.lang_tag),
            (&self.location, &mut profile.location),
            (&self.timezone, &mut profile.timezone),
        ];
        for (asked, kept) in fields {
            if let Some(value) = asked {
                *kept = value.as_str().into();
            }
        }
    }
}

/// Sizes of nakama 4.2, in code points.
pub(crate) fn check_profile(update: &ProfileUpdate) -> Result<(), (Field, Rule)> {
    let limits = [
        (&update.display_name, Field::DisplayName, 0, 255),
        (&update.avatar_url, Field::AvatarUrl, 0, 512),
        (&update.lang_tag, Field::LangTag, 1, 18),
        (&update.location, Field::Location, 0, 255),
        (&update.timezone, Field::Timezone, 0, 255),
    ];
    for (asked, field, min, max) in limits {
        if let Some(value) = asked
            && !(min..=max).contains(&value.chars().count())
        {
            return Err((field, Rule::Characters { min, max }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nakama_9_6_a_provider_fills_what_is_empty_and_fits() {
        let text = |text: &str| Some(text.to_owned());
        let told = ProviderProfile {
            display_name: text("Ann"),
            avatar_url: text(&"x".repeat(513)),
            lang_tag: text("de"),
            location: text(""),
            timezone: text("CET"),
        };
        let mut profile = Profile { timezone: "JST".into(), ..Profile::default() };
        assert!(profile.fill(&told, false));
        assert_eq!((&*profile.display_name, &*profile.timezone), ("Ann", "JST"));
        assert_eq!((&*profile.avatar_url, &*profile.lang_tag), ("", "en"));
        assert!(!profile.fill(&told, false), "nothing is empty any more");
        assert!(profile.fill(&told, true));
        assert_eq!(&*profile.lang_tag, "de");
    }

    #[test]
    fn profiles_are_the_same_when_all_their_fields_are() {
        let fields: [fn(&mut Profile) -> &mut Box<str>; 6] = [
            |it| &mut it.display_name,
            |it| &mut it.avatar_url,
            |it| &mut it.lang_tag,
            |it| &mut it.location,
            |it| &mut it.timezone,
            |it| &mut it.metadata,
        ];
        for field in fields {
            let mut changed = Profile::default();
            *field(&mut changed) = "xy".into();
            assert!(changed != Profile::default() && changed == changed.clone());
        }
    }

    #[test]
    fn an_update_of_nothing_is_empty() {
        let clears = ProfileUpdate { location: Some(String::new()), ..Default::default() };
        assert!(ProfileUpdate::default().is_empty() && !clears.is_empty());
    }

    #[test]
    fn nakama_4_2_sizes_count_code_points() {
        let of = |length| Some("\u{e9}".repeat(length));
        let ok = ProfileUpdate {
            display_name: of(255),
            avatar_url: of(512),
            lang_tag: of(18),
            ..Default::default()
        };
        assert_eq!(check_profile(&ok), Ok(()));
        let long = ProfileUpdate { display_name: of(256), ..Default::default() };
        assert_eq!(
            check_profile(&long),
            Err((Field::DisplayName, Rule::Characters { min: 0, max: 255 }))
        );
        let empty = ProfileUpdate { lang_tag: of(0), ..Default::default() };
        assert_eq!(
            check_profile(&empty),
            Err((Field::LangTag, Rule::Characters { min: 1, max: 18 }))
        );
    }
}
