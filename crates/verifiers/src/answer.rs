use serde_json::{Map, Value};

/// What an external check answers (braincloud 7). A `bool` is one, too: accepted or not.
///
/// ```
/// use authcore_verifiers::ExternalAnswer;
///
/// let accepted = ExternalAnswer { valid: true, ..ExternalAnswer::default() };
/// assert_eq!(ExternalAnswer::from(true), accepted);
/// assert_eq!(ExternalAnswer::from_json(r#"{"valid":true}"#)?, accepted);
/// # Ok::<(), authcore_verifiers::InvalidAnswer>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the answer of a protocol; made with struct update")]
pub struct ExternalAnswer {
    /// Whether the player is who the client says.
    pub valid: bool,
    /// Looked up and kept in place of the id that the client sent (`externalIdOverride`); 1 to 255 bytes.
    pub external_id_override: Option<String>,
    /// The account to enter instead of the identity's (`useProfileId`): nobody looks the identity up, and it is not kept.
    pub use_profile_id: Option<String>,
    /// For the client, when it is let in (`authPayload`): a JSON object, at most 65,536 bytes.
    pub auth_payload: Option<String>,
    /// For the client, when it is not (`extraErrorJson`): a JSON object, at most 65,536 bytes.
    pub extra_error: Option<String>,
    /// What is kept with the identity (`identityData`): a JSON object, at most 4096 bytes. An empty one clears what there
    /// is; none leaves it.
    pub identity_data: Option<String>,
}

impl From<bool> for ExternalAnswer {
    fn from(valid: bool) -> Self {
        Self { valid, ..Self::default() }
    }
}

impl ExternalAnswer {
    /// Reads a JSON answer: a boolean, or an object with a boolean `valid`. A key that is `null` is as good as absent, and
    /// keys that are not known are ignored.
    ///
    /// # Errors
    ///
    /// [`InvalidAnswer`] for anything else. Whoever asked is to be refused then, as for a no.
    pub fn from_json(text: &str) -> Result<Self, InvalidAnswer> {
        match serde_json::from_str(text) {
            Ok(Value::Bool(valid)) => Ok(valid.into()),
            Ok(Value::Object(mut object)) => Ok(Self {
                valid: match object.remove("valid") {
                    Some(Value::Bool(valid)) => valid,
                    _ => return Err(InvalidAnswer("`valid` is not a boolean")),
                },
                external_id_override: string(&mut object, "externalIdOverride")?,
                use_profile_id: string(&mut object, "useProfileId")?,
                auth_payload: json(&mut object, "authPayload")?,
                extra_error: json(&mut object, "extraErrorJson")?,
                identity_data: json(&mut object, "identityData")?,
            }),
            Ok(_) => Err(InvalidAnswer("it is neither a boolean nor an object")),
            Err(_) => Err(InvalidAnswer("it is not JSON")),
        }
    }
}

/// Text, where there is any; empty text would name nobody.
fn string(object: &mut Map<String, Value>, key: &str) -> Result<Option<String>, InvalidAnswer> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(InvalidAnswer("an id is not text, or empty")),
    }
}

fn json(object: &mut Map<String, Value>, key: &str) -> Result<Option<String>, InvalidAnswer> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(inner)) => Ok(Some(Value::Object(inner).to_string())),
        Some(_) => Err(InvalidAnswer("a part that is to be an object is none")),
    }
}

/// An external check answered what it must not. It tells nothing of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid answer of an external check: {0}")]
pub struct InvalidAnswer(&'static str);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ExternalAnswer, InvalidAnswer> {
        ExternalAnswer::from_json(json)
    }

    #[test]
    fn braincloud_7_a_bare_boolean_is_an_answer() {
        assert_eq!(read("true"), Ok(true.into()));
        assert_eq!(read(" false\n"), Ok(false.into()));
    }

    #[test]
    fn braincloud_7_an_object_has_its_six_keys() {
        let text = r#"{"valid":true,"externalIdOverride":"7","useProfileId":"p","authPayload":{"a":1},
            "extraErrorJson":{"b":2},"identityData":{},"other":[]}"#;
        let answer = ExternalAnswer {
            valid: true,
            external_id_override: Some("7".into()),
            use_profile_id: Some("p".into()),
            auth_payload: Some(r#"{"a":1}"#.into()),
            extra_error: Some(r#"{"b":2}"#.into()),
            identity_data: Some("{}".into()),
        };
        assert_eq!(read(text), Ok(answer));
    }

    #[test]
    fn braincloud_7_anything_else_is_a_refusal() {
        for bad in [
            "",
            "null",
            "1",
            r#""true""#,
            "[true]",
            "{}",
            r#"{"valid":"true"}"#,
            r#"{"valid":1}"#,
            r#"{"valid":null}"#,
            r#"{"valid":true"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn braincloud_7_a_part_of_the_wrong_kind_lets_nobody_in() {
        for bad in [
            r#"{"valid":true,"externalIdOverride":7}"#,
            r#"{"valid":true,"externalIdOverride":""}"#,
            r#"{"valid":true,"useProfileId":false}"#,
            r#"{"valid":true,"authPayload":"text"}"#,
            r#"{"valid":false,"extraErrorJson":[]}"#,
            r#"{"valid":true,"identityData":1}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let nulls = r#"{"valid":true,"externalIdOverride":null,"authPayload":null}"#;
        assert_eq!(read(nulls), Ok(true.into()));
    }
}
