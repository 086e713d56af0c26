//! What a browser calls itself, in words that people know.

use woothee::parser::Parser;

/// A browser and the system that it runs on, as far as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The browser's family, such as `Firefox`, or else what it says.
    pub browser: String,
    /// Whether the browser is one of those that are known.
    pub is_known: bool,
    /// The system's family, such as `Windows`.
    pub system: Option<&'static str>,
}

impl Described {
    /// What can be read out of a `User-Agent`; what cannot is shown as it came.
    #[must_use]
    pub fn of(user_agent: Option<&str>) -> Self {
        let Some(text) = user_agent.map(str::trim).filter(|text| !text.is_empty()) else {
            let browser = "An unknown browser".to_owned();
            return Self { browser, is_known: false, system: None };
        };
        let parser = Parser::new();
        let found = parser.parse(text).filter(|found| is_known(found.name));
        match found {
            Some(found) => {
                Self { browser: family(found.name), is_known: true, system: system(found.os) }
            }
            None => Self { browser: text.to_owned(), is_known: false, system: None },
        }
    }

    /// The same for a letter, where nothing may stand that a stranger has made up.
    #[must_use]
    pub fn words_for_letters(&self) -> String {
        if self.is_known { self.words() } else { "A browser that we do not know".to_owned() }
    }

    /// `Firefox on Windows`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.system {
            Some(system) => format!("{} on {system}", self.browser),
            None => self.browser.clone(),
        }
    }
}

fn is_known(name: &str) -> bool {
    !name.is_empty() && name != "UNKNOWN"
}

fn family(name: &str) -> String {
    match name {
        "Mobile Safari" => "Safari",
        other => other,
    }
    .to_owned()
}

/// A system without its version: an update makes no other device.
fn system(os: &str) -> Option<&'static str> {
    Some(match os {
        "Mac OSX" | "Mac OS Classic" => "macOS",
        "iPhone" | "iPad" | "iPod" | "iOS" => "iOS",
        "Android" => "Android",
        "Linux" => "Linux",
        "ChromeOS" => "ChromeOS",
        "BSD" => "BSD",
        windows if windows.starts_with("Windows") => "Windows",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_browsers_have_names() {
        for (user_agent, words) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, \
                 like Gecko) Version/26.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari on iOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
        ] {
            assert_eq!(Described::of(Some(user_agent)).words(), words, "{user_agent}");
        }
    }

    #[test]
    fn what_has_no_name_is_shown_as_it_came() {
        assert_eq!(Described::of(Some("a thing of my own/1")).words(), "a thing of my own/1");
        assert_eq!(Described::of(Some(" ")).words(), "An unknown browser");
        assert_eq!(Described::of(None).words(), "An unknown browser");
    }
}
