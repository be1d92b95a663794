/// Whether two texts, which are often both empty, are the same.
///
/// An empty `Box<str>` points at no page. glibc's `memcmp` for AVX-512 reads its zero bytes there all the same, behind a
/// mask, and the processor takes 0.15 us to find that none was asked for: a fifth of a login on the memory store.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}
