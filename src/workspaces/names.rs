//! What names and slugs may look like.

use crate::fault::FieldError;

/// The longest name of anything, in characters.
const MAX_NAME_CHARS: usize = 120;
const MAX_SLUG_BYTES: usize = 64;

/// What is wrong with a name, if anything.
pub(crate) fn name_problem(text: &str) -> Option<FieldError> {
    let problem = if text.trim().is_empty() {
        "must not be empty"
    } else if text.chars().count() > MAX_NAME_CHARS {
        "must be at most 120 characters long"
    } else if text.chars().any(is_hidden) {
        "must not have control characters or invisible ones"
    } else {
        return None;
    };
    Some(FieldError::new("name", problem))
}

/// Whether a character of a name would make it look like another one: it controls, it turns the
/// direction of what follows (Unicode UAX #9), or nobody sees it. The joiners that some scripts are
/// written with are none of these.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}'
            | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// What is wrong with a slug, if anything: it stands in paths, `/workspaces/{slug}/settings/keys`.
pub(crate) fn slug_problem(text: &str) -> Option<FieldError> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_slug = (2..=MAX_SLUG_BYTES).contains(&text.len())
        && text.bytes().all(legal)
        && !text.starts_with('-')
        && !text.ends_with('-');
    (!is_slug).then(|| {
        FieldError::new("slug", "must be 2 to 64 of a-z 0-9 and -, without - at either end")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_readable_line() {
        assert_eq!(name_problem("Acme Health"), None);
        assert_eq!(name_problem(&"é".repeat(120)), None);
        for bad in ["", " ", "a\nb", "a\u{7f}", "a\u{202e}b", "\u{3164}", &"x".repeat(121)] {
            assert!(name_problem(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn slugs_are_legal_in_a_path() {
        for good in ["acme", "a1", "my-shop-2"] {
            assert_eq!(slug_problem(good), None, "{good}");
        }
        for bad in ["", "a", "Acme", "a_b", "-acme", "acme-", "a/b", "a.b", "é1"] {
            assert!(slug_problem(bad).is_some(), "{bad:?}");
        }
        assert!(slug_problem(&"x".repeat(65)).is_some());
    }
}
