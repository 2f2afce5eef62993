//! Makes garbage of what is none: the same one for the same number.

/// No garbage is larger.
const LIMIT: usize = 256 << 10;
/// What readers of text and of numbers trip over.
const WORDS: [&[u8]; 30] = [
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"{}",
    b"[]",
    b"\"\"",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"<!--",
    b"]]>",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"&b;",
    b"xmlns=\"\"",
    b"*a",
    b"&a",
    b"<<: ",
    b"%",
    b"%ff",
    b"\r\n",
    b"..\\../",
    b"'",
];

/// Inputs that are bad in one simple way, for every reader.
pub fn extremes() -> Vec<Vec<u8>> {
    let again = |part: &[u8], times: usize| part.repeat(times);
    vec![
        Vec::new(),
        vec![0; 1 << 16],
        vec![0xff; 1 << 16],
        again(b"[", 1 << 17),
        again(b"{\"a\":", 1 << 15),
        again(b"<a>", 1 << 16),
        again(b"- ", 1 << 16),
        again(b"a: &a [*a]\n", 1 << 12),
        again(b"a=b\n", 1 << 15),
        again(b"\\", 1 << 17),
        again(b"\"", 1 << 17),
        again(b"\x30\x80", 1 << 16),
        again(b"\x30\x84\xff\xff\xff\xff", 1 << 10),
        b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
          d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
          g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n"
            .to_vec(),
    ]
}

/// Spoils.
pub struct Spoiler(u64);

impl Spoiler {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below this; none below nothing.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    /// One of the seeds, spoilt in one to eight places.
    pub fn spoil(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(8) {
            self.once(&mut bytes, seeds);
        }
        bytes.truncate(LIMIT);
        bytes
    }

    fn once(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        // Often short: a reader goes on after it.
        let longest = if self.below(4) == 0 { bytes.len() } else { 16 };
        let length = self.below(longest + 1).min(bytes.len() - at);
        let part = bytes[at..at + length].to_vec();
        match self.below(10) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
            2 => drop(bytes.drain(at..at + length)),
            3 => bytes.truncate(at),
            4 => drop(bytes.splice(at..at, part)),
            5 => {
                let times = 1 << self.below(14);
                let many = part.repeat(times.min(LIMIT / part.len().max(1)));
                bytes.splice(at..at, many);
            }
            6 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                bytes.splice(at..at + length, other[from..].iter().copied());
            }
            7 => {
                let to = self.below(bytes.len() - length + 1);
                bytes.drain(at..at + length);
                let to = to.min(bytes.len());
                bytes.splice(to..to, part);
            }
            _ => drop(bytes.splice(at..at + length, WORDS[self.below(WORDS.len())].iter().copied())),
        }
    }
}
