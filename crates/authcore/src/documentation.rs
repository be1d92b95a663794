//! Parts of the documentation that are made from the code. A test that finds a part outdated fails; with
//! `AUTHCORE_WRITE_DOCS` set (`cargo xtask docs`) it writes the part instead.

use std::path::PathBuf;

/// Holds the part of a page under `docs/` between `<!-- begin NAME -->` and `<!-- end NAME -->` against `text`.
pub(crate) fn check(page: &str, name: &str, text: &str) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).join(page);
    let before = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (head, rest) = before.split_once(&begin).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    let after = format!("{head}{begin}\n{}\n\n{end}{tail}", text.trim_end());
    if before == after {
        return;
    }
    assert!(
        std::env::var_os("AUTHCORE_WRITE_DOCS").is_some(),
        "docs/{page} is outdated; `cargo xtask docs` writes it",
    );
    std::fs::write(&path, after).unwrap();
}
