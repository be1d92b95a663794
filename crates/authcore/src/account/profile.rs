use crate::refusal::{Field, Rule};

/// What a player shows. Exhaustive on purpose, like [`Account`](super::Account).
#[derive(Clone, Debug, PartialEq, Eq)]
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
