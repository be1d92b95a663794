use std::fmt::Write as _;

use authcore::store::{StoreError, StoreErrorKind};
use proptest::prelude::*;

use super::*;

fn plain() -> Session {
    let time = |millis: i64| DateTime::from_timestamp_millis(1_760_000_000_000 + millis).unwrap();
    Session {
        id: SessionId::from_bytes([7; 16]),
        identity: Some(Ordinal::new(1)),
        method: Method::Device,
        authenticated_at: time(0),
        last_used_at: time(3_600_000),
        idle_expires_at: time(3_600_000 + 30 * 86_400_000),
        expires_at: time(365 * 86_400_000),
        generation: 3,
        access_revoked: false,
        refresh_revoked: false,
        client_vars: Vars::new(),
        server_vars: Vars::new(),
        device_name: None,
        device_id: None,
        epoch: Epoch::new(1),
        store_epoch: Epoch::new(0),
    }
}

fn time() -> impl Strategy<Value = DateTime<Utc>> {
    let ends =
        (DateTime::<Utc>::MIN_UTC.timestamp_millis(), DateTime::<Utc>::MAX_UTC.timestamp_millis());
    prop_oneof![Just(ends.0), Just(ends.1), Just(0), Just(-1), ends.0..=ends.1]
        .prop_map(|millis| DateTime::from_timestamp_millis(millis).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a\u{0}\u{1f600}]{0,200}"]
}

fn session() -> impl Strategy<Value = Session> {
    let method = prop::sample::select(vec![
        Method::Device,
        Method::Custom,
        Method::Guest,
        Method::Password,
        Method::Provider,
    ]);
    let vars = || prop::collection::btree_map(text(), text(), 0..4);
    let device = || prop::option::of(text().prop_map(String::into_boxed_str));
    (
        (any::<[u8; 16]>(), any::<Option<u32>>(), method),
        (time(), time(), time(), time()),
        (any::<u32>(), any::<bool>(), any::<bool>(), any::<u32>(), any::<u32>()),
        (vars(), vars(), device(), device()),
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

fn is_corrupt<T>(result: Result<T, Fault>) -> bool {
    let Err(fault) = result else { return false };
    let error = StoreError::from(fault);
    *error.kind() == StoreErrorKind::Corrupt { what: WHAT.to_owned() }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(sessions in prop::collection::vec(session(), 0..6)) {
        let list = encode(&sessions).unwrap();
        prop_assert_eq!(&decode(&list).unwrap(), &sessions);
        for wanted in &sessions {
            let first = sessions.iter().find(|session| session.id == wanted.id);
            let found = find(&list, wanted.id).unwrap();
            prop_assert_eq!(found.as_ref(), first);
        }
    }

    /// A list that was cut between two sessions is a shorter list; anywhere else it is damaged.
    #[test]
    fn a_list_that_was_cut_short_is_corrupt(sessions in prop::collection::vec(session(), 1..4)) {
        let list = encode(&sessions).unwrap();
        let mut shorter = Vec::new();
        for count in 0..sessions.len() {
            shorter.push(encode(&sessions[..count]).unwrap().len());
        }
        for length in 0..list.len() {
            let cut = decode(&list[..length]);
            match shorter.iter().position(|whole| *whole == length) {
                Some(count) => prop_assert_eq!(&cut.unwrap(), &sessions[..count]),
                None => prop_assert!(is_corrupt(cut), "{length} of {}", list.len()),
            }
        }
    }

    #[test]
    fn garbage_is_an_error_or_a_list_but_never_a_panic(mut garbage: Vec<u8>, id: [u8; 16]) {
        garbage.insert(0, FORMAT);
        if let Ok(sessions) = decode(&garbage) {
            prop_assert_eq!(&decode(&encode(&sessions).unwrap()).unwrap(), &sessions);
        }
        let _ = find(&garbage, SessionId::from_bytes(id));
    }

    #[test]
    fn a_changed_byte_is_an_error_or_another_list(
        session in session(), at: prop::sample::Index, with: u8
    ) {
        let mut list = encode(&[session]).unwrap();
        let at = at.index(list.len());
        list[at] = with;
        if let Ok(sessions) = decode(&list) {
            prop_assert_eq!(&decode(&encode(&sessions).unwrap()).unwrap(), &sessions);
        }
    }
}

#[test]
fn no_sessions_take_one_byte() {
    assert_eq!(encode(&[]).unwrap(), [FORMAT]);
    assert!(decode(&[FORMAT]).unwrap().is_empty());
}

#[test]
fn a_plain_session_takes_44_bytes() {
    assert_eq!(encode(&[plain()]).unwrap().len(), 1 + 44);
}

/// The form is on people's disks: another one needs another number.
#[test]
fn the_form_does_not_change() {
    let mut session = plain();
    session.device_name = Some("d".into());
    session.client_vars.insert("k".into(), "v".into());
    let list = encode(&[session]).unwrap();
    let mut hex = String::new();
    for byte in list {
        write!(hex, "{byte:02x}").unwrap();
    }
    assert_eq!(
        hex,
        "0132070707070707070707070707070707072900\
         8080e682b96680bab70380a0f6a71380b089fbea01\
         0301000101640101\
         6b0176"
    );
}

#[test]
fn what_makes_no_sense_is_corrupt() {
    let good = encode(&[plain()]).unwrap();
    let changed = |at: usize, with: u8| {
        let mut list = good.clone();
        list[at] = with;
        list
    };
    // The list is the format, a length, 16 bytes of id, flags, method, and so on.
    let bad = [
        ("nothing at all", Vec::new()),
        ("another format", changed(0, 2)),
        ("a length beyond the end", changed(1, 0x7f)),
        ("an unknown flag", changed(18, UNUSED)),
        ("an unknown method", changed(19, 5)),
        ("an endless number", [&[FORMAT][..], &[0xff; 30]].concat()),
        ("a number of 65 bits", [&[FORMAT][..], &[0x80; 9], &[2]].concat()),
        ("something after the session", {
            let mut list = good.clone();
            list[1] += 1;
            list.push(0);
            list
        }),
    ];
    for (what, list) in bad {
        assert!(is_corrupt(decode(&list)), "{what}");
    }
}

#[test]
fn text_that_is_not_utf_8_and_doubled_names_are_corrupt() {
    let mut session = plain();
    session.device_name = Some("\u{e9}".into());
    let mut list = encode(&[session]).unwrap();
    *list.last_mut().unwrap() = 0xff;
    assert!(is_corrupt(decode(&list)));

    let mut session = plain();
    session.server_vars.extend([("a".into(), String::new()), ("b".into(), String::new())]);
    let mut list = encode(&[session]).unwrap();
    let second_name = list.len() - 2;
    assert_eq!(list[second_name], b'b');
    list[second_name] = b'a';
    assert!(is_corrupt(decode(&list)));
}

#[test]
fn times_beyond_what_can_be_held_are_corrupt() {
    let mut list = vec![FORMAT, 0];
    list.extend([7; 16]);
    list.extend([0, 0]);
    put_signed(&mut list, i64::MAX);
    put_signed(&mut list, i64::MAX);
    for _ in 0..5 {
        put(&mut list, 0);
    }
    list[1] = u8::try_from(list.len() - 2).unwrap();
    assert!(is_corrupt(decode(&list)));
}
