//! Scopes in the words that people read: on the consent screen and among connected apps.

use super::{permission, scopes::Scope};
use crate::app::App;

/// What a scope token lets an app do, by the kind of doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It learns about the person.
    Know,
    /// It reads.
    Read,
    /// It creates and changes.
    Write,
    /// It deletes.
    Delete,
}

impl Deed {
    /// All of them, in the order pages list them.
    pub const ALL: [Self; 4] = [Self::Know, Self::Read, Self::Write, Self::Delete];

    /// What kind of doing a scope token allows, by the verb at its end.
    #[must_use]
    pub fn of(token: &str) -> Self {
        if identity_words(token).is_some() {
            return Self::Know;
        }
        match permission::name_of(token).rsplit(':').next() {
            Some("read") => Self::Read,
            Some("delete") => Self::Delete,
            _ => Self::Write,
        }
    }

    /// The heading of its group.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Know => "Know who you are",
            Self::Read => "Read",
            Self::Write => "Create and change",
            Self::Delete => "Delete",
        }
    }
}

/// The words of one scope token in a product's catalogue; a token without words speaks for itself.
#[must_use]
pub fn words(app: &App, product: Option<&str>, token: &str) -> String {
    if let Some(words) = identity_words(token) {
        return words.to_owned();
    }
    let products = &app.config.products;
    let name = permission::name_of(token);
    let words = product
        .and_then(|product| products.get(product)?.scopes.get(name))
        .or_else(|| products.iter().find_map(|product| product.scopes.get(name)));
    let words = words.map_or(name, String::as_str);
    match permission::limits_of(token) {
        Some(limits) => format!("{words} (only {limits})"),
        None => words.to_owned(),
    }
}

/// Every scope token with its words, sorted.
#[must_use]
pub fn list(app: &App, product: Option<&str>, scope: &Scope) -> Vec<String> {
    scope.iter().map(|token| words(app, product, token)).collect()
}

fn identity_words(token: &str) -> Option<&'static str> {
    Some(match token {
        "openid" => "Confirm who you are",
        "profile" => "See your name and profile",
        "email" => "See your email address",
        "address" => "See your postal address",
        "phone" => "See your phone number",
        "offline_access" => "Stay connected while you are away",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_scope_token_says_what_it_does() {
        for (token, deed) in [
            ("openid", Deed::Know),
            ("leads:read", Deed::Read),
            ("leads:write", Deed::Write),
            ("comms:send", Deed::Write),
            ("api-keys:manage", Deed::Write),
            ("subscribers:delete", Deed::Delete),
            ("leads:read?resourceType=lead", Deed::Read),
            ("anything", Deed::Write),
        ] {
            assert_eq!(Deed::of(token), deed, "{token}");
        }
    }
}
