//! How strong a sign-in was: authentication context class references, by what was shown.

/// One method: a password, or a code alone.
pub const PWD: &str = "urn:latchkey:acr:pwd";
/// Several, or a passkey that has verified its user.
pub const MFA: &str = "urn:latchkey:acr:mfa";

/// The class of a sign-in by these methods (RFC 8176, with spaces between).
#[must_use]
pub fn of_amr(amr: &str) -> &'static str {
    if amr.split(' ').any(|method| method == "mfa") { MFA } else { PWD }
}

/// Whether a sign-in of class `has` will do where `wanted` is wanted: a stronger one will, too.
#[must_use]
pub fn satisfies(has: &str, wanted: &str) -> bool {
    has == wanted || (has == MFA && wanted == PWD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_methods_are_stronger_than_one() {
        assert_eq!(
            [of_amr("pwd"), of_amr(""), of_amr("pwd otp mfa"), of_amr("pop mfa")],
            [PWD, PWD, MFA, MFA]
        );
        assert!(satisfies(MFA, PWD) && satisfies(PWD, PWD) && satisfies(MFA, MFA));
        assert!(!satisfies(PWD, MFA) && !satisfies(MFA, "x"));
    }
}
