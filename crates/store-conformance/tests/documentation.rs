//! The documented list of cases is the kit's own.

#[test]
fn the_documented_table_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conformance.md");
    let page = std::fs::read_to_string(path).unwrap();
    let table = authcore_store_conformance::table();
    assert!(page.contains(&table), "docs/conformance.md must hold this table:\n{table}");
}
