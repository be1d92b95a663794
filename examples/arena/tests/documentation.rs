//! The examples of `docs/testing-your-game.md` are the tests that run here, to the letter.

#[test]
fn every_example_of_the_page_is_one_of_the_tests() {
    let page = include_str!("../../../docs/testing-your-game.md");
    let tests = include_str!("players.rs");
    let mut examples = 0;
    for block in page.split("```rust\n").skip(1) {
        let code = block.split("```").next().unwrap_or_default();
        assert!(tests.contains(code), "no such lines in tests/players.rs:\n{code}");
        examples += 1;
    }
    assert!(examples >= 5, "the page has examples: {examples}");
}
