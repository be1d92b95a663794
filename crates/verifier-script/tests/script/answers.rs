//! What a script answers, and what comes of it (braincloud 7).

use authcore_fake_idp::{Outcome, World};
use authcore_verifiers::Reason;

use crate::{TOKEN, accepted, ann, answered, body, built, credential, refused};

#[tokio::test]
async fn braincloud_7_an_answer_is_a_boolean_or_an_object() {
    assert_eq!(answered("true").await, accepted("ann"));
    assert_eq!(answered("false").await, refused());
    assert_eq!(answered("#{ valid: true }").await, accepted("ann"));
    assert_eq!(answered("#{ valid: true, externalIdOverride: `7` }").await, accepted("7"));
    assert_eq!(answered("#{ valid: false, extraErrorJson: #{ a: 1 } }").await, refused());
    for bad in [
        "",
        "()",
        "1",
        "`true`",
        "[true]",
        "#{}",
        "#{ valid: 1 }",
        "#{ valid: `true` }",
        "#{ valid: true, externalIdOverride: 7 }",
        "#{ valid: true, authPayload: `text` }",
        "#{ valid: true, identityData: [] }",
        "#{ valid: true, authPayload: #{ a: sha256(`a`) } }",
        "#{ valid: true, authPayload: #{ a: 0.0 / 0.0 } }",
    ] {
        assert_eq!(answered(bad).await, Outcome::Faulty, "{bad}");
    }
}

#[tokio::test]
async fn braincloud_7_script_input_is_what_the_client_sent() {
    let script = body(
        "if data.keys().len() != 4 || data.provider != `portal` || data.now != 1767225600 { throw 1; }
         data.externalId == `Ann@x ` && data.authenticationToken == `a\"b`",
    );
    let world = World::new(built(&script).unwrap()).await;
    assert_eq!(world.login(&credential("Ann@x ", "a\"b")).await, accepted("Ann@x "));
    assert_eq!(world.login(&credential("ann", "a\"b")).await, refused());
    for bad in ["token", "[]", r#"{"authenticationToken":"a"}"#, r#"{"externalId":7}"#] {
        let outcome = world.login(bad).await;
        assert_eq!(outcome, Outcome::Rejected("not an external credential".into()), "{bad}");
    }
    assert_eq!(world.login(&credential("", "a")).await, Outcome::Rejected("no external id".into()));
}

#[tokio::test]
async fn braincloud_7_a_token_that_is_null_or_missing_is_empty() {
    let world = World::new(built(&body("data.authenticationToken == ``")).unwrap()).await;
    for none in [r#"{"externalId":"ann"}"#, r#"{"externalId":"ann","authenticationToken":null}"#] {
        assert_eq!(world.login(none).await, accepted("ann"));
    }
}

#[tokio::test]
async fn identity_data_is_kept_and_cleared() {
    let script = body(
        "switch data.authenticationToken {
            `keep` => #{ valid: true, identityData: #{ level: 7 } },
            `clear` => #{ valid: true, identityData: #{} },
            _ => true
         }",
    );
    let world = World::new(built(&script).unwrap()).await;
    let data = async |token| {
        assert_eq!(world.login(&credential("ann", token)).await, accepted("ann"));
        world.account().identities[0].data.as_deref().map(str::to_owned)
    };
    assert_eq!(data("keep").await.as_deref(), Some(r#"{"level":7}"#));
    assert_eq!(data("none").await.as_deref(), Some(r#"{"level":7}"#));
    assert_eq!(data("clear").await, None);
}

#[tokio::test]
async fn no_run_leaves_anything_behind() {
    let script = "
        fn count(data) { data.count = if `count` in data { data.count + 1 } else { 1 }; data.count }
        fn verify(data) {
            data.externalId = `x`;
            if is_def_var(`seen`) { throw 1; }
            let seen = count(data);
            seen == 1
        }";
    let world = World::new(built(script).unwrap()).await;
    for _ in 0..3 {
        assert_eq!(world.login(&ann()).await, accepted("ann"));
    }
}

#[tokio::test]
async fn security_99_a_fault_tells_where_and_nothing_of_the_token() {
    for (text, told) in [
        ("throw data.authenticationToken", "it throws (line 1, position 19)"),
        (
            "parse_int(data.authenticationToken) == 1",
            "a calculation or a conversion fails (line 1, position 19)",
        ),
        ("[1][5] == 1", "an index is out of bounds (line 1, position 23)"),
        (
            "data.authenticationToken.sign() == 1",
            "no function sign (&str | ImmutableString | String)",
        ),
        ("data.authenticationToken.x == 1", "no such property"),
        ("data.authenticationToken * 2 == 1", "no function * ("),
        ("let a = data[data.authenticationToken]; a.b.c", ""),
        (
            "secret(data.authenticationToken)",
            "the configuration has no such secret (line 1, position 19)",
        ),
        ("get(data.authenticationToken, ``)", "a service that the configuration does not name"),
        ("verify_token(data.authenticationToken, ``)", "of whom the configuration does not name"),
        ("1", "neither a boolean nor an object"),
    ] {
        let verifier = built(&body(text)).unwrap();
        let fault = crate::language::fault(verifier).await;
        assert!(fault.contains(told), "{text}: {fault}");
        assert!(!fault.contains(TOKEN), "{text}: {fault}");
    }
}

#[tokio::test]
async fn what_a_player_malformed_is_no_fault_of_the_script() {
    for text in
        ["parse_json(`{`)", "parse_json(`{\"a\":1,\"a\":2}`)", "from_hex(`zz`)", "from_base64(`?`)"]
    {
        assert_eq!(answered(text).await, crate::rejected(Reason::Malformed), "{text}");
        let caught = format!("try {{ {text} }} catch {{ return false; }} true");
        assert_eq!(answered(&caught).await, refused(), "{text}");
    }
}
