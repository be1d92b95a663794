//! What no verifier is built of.

use authcore::Secret;
use authcore_verifier_script::{Script, ScriptConfig, ScriptService};

use crate::{body, built, nowhere};

fn problem(script: &str) -> String {
    let error = built(script).err().unwrap();
    assert_eq!(error.field(), "script", "{script}");
    error.to_string()
}

#[test]
fn a_script_that_does_not_compile_is_refused_with_line_and_position() {
    for (script, told) in [
        ("fn verify(data) {\n  let x = ;\n}", "(line 2, position 11)"),
        ("fn verify(data) {\n  data.externalId == other\n}", "(line 2, position 22)"),
        ("fn verify(data) { `${`", "(line 1, position"),
        ("fn verify(data) { true }\nfn verify(data) { true }", "(line 2, position 1)"),
    ] {
        let problem = problem(script);
        assert!(problem.contains(told), "{problem}");
    }
}

#[test]
fn a_script_has_one_function_verify_of_one_parameter() {
    for script in ["", "true", "fn check(data) { true }", "fn Verify(data) { true }"] {
        assert!(problem(script).ends_with("it has no function verify(data)"), "{script}");
    }
    for script in [
        "fn verify() { true }",
        "fn verify(id, token) { true }",
        "private fn verify(data) { true }",
        "fn verify(data) { true } fn verify(id, token) { true }",
    ] {
        assert!(problem(script).contains("one function of one parameter"), "{script}");
    }
}

#[test]
fn statements_beside_the_functions_are_refused() {
    for script in
        ["let x = 1;", "const X = 1;", "get(`a`, `b`);", "if true { 1 } else { 2 }", "true"]
    {
        let script = format!("{}\n{script}", body("true"));
        assert!(problem(&script).contains("functions"), "{script}");
    }
}

#[test]
fn what_reaches_out_of_the_language_does_not_compile() {
    for text in [
        "eval(`true`)",
        "import `other` as other; true",
        "export data; true",
        "print(data.authenticationToken); true",
        "debug(data); true",
        "let f = Fn(`verify`); true",
        "data.externalId.eval()",
        "let f = |x| x; true",
        "let f = || true; true",
        "(verify).curry(1); true",
        "call(verify, data)",
        "let f = verify; true",
        "[data].map(verify); true",
        "is_shared(data)",
    ] {
        assert!(problem(&body(text)).contains("line 1"), "{text}");
    }
    let many = (0..101).fold(body("true"), |text, number| format!("{text} fn f{number}() {{}}"));
    assert!(problem(&many).contains("functions"), "{}", problem(&many));
    let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
    assert!(problem(&body(&deep)).contains("line 1"));
}

#[test]
fn services_and_secrets_are_looked_at_when_it_is_built() {
    let with = |change: &dyn Fn(&mut ScriptConfig)| {
        let mut config = ScriptConfig::new("portal", &body("true"));
        change(&mut config);
        Script::new(config, &nowhere()).err().map(|error| error.to_string())
    };
    let url = |url: &str| {
        with(&|config| drop(config.services.insert("accounts".into(), ScriptService::new(url))))
    };
    assert_eq!(url("https://accounts.example/api?a=b"), None);
    let plain = "services: accounts: it is not an https URL";
    assert_eq!(url("http://accounts.example").as_deref(), Some(plain));
    for bad in ["", "accounts.example", "https://user@accounts.example", "https://a.example/#b"] {
        assert!(url(bad).unwrap().starts_with("services: accounts: "), "{bad}");
    }
    let header = |name: &str, value: &str| {
        let mut service = ScriptService::new("https://accounts.example");
        service.headers.insert(name.into(), value.into());
        with(&|config| drop(config.services.insert("accounts".into(), service.clone())))
    };
    assert_eq!(header("x-api-key", "a key"), None);
    for (name, value) in [
        ("", "a"),
        ("X-Api-Key", "a"),
        ("x api", "a"),
        ("host", "evil.example"),
        ("content-length", "0"),
        ("transfer-encoding", "chunked"),
        ("x-api-key", ""),
        ("x-api-key", "hunter2\r\nhost: evil.example"),
        ("x-api-key", "hunter2é"),
    ] {
        let problem = header(name, value).unwrap();
        assert!(problem.starts_with("services: accounts: "), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }
    let empty = with(&|config| drop(config.secrets.insert("key".into(), Secret::default())));
    assert_eq!(empty.as_deref(), Some("secrets: key is empty"));
    for parallel in [0, 257] {
        assert!(with(&|config| config.parallel = parallel).unwrap().starts_with("parallel: "));
    }
    let unnamed = with(&|config| config.provider = "No Name".into());
    assert!(unnamed.unwrap().starts_with("provider: "));
}
