//! Scripts that mean no good, or that a player can make do too much.

use std::sync::Arc;
use std::time::{Duration, Instant};

use authcore_fake_idp::{Outcome, World};
use authcore_verifier_script::{Script, ScriptConfig};

use crate::{accepted, ann, answered, body, built, credential, nowhere, running};

/// The most memory that the process had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn what_does_too_much_ends() {
    let text = "`0123456789abcdef`";
    for hostile in [
        "loop {}".into(),
        "while true { data.now += 1; }".into(),
        "for n in 0..9223372036854775807 {}".into(),
        "for a in 0..100000 { for b in 0..100000 {} }".into(),
        "verify(data)".into(),
        "let a = [1]; loop { a += a; }".into(),
        "let a = []; loop { a.push(1); }".into(),
        "let a = []; a.pad(1000000000, 1)".into(),
        "let a = []; loop { a = [a]; }".into(),
        "let a = #{}; loop { a = #{ a: a }; }".into(),
        "let a = #{}; let n = 0; while n < 1500 { a[`k${n}`] = n; n += 1; } true".into(),
        "let a = #{ b: #{} }; let n = 0; while n < 1500 { a.b[`k${n}`] = n; n += 1; } true".into(),
        "let a = [0]; loop { let b = a; a[0] = b; }".into(),
        "let a = #{}; loop { let b = a; a.b = b; }".into(),
        "let a = #{}; loop { let b = a; a[`b`] = b; }".into(),
        format!(
            "let a = []; a.pad(900, 0); let b = {text}; b.pad(60000, 'x'); for n in 0..900 {{ a[n] = b + n; }} true"
        ),
        format!(
            "let a = #{{}}; let b = {text}; b.pad(60000, 'x'); for n in 0..900 {{ a[`${{n}}`] = b + n; }} true"
        ),
        "let a = 1; loop { a *= 3; }".into(),
        format!("let a = {text}; loop {{ a += a; }}"),
        format!("let a = {text}; loop {{ a = `${{a}}${{a}}`; }}"),
        format!("let a = {text}; a.pad(1000000000, 'x'); true"),
        format!("let a = {text}; a.pad(1000000000, `xy`); true"),
        format!("let a = {text}; let b = []; loop {{ a += `x`; b.push(a); }}"),
        "let a = ``; a.pad(60000, 'x'); let b = a; a.replace(`x`, b); true".into(),
        "let a = ``; a.pad(60000, 'x'); let b = a; a.replace('x', b); true".into(),
        "let a = ``; a.pad(60000, 'x'); a.replace(``, `yyyyy`); true".into(),
        "let a = ``; a.pad(60000, 'x'); a.split(``); true".into(),
        "let a = ``; a.pad(60000, 'x'); to_chars(a); true".into(),
        "let a = ``; a.pad(40000, 'x'); hex(a); true".into(),
        "let a = ``; a.pad(60000, 'x'); let b = []; loop { b.push(a); }".into(),
    ] {
        let begin = now();
        let outcome = answered(&hostile).await;
        // On a machine that is slow or busy the time may be over first.
        assert!(
            matches!(outcome, Outcome::Faulty | Outcome::Unavailable(None)),
            "{hostile}: {outcome:?}"
        );
        assert!(begin.elapsed() < Duration::from_secs(7), "{hostile}: {:?}", begin.elapsed());
    }
    assert!(peak() < 256 * 1024 * 1024, "{} bytes", peak());
}

#[tokio::test]
async fn a_limit_is_not_for_a_script_to_catch() {
    for hostile in ["loop {}", "verify(data)", "let a = `x`; loop { a += a; }"] {
        let caught = format!("try {{ {hostile} }} catch {{ return true; }} true");
        assert_eq!(answered(&caught).await, Outcome::Faulty, "{hostile}");
    }
}

