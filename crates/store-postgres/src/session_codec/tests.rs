use std::fmt::Write as _;

use authcore::store::{StoreError, StoreErrorKind};
use proptest::prelude::*;

use super::*;

fn plain() -> Session {
    let time = |millis: i64| DateTime::from_timestamp_millis(1_760_000_000_000 + millis).unwrap();
    Session {
        id: SessionId::from_bytes([7; 16]),
        identity: Some(Ordinal::new(1)),
        method: Method::Guest,
        authenticated_at: time(0),
        last_used_at: time(1),
        idle_expires_at: time(2),
        expires_at: time(3),
        generation: 4,
        access_revoked: true,
        refresh_revoked: false,
        client_vars: Vars::new(),
        server_vars: Vars::new(),
        device_name: None,
        device_id: None,
        epoch: Epoch::new(5),
        store_epoch: Epoch::new(6),
    }
}

fn time() -> impl Strategy<Value = DateTime<Utc>> {
    let ends =
        (DateTime::<Utc>::MIN_UTC.timestamp_millis(), DateTime::<Utc>::MAX_UTC.timestamp_millis());
    prop_oneof![Just(ends.0), Just(ends.1), Just(0), Just(-1), ends.0..=ends.1]
        .prop_map(|millis| DateTime::from_timestamp_millis(millis).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a\u{0}\u{1a}\u{1f600}]{0,200}"]
}

fn session() -> impl Strategy<Value = Session> {
    let method = prop::sample::select(vec![
        Method::Device,
        Method::Custom,
        Method::Guest,
        Method::Password,
        Method::Provider,
    ]);
    let vars = || prop::collection::btree_map(text(), text(), 0..3);
    let device = || prop::option::of(text().prop_map(String::into_boxed_str));
    let texts = prop_oneof![
        Just((Vars::new(), Vars::new(), None, None)),
        (vars(), vars(), device(), device())
    ];
    (
        (any::<[u8; 16]>(), any::<Option<u32>>(), method),
        (time(), time(), time(), time()),
        (any::<u32>(), any::<bool>(), any::<bool>(), any::<u32>(), any::<u32>()),
        texts,
    )
        .prop_map(|(who, times, numbers, texts)| Session {
            id: SessionId::from_bytes(who.0),
            identity: who.1.map(Ordinal::new),
            method: who.2,
            authenticated_at: times.0,
            last_used_at: times.1,
            idle_expires_at: times.2,
            expires_at: times.3,
            generation: numbers.0,
            access_revoked: numbers.1,
            refresh_revoked: numbers.2,
            epoch: Epoch::new(numbers.3),
            store_epoch: Epoch::new(numbers.4),
            client_vars: texts.0,
            server_vars: texts.1,
            device_name: texts.2,
            device_id: texts.3,
        })
}

fn is_corrupt<T>(result: Result<T, Fault>, column: &str) -> bool {
    let Err(fault) = result else { return false };
    let error = StoreError::from(fault);
    *error.kind() == StoreErrorKind::Corrupt { what: column.to_owned() }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(sessions in prop::collection::vec(session(), 0..6)) {
        let (list, details) = encode(&sessions).unwrap();
        prop_assert_eq!(list.len(), sessions.len() * LENGTH);
        prop_assert!(!details.as_deref().unwrap_or_default().contains(r"\u0000"));
        prop_assert_eq!(&decode(&list, details.as_deref()).unwrap(), &sessions);
        for wanted in &sessions {
            let first = sessions.iter().find(|session| session.id == wanted.id);
            let found = find(&list, details.as_deref(), wanted.id).unwrap();
            prop_assert_eq!(found.as_ref(), first);
        }
        prop_assert_eq!(find(&list, details.as_deref(), SessionId::from_bytes([0; 16])).unwrap(), None);
    }

    #[test]
    fn garbage_is_an_error_or_a_list_but_never_a_panic(
        garbage in prop::collection::vec(any::<u8>(), 0..3 * LENGTH), details: Option<String>, id: [u8; 16]
    ) {
        if let Ok(sessions) = decode(&garbage, None) {
            prop_assert_eq!(encode(&sessions).unwrap(), (garbage.clone(), None));
        }
        let _ = decode(&garbage, details.as_deref());
        let _ = find(&garbage, details.as_deref(), SessionId::from_bytes(id));
    }

    #[test]
    fn a_changed_byte_is_an_error_or_another_list(
        session in session(), at in 0..LENGTH, with: u8
    ) {
        let (mut list, details) = encode(&[session]).unwrap();
        list[at] = with;
        if let Ok(sessions) = decode(&list, details.as_deref()) {
            prop_assert_eq!(encode(&sessions).unwrap(), (list, details));
        }
    }
}

/// The form is in people's databases, and their queries read it.
#[test]
fn the_form_does_not_change() {
    let mut named = plain();
    named.device_name = Some("d".into());
    named.client_vars.insert("k".into(), "v\0".into());
    let (list, details) = encode(&[plain(), named]).unwrap();
    let mut hex = String::new();
    for byte in &list[..LENGTH] {
        write!(hex, "{byte:02x}").unwrap();
    }
    assert_eq!(
        hex,
        "07070707070707070707070707070707\
         00000199c82cc00000000199c82cc00100000199c82cc00200000199c82cc003\
         00000004000000050000000600000001\
         0203"
    );
    assert_eq!(list[..LENGTH], list[LENGTH..]);
    let details = details.unwrap();
    assert_eq!(details, r#"[null,{"device_name":"d","client_vars":{"k":"v\u001a0"}}]"#);
}

#[test]
fn plain_sessions_have_no_details() {
    assert_eq!(encode(&[plain()]).unwrap().1, None);
    assert_eq!(encode(&[]).unwrap(), (Vec::new(), None));
}

#[test]
fn what_makes_no_sense_is_corrupt() {
    let (good, _) = encode(&[plain()]).unwrap();
    let changed = |at: usize, with: &[u8]| {
        let mut list = good.clone();
        list[at..at + with.len()].copy_from_slice(with);
        list
    };
    let id = plain().id;
    let lists = [
        ("a session cut short", good[..LENGTH - 1].to_vec()),
        ("a time beyond what can be held", changed(16, &i64::MAX.to_be_bytes())),
        ("an unknown method", changed(64, &[5])),
        ("an unknown flag", changed(65, &[KNOWN + 1])),
        ("an identity that there is not", changed(65, &[0])),
    ];
    for (what, list) in lists {
        assert!(is_corrupt(decode(&list, None), LIST), "{what}");
        assert!(is_corrupt(find(&list, None, id), LIST), "{what}");
    }
    for details in ["", "{}", "[]", "[null,null]", r#"[{"device":"d"}]"#, r#"[{"device_id":1}]"#] {
        assert!(is_corrupt(decode(&good, Some(details)), DETAILS), "{details}");
        assert!(is_corrupt(find(&good, Some(details), id), DETAILS), "{details}");
    }
}
