//! The documented list of cases is the kit's own. With `AUTHCORE_WRITE_DOCS` set (`cargo xtask docs`) it is written.

const BEGIN: &str = "<!-- begin cases -->\n";
const END: &str = "<!-- end cases -->";

#[test]
fn the_documented_table_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conformance.md");
    let before = std::fs::read_to_string(path).unwrap();
    let (head, rest) = before.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let after = format!("{head}{BEGIN}\n{}\n{END}{tail}", authcore_store_conformance::table());
    if before != after {
        let write = std::env::var_os("AUTHCORE_WRITE_DOCS").is_some();
        assert!(write, "docs/conformance.md is outdated; `cargo xtask docs` writes it");
        std::fs::write(path, after).unwrap();
    }
}

/// The page for authors of stores holds a test file that is compiled and run.
#[test]
fn the_shown_test_file_is_the_one_that_runs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/store-authors.md");
    let page = std::fs::read_to_string(path).unwrap();
    let file = include_str!("../examples/map-store/tests/conformance.rs");
    assert!(
        page.contains(&format!("```rust\n{file}```")),
        "docs/store-authors.md must hold:\n{file}"
    );
}

/// Whatever the pages say of a case, there is one.
#[test]
fn every_case_that_the_page_names_exists() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/store-authors.md");
    let page = std::fs::read_to_string(path).unwrap();
    let cases: Vec<String> = authcore_store_conformance::cases()
        .iter()
        .map(|case| format!("{}::{}", case.suite, case.name))
        .collect();
    let named: Vec<&str> = page
        .split('`')
        .filter(|code| {
            code.contains("::") && code.chars().all(|c| c.is_ascii_lowercase() || "_:".contains(c))
        })
        .filter(|code| !code.starts_with("authcore::") && !code.starts_with("plain::"))
        .collect();
    assert!(named.len() > 15, "{named:?}");
    for case in named {
        assert!(cases.iter().any(|known| known == case), "{case} is no case of the kit");
    }
}
