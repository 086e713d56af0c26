//! Signatures of others that are no JWTs: ECDSA over P-256 with SHA-256 (FIPS 186-5), in ASN.1.

use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};

/// What stands before the point in a key of P-256 (RFC 5480 §2): DER has one way to write it.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Bytes of an uncompressed point, its form first (SEC 1 §2.3.3).
const POINT_BYTES: usize = 65;

/// A public key on P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct P256Key([u8; POINT_BYTES]);

impl P256Key {
    /// Reads a `PUBLIC KEY` in PEM (RFC 7468 §13); `None` if it is none of P-256.
    #[must_use]
    pub fn from_pem(pem: &str) -> Option<Self> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok()?;
        let point = der.as_ref().strip_prefix(&P256)?;
        point.try_into().ok().filter(|point: &[u8; POINT_BYTES]| point[0] == 4).map(Self)
    }

    /// Whether this key has signed `message`.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.0).verify(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    // made with openssl: `ecparam -name prime256v1 -genkey`, `dgst -sha256 -sign`
    const KEY: &str = include_str!("ecdsa/key.pem");
    const MESSAGE: &[u8] = b"[{\"token\":\"some_token\"}]";
    const SIGNATURE: &str = include_str!("ecdsa/signature.base64");

    #[test]
    fn what_another_library_has_signed_is_proved() {
        let key = P256Key::from_pem(KEY).unwrap();
        let signature = STANDARD.decode(SIGNATURE.trim()).unwrap();

        assert!(key.has_signed(MESSAGE, &signature));
        for index in 0..signature.len() {
            let mut altered = signature.clone();
            altered[index] ^= 1;
            assert!(!key.has_signed(MESSAGE, &altered), "byte {index}");
        }
        assert!(!key.has_signed(b"[{\"token\":\"some_tokem\"}]", &signature));
        assert!(!key.has_signed(MESSAGE, &[]));
    }

    #[test]
    fn what_is_no_key_of_p_256_is_refused() {
        let lines: Vec<_> = KEY.trim().lines().collect();
        let der = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
        let pem = |der: &[u8]| {
            format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                STANDARD.encode(der)
            )
        };
        assert!(P256Key::from_pem(&pem(&der)).is_some());
        let mut compressed = der.clone();
        compressed[P256.len()] = 2;
        let other_curve =
            KEY.replace("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQgD");
        for bad in [
            String::new(),
            "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n".to_owned(),
            pem(&der[..der.len() - 1]),
            pem(&[der.clone(), vec![0]].concat()),
            pem(&compressed),
            other_curve,
            KEY.replace("PUBLIC KEY", "CERTIFICATE"),
        ] {
            assert!(P256Key::from_pem(&bad).is_none(), "{bad}");
        }
    }
}
