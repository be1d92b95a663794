//! Mutations from a seed: the same seed makes the same input.

/// What parsers stumble over.
const WORDS: [&[u8]; 30] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b".",
    b"..",
    b"=",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\n",
    b"\xff",
    b"\xef\xbb\xbf",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e400",
    b"18446744073709551616",
    b"9007199254740993",
    b"\"none\"",
    b"\"sub\":\"mallory\",",
    b"{}",
    b"[[[[[[[[[[[[[[[[[[[[",
    b"%00",
    b"../",
    b"https://evil.example/",
];

/// The longest input that it makes; nobody lets a longer credential in.
const LONGEST: usize = 20_000;

/// Makes inputs of others.
#[derive(Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// One of these with one to four changes, which may bring a part of another.
    pub fn mutated(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut input = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(4) {
            let other = &inputs[self.below(inputs.len())];
            self.change(&mut input, other);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(input.len() + 1);
        let end = (at + 1 + self.below(16)).min(input.len());
        match self.below(9) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.byte(),
            2 => drop(input.drain(at..end)),
            3 => {
                let part = input[at..end].to_vec();
                drop(input.splice(at..at, part));
            }
            4 => input.truncate(at),
            5 => {
                let from = self.below(other.len() + 1);
                let to = (from + self.below(64)).min(other.len());
                drop(input.splice(at..end, other[from..to].iter().copied()));
            }
            6 => {
                // Two parts between separators change places.
                let separator = b".\",:"[self.below(4)];
                let mut parts: Vec<_> = input.split(|byte| *byte == separator).collect();
                let (one, two) = (self.below(parts.len()), self.below(parts.len()));
                parts.swap(one, two);
                *input = parts.join(&separator);
            }
            7 => {
                let digit = input.iter().skip(at).position(u8::is_ascii_digit);
                if let Some(behind) = digit {
                    input[at + behind] = b'0' + u8::try_from(self.below(10)).unwrap();
                }
            }
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                let end = if self.below(2) == 0 { at } else { end };
                drop(input.splice(at..end, word.iter().copied()));
            }
        }
    }
}
