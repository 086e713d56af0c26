//! Inputs that are almost good: seeds with something in them changed, the same ones every time. What
//! libFuzzer does by looking at what was covered, this does by chance, on any toolchain.

/// Words that have troubled parsers before.
const WORDS: [&str; 44] = [
    "\0",
    "\n",
    "\r\n",
    " ",
    "\t",
    "\u{a0}",
    "\u{202e}",
    "\u{feff}",
    "\u{301}",
    "\u{30c}",
    "\u{331}",
    "\u{212a}",
    "\u{130}",
    "\u{fffd}",
    "\u{1f511}",
    "/",
    "//",
    "/../",
    "\\",
    "%",
    "%00",
    "%25",
    "%2f",
    "%ff",
    "?",
    "#",
    "@",
    ":",
    "::",
    ";",
    ",",
    ".",
    "*",
    "\"",
    "[",
    "{",
    "}",
    "null",
    "-1",
    "1e999",
    "18446744073709551616",
    "lk_at_",
    "https://",
    "xn--",
];

/// Chance that repeats: `SplitMix64`.
pub struct Chance(u64);

impl Chance {
    /// Chance that follows from a name.
    pub fn of(name: &str) -> Self {
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or_default()
    }

    /// One of the seeds, changed in one to four places.
    pub fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let end = at + self.below(bytes.len() + 1 - at);
        match self.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = self.next().to_le_bytes()[0],
            2 => drop(bytes.drain(at..end.min(at + 8))),
            3 => bytes.truncate(at),
            4 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            5 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            6 if at < end => bytes.swap(at, end - 1),
            7 if at < bytes.len() => bytes[at] = bytes[at].to_ascii_uppercase(),
            _ => {
                let word = WORDS[self.below(WORDS.len())].bytes();
                drop(bytes.splice(at..at, word));
            }
        }
    }
}
