//! PKCE (RFC 7636) with S256 only: oxide-auth computes, the rules it leaves open are closed here.

use std::borrow::Cow;

use oxide_auth::{code_grant::extensions::Pkce, primitives::grant::Value};

/// 32 bytes in base64url without padding (RFC 7636 §4.2).
const CHALLENGE_CHARS: usize = 43;

/// Why a challenge was refused; the text goes to the client.
pub type Refusal = &'static str;

/// Checks the parameters of an authorization request; `Ok(None)` if there is no challenge and none is
/// required.
///
/// # Errors
/// A challenge is missing though required, malformed, or not S256. A missing method means `plain`
/// (RFC 7636 §4.3), which is refused.
pub fn challenge(
    method: Option<&str>,
    challenge: Option<&str>,
    is_required: bool,
) -> Result<Option<String>, Refusal> {
    let Some(challenge) = challenge else {
        return match (is_required, method) {
            (true, _) => Err("PKCE is required: code_challenge is missing"),
            (false, Some(_)) => Err("code_challenge_method without code_challenge"),
            (false, None) => Ok(None),
        };
    };
    let kept = Pkce::required()
        .challenge(method.map(Cow::Borrowed), Some(Cow::Borrowed(challenge)))
        .map_err(|()| "code_challenge_method must be S256")?;
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if kept.is_none() || challenge.len() != CHALLENGE_CHARS || !challenge.bytes().all(is_base64url)
    {
        return Err("code_challenge must be 43 base64url characters");
    }
    Ok(Some(challenge.to_owned()))
}

/// Whether `verifier` answers the stored challenge (RFC 7636 §4.6). A verifier without a stored
/// challenge is refused: somebody stripped it from the authorization request (RFC 9700 §4.8.2).
pub fn verify(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            // oxide-auth marks the method at the end of what it keeps
            let kept = Value::private(Some(format!("{challenge}S")));
            (43..=128).contains(&verifier.len())
                && verifier.bytes().all(is_unreserved)
                && Pkce::required().verify(Some(kept), Some(Cow::Borrowed(verifier))).is_ok()
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn only_s256_challenges_are_taken() {
        let taken = Ok(Some(CHALLENGE.to_owned()));
        assert_eq!(challenge(Some("S256"), Some(CHALLENGE), true), taken);
        assert_eq!(challenge(Some("S256"), Some(CHALLENGE), false), taken);
        assert_eq!(challenge(None, None, false), Ok(None));
        for (method, given, required) in [
            (None, None, true),
            (Some("S256"), None, true),
            (Some("S256"), None, false),
            (None, Some(CHALLENGE), true),
            (Some("plain"), Some(CHALLENGE), false),
            (Some("s256"), Some(CHALLENGE), false),
            (Some("S256"), Some("short"), false),
            (Some("S256"), Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), false),
        ] {
            assert!(challenge(method, given, required).is_err(), "{method:?} {given:?}");
        }
    }

    #[test]
    fn a_verifier_must_answer_its_challenge() {
        assert!(verify(Some(CHALLENGE), Some(VERIFIER)));
        assert!(verify(None, None));
        for (challenge, verifier) in [
            (Some(CHALLENGE), None),
            (None, Some(VERIFIER)),
            (Some(CHALLENGE), Some(CHALLENGE)),
            (Some(CHALLENGE), Some("too short")),
        ] {
            assert!(!verify(challenge, verifier), "{challenge:?} {verifier:?}");
        }
    }
}
