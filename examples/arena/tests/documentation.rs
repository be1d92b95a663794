//! The examples of `docs/testing-your-game.md` are the tests that run here, to the letter.

#[test]
fn the_examples_of_the_page_compile_as_they_stand() {
    let page = include_str!("../../../docs/testing-your-game.md");
    let tests = include_str!("players.rs");
    let blocks = page.split("```rust\n").skip(1);
    let blocks: Vec<_> = blocks.filter_map(|block| block.split("```").next()).collect();
    let shown = tests.find("\nuse ").and_then(|from| tests.get(from + 1..));
    let shown = shown.and_then(|text| text.split("\n// So far the page.\n").next());
    // All of what comes first in the file, in one piece and without a gap.
    assert_eq!(Some(blocks.join("\n").as_str()), shown);

    // Below it are tests alone: what the page needs, it shows.
    let rest = tests.split("// So far the page.\n").nth(1).unwrap_or_default();
    for item in rest.trim_start().split("\n\n").filter(|text| !text.starts_with(' ')) {
        assert!(item.starts_with("#[test]\n"), "it belongs on the page, or in its test: {item}");
    }
}