#[tokio::test]
async fn nothing_that_is_nested_breaks_the_stack() {
    // Nearly as many lists, and as many maps, as a value may have, each in the one before.
    let nested = "let a = 1;
        for n in 0..240 { a = [#{ a: [#{ a: [#{ a: [#{ a: a }] }] }] }]; }";
    for hostile in [
        "a",
        "#{ valid: true, authPayload: #{ a: a } }",
        "a.to_string() == ``",
        "let b = a; b == a && a != b",
        "let b = [a, a]; b.sort(); 1",
    ] {
        let outcome = answered(&format!("{nested} {hostile}")).await;
        assert!(!matches!(outcome, Outcome::Accepted(_)), "{hostile}: {outcome:?}");
    }
    // As deep in calls and in each call's expressions as may be.
    for (open, close) in
        [("(1 + ", ")"), ("if true { ", " }"), ("[", "][0]"), ("id(", ")"), ("(1.max(", "))")]
    {
        let script = |depth| {
            let inner = format!("{}deep(n + 1){}", open.repeat(depth), close.repeat(depth));
            built(&format!(
                "fn id(x) {{ x }} fn deep(n) {{ {inner} }} fn verify(data) {{ deep(0) }}"
            ))
        };
        let deepest = (1..40).take_while(|depth| script(*depth).is_ok()).last().unwrap();
        assert!(deepest >= 4, "{open} {deepest}");
        let world = World::new(script(deepest).unwrap()).await;
        assert_eq!(world.login(&ann()).await, Outcome::Faulty, "{open}");
    }
    let json = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let world =
        World::new(built(&body("parse_json(data.authenticationToken); true")).unwrap()).await;
    assert_eq!(
        world.login(&credential("ann", &json)).await,
        crate::rejected(authcore_verifiers::Reason::Malformed)
    );
}

#[tokio::test]
async fn what_might_panic_is_a_fault() {
    for hostile in [
        "1 / 0",
        "1 % 0",
        "-9223372036854775808 / -1",
        "9223372036854775807 + 1",
        "0 - -9223372036854775808",
        "2 ** 999",
        "1 << 1000",
        "1 >> -1000",
        "abs(-9223372036854775807 - 1)",
        "[][0]",
        "[1][-5]",
        "`é`[7]",
        "`é`.sub_string(-9223372036854775808, 9223372036854775807).x",
        "let a = `é`; a.crop(-1, -1); a.x",
        "let a = `é`; a.truncate(-1); a.y.z",
        "let a = [1]; a.splice(-5, 100, [2]); a.x",
        "let a = [1]; a.remove(99).x.y",
        "let a = [3, `a`, ()]; a.sort(); a.x",
        "range(0, 10, 0)",
        "for n in range(0, 10, 0) { }",
        "for n in range(9223372036854775807, 0, -9223372036854775808) {} 1",
        "`x`.pad(-1, 'a')",
        "let a = [1]; a.chop(-9223372036854775808); a.x",
        "parse_float(`nan`).to_int()",
        "parse_float(`1e300`).to_int()",
        "1.0e300.to_int()",
        "`9`.parse_int(99)",
        "parse_int(`9`, 1)",
        "bits(1)[0]",
        "1[64]",
        "1[-65]",
        "data.a.b.c",
        "this.x",
        "this",
        "this[0] = 1",
        "verify",
        "verify.call(data)",
        "throw",
        "throw ()",
        "return",
        "break",
        "continue",
        "let a = 1..2; a",
        "0..9223372036854775807",
        "'x' + 1",
        "from_hex(`a`)",
        "`${[`${#{}}`]}`.x",
        "split(`a`, -9223372036854775808).x",
        "`abc`.split(9223372036854775807).x",
        "`a`.index_of(`a`, -9223372036854775808).x",
        "let x = data; x.x = x; x.x.x = x; x",
    ] {
        let script = match built(&body(hostile)) {
            Ok(script) => script,
            Err(error) => {
                assert_eq!(error.field(), "script", "{hostile}");
                continue;
            }
        };
        let outcome = World::new(script).await.login(&ann()).await;
        let fault = matches!(outcome, Outcome::Faulty)
            || outcome == crate::rejected(authcore_verifiers::Reason::Malformed);
        assert!(fault, "{hostile}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_computes_ends_when_nobody_waits() {
    // Each step is slow, so that its operations alone would last for long.
    let slow = body("let a = ``; a.pad(30000, 'x'); loop { hex(a); }");
    let config = ScriptConfig::new("quitter", &slow);
    let world = World::new(Script::new(config, &nowhere()).unwrap()).await;
    let given_up = tokio::time::timeout(Duration::from_millis(100), world.login(&ann())).await;
    assert!(given_up.is_err());
    let begin = now();
    while running("quitter") > 0 {
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_takes_five_seconds_at_most_and_holds_up_nobody_else() {
    let slow = body("let a = ``; a.pad(30000, 'x'); loop { hex(a); }");
    let world = Arc::new(World::new(built(&slow).unwrap()).await);
    let begin = now();
    let login = tokio::spawn(async move { world.login(&ann()).await });
    assert_eq!(answered("true").await, accepted("ann"));
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert_eq!(login.await.unwrap(), Outcome::Unavailable(None));
    assert!((4..7).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
}

#[expect(clippy::disallowed_methods, reason = "a test of how long something takes")]
fn now() -> Instant {
    Instant::now()
}
