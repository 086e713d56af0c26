//! By what somebody has proved who they are, as OpenID Connect's `amr` says it (RFC 8176).

/// A set of methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    has_password: bool,
    has_code: bool,
    has_passkey: bool,
}

impl Methods {
    /// The password.
    pub const PASSWORD: Self = Self { has_password: true, has_code: false, has_passkey: false };
    /// A one-time code: of an authenticator app, or a recovery code.
    pub const CODE: Self = Self { has_password: false, has_code: true, has_passkey: false };
    /// A passkey, whose authenticator has verified its user.
    pub const PASSKEY: Self = Self { has_password: false, has_code: false, has_passkey: true };

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            has_password: self.has_password || other.has_password,
            has_code: self.has_code || other.has_code,
            has_passkey: self.has_passkey || other.has_passkey,
        }
    }

    /// The references, as they are stored: with spaces between. A passkey is `pop`, since nothing
    /// says whether its key is in hardware; and `mfa`, since its user was verified.
    #[must_use]
    pub fn amr(self) -> String {
        let is_mfa = self.has_passkey || (self.has_password && self.has_code);
        let all = [
            (self.has_password, "pwd"),
            (self.has_code, "otp"),
            (self.has_passkey, "pop"),
            (is_mfa, "mfa"),
        ];
        let said: Vec<_> = all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, it)| it).collect();
        said.join(" ")
    }

    /// The methods that stored references name.
    #[must_use]
    pub fn of_amr(amr: &str) -> Self {
        let has = |reference| amr.split(' ').any(|it| it == reference);
        Self { has_password: has("pwd"), has_code: has("otp"), has_passkey: has("pop") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_rfc_8176s_and_read_back() {
        for (methods, amr) in [
            (Methods::PASSWORD, "pwd"),
            (Methods::PASSWORD.and(Methods::CODE), "pwd otp mfa"),
            (Methods::PASSKEY, "pop mfa"),
            (Methods::PASSWORD.and(Methods::PASSKEY), "pwd pop mfa"),
            (Methods::CODE.and(Methods::PASSKEY).and(Methods::PASSWORD), "pwd otp pop mfa"),
            (Methods::default(), ""),
        ] {
            assert_eq!(methods.amr(), amr);
            assert_eq!(Methods::of_amr(amr), methods, "{amr}");
        }
    }
}
