//! Which paths and methods there are, from the document: a request to anything else is answered
//! before anybody asks who sent it, and a 405 says what is allowed.

use poem::http::Method;

use super::document::{Document, is_open};

/// The paths of the document, each with its methods.
pub(super) struct Paths(Vec<(Vec<Segment>, Vec<Way>)>);

/// A method of a path.
struct Way {
    method: Method,
    is_open: bool,
}

enum Segment {
    Literal(String),
    Anything,
}

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An operation.
    Operation,
    /// An operation that nobody needs a credential for.
    OpenOperation,
    /// Operations, but not with this method: the value of `Allow`.
    WrongMethod(String),
    /// Nothing.
    Nothing,
}

impl Paths {
    /// Every path of a document.
    pub(super) fn of(document: &Document) -> Self {
        let paths = document.paths().map(|(path, methods)| {
            let ways = methods.filter_map(|(name, operation)| {
                let method = Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok()?;
                Some(Way { method, is_open: is_open(operation) })
            });
            (segments(path).map(Segment::of).collect(), ways.collect())
        });
        Self(paths.collect())
    }

    /// What a request to `path` with `method` meets.
    pub(super) fn find(&self, method: &Method, path: &str) -> Found {
        let is_match = |(pattern, _): &&(Vec<Segment>, Vec<Way>)| {
            segments(path).count() == pattern.len()
                && segments(path).zip(pattern).all(|(part, segment)| segment.takes(part))
        };
        let Some((_, ways)) = self.0.iter().find(is_match) else {
            return Found::Nothing;
        };
        // RFC 9110 §9.3.2: HEAD is GET without the body
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        if let Some(way) = ways.iter().find(|way| way.method == wanted) {
            return if way.is_open { Found::OpenOperation } else { Found::Operation };
        }
        let mut allow: Vec<&str> = ways.iter().map(|way| way.method.as_str()).collect();
        if ways.iter().any(|way| way.method == Method::GET) {
            allow.push("HEAD");
        }
        Found::WrongMethod(allow.join(", "))
    }
}

impl Segment {
    fn of(text: &str) -> Self {
        if text.starts_with('{') { Self::Anything } else { Self::Literal(text.to_owned()) }
    }

    fn takes(&self, part: &str) -> bool {
        match self {
            Self::Literal(text) => text == part,
            Self::Anything => !part.is_empty(),
        }
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_found_whole_and_a_wrong_method_is_told_what_is_allowed() {
        let document = json!({"paths": {"/api/a": {"get": {}, "post": {}}, "/api/a/{id}": {"delete": {}},
                "/api/b": {"post": {"security": []}, "get": {"security": [{}]}}}});
        let paths = Paths::of(&Document::from(document));
        let allow = |text: &str| Found::WrongMethod(text.to_owned());

        for (method, path, found) in [
            (Method::GET, "/api/a", Found::Operation),
            (Method::HEAD, "/api/a", Found::Operation),
            (Method::DELETE, "/api/a/7", Found::Operation),
            (Method::POST, "/api/b", Found::OpenOperation),
            (Method::GET, "/api/b", Found::Operation),
            (Method::PUT, "/api/b", allow("GET, POST, HEAD")),
            (Method::DELETE, "/api/a", allow("GET, POST, HEAD")),
            (Method::OPTIONS, "/api/a/7", allow("DELETE")),
            (Method::HEAD, "/api/a/7", allow("DELETE")),
            (Method::GET, "/api", Found::Nothing),
            (Method::GET, "/api/a/", Found::Nothing),
            (Method::GET, "//api/a", Found::Nothing),
            (Method::GET, "/api/a/7/b", Found::Nothing),
            (Method::GET, "/api/A", Found::Nothing),
        ] {
            assert_eq!(paths.find(&method, path), found, "{method} {path}");
        }
    }
}
