//! How strong a sign-in was, in the names that clients ask for (`acr`, OpenID Connect Core §2).

/// By at least one factor.
pub const ONE_FACTOR: &str = "urn:latchkey:acr:pwd";
/// By two: a password and a code, or a passkey that has verified its user.
pub const TWO_FACTORS: &str = "urn:latchkey:acr:mfa";
/// All there are, the strongest first: each of them can be returned.
pub const SUPPORTED: [&str; 2] = [TWO_FACTORS, ONE_FACTOR];

/// The reference that says that there were two factors (RFC 8176 §2).
const MFA: &str = "mfa";

/// Those of `values` that can be returned, as they were sorted.
#[must_use]
pub fn supported<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut known = Vec::new();
    for value in values {
        if SUPPORTED.contains(&value) && !known.iter().any(|it| it == value) {
            known.push(value.to_owned());
        }
    }
    known
}

/// What a sign-in by these methods is called: the first of the wanted names that it deserves, else
/// the strongest that it deserves.
#[must_use]
pub fn of(amr: &str, wanted: &[String]) -> Option<&'static str> {
    let deserved = deserved(amr);
    let is_wanted = wanted.iter().find_map(|name| deserved.iter().find(|it| *it == name));
    is_wanted.or_else(|| deserved.first()).copied()
}

/// Whether a sign-in by these methods deserves one of the names; any, if there is none.
#[must_use]
pub fn is_one_of(amr: &str, names: &[String]) -> bool {
    names.is_empty() || names.iter().any(|name| deserved(amr).contains(&name.as_str()))
}

/// The names that a sign-in by these methods deserves: who has shown two factors has shown one.
fn deserved(amr: &str) -> &'static [&'static str] {
    let mut references = amr.split(' ').filter(|it| !it.is_empty()).peekable();
    if references.peek().is_none() {
        &[]
    } else if references.any(|it| it == MFA) {
        &SUPPORTED
    } else {
        &[ONE_FACTOR]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_first_wanted_name_that_is_deserved_is_returned() {
        for (amr, wanted, acr) in [
            ("pwd", &[][..], Some(ONE_FACTOR)),
            ("pwd otp mfa", &[], Some(TWO_FACTORS)),
            ("pop mfa", &[ONE_FACTOR], Some(ONE_FACTOR)),
            ("pwd", &[TWO_FACTORS], Some(ONE_FACTOR)),
            ("pwd", &[TWO_FACTORS, ONE_FACTOR], Some(ONE_FACTOR)),
            ("pwd otp mfa", &["urn:else", TWO_FACTORS], Some(TWO_FACTORS)),
            ("", &[ONE_FACTOR], None),
        ] {
            assert_eq!(of(amr, &names(wanted)), acr, "{amr} {wanted:?}");
        }
    }

    #[test]
    fn a_name_is_deserved_or_not() {
        assert!(is_one_of("pwd", &[]));
        assert!(is_one_of("pwd", &names(&[ONE_FACTOR])));
        assert!(is_one_of("pop mfa", &names(&[TWO_FACTORS])));
        assert!(!is_one_of("pwd", &names(&[TWO_FACTORS])));
        assert!(!is_one_of("pwd otp mfa", &names(&["urn:else"])));
        assert!(!is_one_of("mfax", &names(&[TWO_FACTORS])));
    }

    #[test]
    fn what_cannot_be_returned_is_not_kept() {
        let asked = ["0", ONE_FACTOR, "urn:else", TWO_FACTORS, ONE_FACTOR];
        assert_eq!(supported(asked), [ONE_FACTOR, TWO_FACTORS]);
    }
}
