//! An authenticator app (RFC 6238): SHA-1, six digits, 30 seconds.

use ring::hmac;

/// The code that an app with this seed shows at a time, in seconds since 1970.
pub fn totp(seed: &[u8], unix: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed);
    let tag = hmac::sign(&key, &(unix / 30).to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 0x0f);
    let four: [u8; 4] = tag.as_ref()[offset..offset + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

/// The seed that base32 spells (RFC 4648 §6), as it is typed into an app.
pub fn seed_of(base32: &str) -> Vec<u8> {
    let (mut seed, mut bits, mut waiting) = (Vec::new(), 0_u32, 0);
    for digit in base32.chars() {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(digit).unwrap();
        bits = (bits << 5 | u32::try_from(value).unwrap()) & 0xfff;
        waiting += 5;
        if waiting >= 8 {
            waiting -= 8;
            seed.push(u8::try_from(bits >> waiting & 0xff).unwrap());
        }
    }
    seed
}

#[test]
fn the_codes_are_those_of_rfc_6238() {
    let seed = b"12345678901234567890";

    for (unix, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
        assert_eq!(totp(seed, unix), code);
    }
    assert_eq!(seed_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), seed);
}
