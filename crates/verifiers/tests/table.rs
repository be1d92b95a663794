//! That every provider is held to the table, and has what belongs to it.

use std::fs;
use std::path::Path;

#[test]
fn every_provider_has_its_row_its_fake_its_place_in_the_host_and_its_page() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(here.join(path)).unwrap_or_default();
    let page = read("../../docs/providers.md");
    let mut found = 0;
    for entry in fs::read_dir(here.join("src/providers")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name == "mod" {
            continue;
        }
        found += 1;
        let test = read(&format!("tests/{name}.rs"));
        assert!(test.contains("table::check("), "{name} is not held to the table");
        for file in ["../fake-idp/src", "../../examples/host/src/providers"] {
            assert!(!read(&format!("{file}/{name}.rs")).is_empty(), "{file}/{name}.rs is missing");
        }
        assert!(page.contains(&format!("[providers.{name}")), "docs/providers.md lacks {name}");
    }
    assert!(found >= 2, "the providers were not found: {found}");
}
