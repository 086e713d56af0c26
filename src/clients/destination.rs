//! Where the browser goes next, for the person who decides: a host in full, or a program.

use idna::domain_to_unicode;
use unicode_security::MixedScript;

/// The place that a redirect URI leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A site. Its host as browsers send it, punycode included, because letters can imitate letters.
    Site {
        /// Host and port.
        host: String,
        /// The host in its own letters, if it has some and they are of one script.
        letters: Option<String>,
    },
    /// A program on the user's computer that listens there.
    ThisComputer {
        /// Address and port.
        address: String,
    },
    /// A program that has claimed this private-use scheme.
    Program {
        /// The scheme.
        scheme: String,
    },
}

impl Destination {
    /// The place that a registered redirect URI leads to.
    #[must_use]
    pub fn of(uri: &str) -> Self {
        let program = |scheme: &str| Self::Program { scheme: scheme.to_owned() };
        let Some((scheme, rest)) = uri.split_once("://") else {
            return program(uri.split_once(':').map_or(uri, |(scheme, _)| scheme));
        };
        let host = || rest.split(['/', '?', '#']).next().unwrap_or(rest).to_owned();
        match scheme {
            "https" => Self::Site { letters: letters_of(&host()), host: host() },
            // no other address can be registered with http
            "http" => Self::ThisComputer { address: host() },
            _ => program(scheme),
        }
    }
}

/// The host of punycode in its own letters, unless they are of several scripts.
fn letters_of(host: &str) -> Option<String> {
    let name = host.split(':').next().unwrap_or(host);
    let (letters, outcome) = domain_to_unicode(name);
    let is_readable = outcome.is_ok() && letters.split('.').all(MixedScript::is_single_script);
    (is_readable && letters != name).then_some(letters)
}

/// Whether a name mixes letters of several scripts, as names do that imitate others.
#[must_use]
pub fn mixes_scripts(name: &str) -> bool {
    // two words may be of two scripts
    name.split_whitespace().any(|word| !word.is_single_script())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(host: &str, letters: Option<&str>) -> Destination {
        Destination::Site { host: host.to_owned(), letters: letters.map(str::to_owned) }
    }

    #[test]
    fn the_user_sees_the_host_in_full() {
        let here = |address: &str| Destination::ThisComputer { address: address.to_owned() };
        let program = || Destination::Program { scheme: "com.example.app".to_owned() };
        for (uri, expected) in [
            ("https://app.example:8443/cb", site("app.example:8443", None)),
            ("https://app.example?x", site("app.example", None)),
            ("https://app.example", site("app.example", None)),
            ("http://127.0.0.1:9/cb", here("127.0.0.1:9")),
            ("http://[::1]:9/cb", here("[::1]:9")),
            ("http://localhost/cb", here("localhost")),
            ("com.example.app:/cb", program()),
            ("com.example.app://cb", program()),
        ] {
            assert_eq!(Destination::of(uri), expected, "{uri}");
        }
    }

    #[test]
    fn punycode_is_shown_and_explained_only_if_it_is_of_one_script() {
        let german = "xn--bcher-kva.example";
        assert_eq!(
            Destination::of(&format!("https://{german}:8443/cb")),
            site(&format!("{german}:8443"), Some("b\u{fc}cher.example"))
        );
        // "аpple" with a Cyrillic first letter
        assert_eq!(Destination::of("https://xn--pple-43d.com/"), site("xn--pple-43d.com", None));
        // no punycode at all
        assert_eq!(Destination::of("https://xn--a.example/"), site("xn--a.example", None));
    }

    #[test]
    fn names_that_mix_scripts_are_noticed() {
        for plain in [
            "Lead Sync 2",
            "B\u{fc}cher & S\u{f6}hne",
            "\u{41f}\u{43e}\u{447}\u{442}\u{430}",
            "\u{41f}\u{43e}\u{447}\u{442}\u{430} Mail",
            "",
        ] {
            assert!(!mixes_scripts(plain), "{plain}");
        }
        for mixed in ["G\u{43e}ogle", "My \u{440}aypal"] {
            assert!(mixes_scripts(mixed), "{mixed}");
        }
    }
}
