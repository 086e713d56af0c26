//! 256-bit values and checksums in base62 (`0-9A-Za-z`), most significant digit first.

/// Base62 digits that hold 256 bits.
pub(super) const DIGITS: usize = 43;
/// Base62 digits that hold a CRC-32.
pub(super) const CHECKSUM_DIGITS: usize = 6;

/// The digits, in the order of their values.
pub(super) const ALPHABET: &[u8; 62] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits that are divided off at once: 62⁵ is the largest power of 62 in 32 bits.
const CHUNK: usize = 5;
const CHUNK_BASE: u64 = 62_u64.pow(5);

/// 256 bits as 43 digits.
pub(super) fn encode(bits: &[u8; 32]) -> [u8; DIGITS] {
    let mut limbs = limbs(bits);
    let mut digits = [b'0'; DIGITS];
    for chunk in digits.rchunks_mut(CHUNK) {
        let mut rest = 0;
        for limb in &mut limbs {
            let part = rest << 32 | *limb;
            *limb = part / CHUNK_BASE;
            rest = part % CHUNK_BASE;
        }
        write(chunk, rest);
    }
    digits
}

/// The 256 bits that 43 digits spell; `None` for other lengths and characters, and for values of
/// 2²⁵⁶ and above, which no 256 bits spell.
pub(super) fn decode(digits: &[u8]) -> Option<[u8; 32]> {
    if digits.len() != DIGITS {
        return None;
    }
    let mut limbs = [0_u64; 8];
    // from the front: the first chunk has what is left over of 43 digits
    let (first, others) = digits.split_at(DIGITS % CHUNK);
    for chunk in std::iter::once(first).chain(others.chunks(CHUNK)) {
        let mut carry = read(chunk)?;
        for limb in limbs.iter_mut().rev() {
            let part = *limb * CHUNK_BASE + carry;
            *limb = part & u64::from(u32::MAX);
            carry = part >> 32;
        }
        if carry != 0 {
            return None;
        }
    }
    let mut bits = [0; 32];
    for (bytes, limb) in bits.chunks_exact_mut(4).zip(limbs) {
        bytes.copy_from_slice(&limb.to_be_bytes()[4..]);
    }
    Some(bits)
}

/// The CRC-32 (IEEE) of `body` as 6 digits.
pub(super) fn checksum(body: &[u8]) -> [u8; CHECKSUM_DIGITS] {
    let mut digits = [b'0'; CHECKSUM_DIGITS];
    write(&mut digits, u64::from(crc32fast::hash(body)));
    digits
}

/// Eight numbers of 32 bits, most significant first.
fn limbs(bits: &[u8; 32]) -> [u64; 8] {
    let mut limbs = [0; 8];
    for (limb, bytes) in limbs.iter_mut().zip(bits.chunks_exact(4)) {
        *limb = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    }
    limbs
}

fn write(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        // a remainder of 62 is an index of the alphabet
        *digit = ALPHABET[usize::try_from(number % 62).unwrap_or_default()];
        number /= 62;
    }
}

fn read(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        };
        Some(number * 62 + u64::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(digits: &[u8]) -> &str {
        std::str::from_utf8(digits).unwrap()
    }

    /// 2^256 − 1, from another implementation.
    const LAST: &[u8; DIGITS] = b"yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";

    #[test]
    fn it_is_positional_and_padded() {
        let mut one = [0; 32];
        assert_eq!(text(&encode(&one)), "0".repeat(43));
        one[31] = 1;
        assert_eq!(text(&encode(&one)), format!("{}1", "0".repeat(42)));
        one[31] = 62;
        assert_eq!(text(&encode(&one)), format!("{}10", "0".repeat(41)));
        // 2^64
        let mut wide = [0; 32];
        wide[23] = 1;
        assert_eq!(text(&encode(&wide)), format!("{}LygHa16AHYG", "0".repeat(32)));
        assert_eq!(text(&encode(&[255; 32])), text(LAST));
    }

    #[test]
    fn what_was_written_is_read_back() {
        let mut bits = [0_u8; 32];
        for seed in 0..=255_u8 {
            for (index, byte) in bits.iter_mut().enumerate() {
                *byte = byte.wrapping_mul(31).wrapping_add(seed ^ u8::try_from(index).unwrap());
            }
            assert_eq!(decode(&encode(&bits)), Some(bits));
        }
        assert_eq!(decode(&encode(&[255; 32])), Some([255; 32]));
    }

    #[test]
    fn what_nothing_spells_is_refused() {
        // 2^256, and the largest number of 43 digits
        let mut above = *LAST;
        above[DIGITS - 1] += 1;
        for bad in [&above[..], &[b'z'; DIGITS], &[b'0'; 42], &[b'0'; 44], &[b'-'; DIGITS], b""] {
            assert_eq!(decode(bad), None, "{}", text(bad));
        }
    }

    #[test]
    fn checksums_are_crc32_in_base62() {
        // CRC-32 (IEEE) of "123456789" is 0xCBF43926 = 3_421_780_262
        assert_eq!(text(&checksum(b"123456789")), "3jZRME");
    }
}
