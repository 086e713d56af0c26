//! jsonwebtoken's signatures, made and checked by ring: HMAC-SHA-256 for what this server says to
//! itself, and for what others have signed the algorithms of [`entity::signing_key::Algorithm`],
//! which are checked only.

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result as JwtResult},
    jwk::ThumbprintHash,
    signature::{Error as SignatureError, Signer, Verifier},
};
use ring::{hmac, signature as ring_signature};

use super::digest;

/// Makes jsonwebtoken use it. The first call decides for the process; all calls install the same.
pub(super) fn install() {
    let _ = PROVIDER.install_default();
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils { compute_digest, ..KeyUtils::new_unimplemented() },
};

struct Hmac(hmac::Key);

impl Hmac {
    fn boxed(algorithm: Algorithm, secret: &[u8]) -> JwtResult<Box<Self>> {
        match algorithm {
            Algorithm::HS256 => Ok(Box::new(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))),
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        }
    }
}

/// A public key of somebody's, for one algorithm.
struct Public {
    algorithm: Algorithm,
    key: DecodingKey,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> JwtResult<Box<dyn JwtSigner>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Hmac::boxed(*algorithm, key.as_bytes())?)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider's signature")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> JwtResult<Box<dyn JwtVerifier>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 | Algorithm::EdDSA => {
            Ok(Box::new(Public { algorithm: *algorithm, key: key.clone() }))
        }
        _ => Ok(Hmac::boxed(*algorithm, key.try_get_as_bytes()?)?),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the provider's signature")]
fn compute_digest(data: &[u8], hash: ThumbprintHash) -> JwtResult<Vec<u8>> {
    match hash {
        ThumbprintHash::SHA256 => Ok(digest::sha256(data)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

impl Signer<Vec<u8>> for Hmac {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hmac {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        hmac::verify(&self.0, message, signature).map_err(|_| SignatureError::new())
    }
}

impl JwtSigner for Hmac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hmac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let refused = |_| SignatureError::new();
        if let DecodingKeyKind::RsaModulusExponent { n, e } = self.key.kind() {
            let key = ring_signature::RsaPublicKeyComponents { n, e };
            return match self.algorithm {
                Algorithm::RS256 => {
                    key.verify(&ring_signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                }
                Algorithm::PS256 => {
                    key.verify(&ring_signature::RSA_PSS_2048_8192_SHA256, message, signature)
                }
                _ => return Err(SignatureError::new()),
            }
            .map_err(refused);
        }
        let how: &dyn ring_signature::VerificationAlgorithm = match self.algorithm {
            Algorithm::EdDSA => &ring_signature::ED25519,
            Algorithm::ES256 => &ring_signature::ECDSA_P256_SHA256_FIXED,
            _ => return Err(SignatureError::new()),
        };
        let key = self.key.try_get_as_bytes().map_err(|_| SignatureError::new())?;
        ring_signature::UnparsedPublicKey::new(how, key).verify(message, signature).map_err(refused)
    }
}

impl JwtVerifier for Public {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
