//! The sentences, one function each.

use super::source::Source;

/// The rows of the map from top to bottom, each from left to right. A module imports only from its
/// own row to the right, or from rows below.
const ROWS: [&[&str]; 4] = [
    &["main", "cli", "server"],
    // faces never import one another, so their order means nothing; all share `web`
    &["oauth", "api", "account", "admin", "web"],
    &[
        "jobs",
        "resources",
        "access",
        "openid",
        "leaks",
        "identity",
        "keys",
        "tokens",
        "clients",
        "workspaces",
        "signing",
        "outbox",
        "audit",
        "forms",
    ],
    &[
        "app", "store", "crypto", "mail", "outbound", "limiter", "cache", "metrics", "traces",
        "config", "clock", "patience", "fault",
    ],
];
const FACES: [&str; 4] = ["oauth", "api", "account", "admin"];
/// The first row of what may know HTTP is 0, the last this one.
const LAST_HTTP_ROW: usize = 1;

/// Which files may name a crate; by the beginning of their path.
const FENCED: [(&str, &[&str]); 20] = [
    ("sea_orm", &["store/"]),
    ("rusqlite", &["store/sqlite/"]),
    ("oxide_auth", &["oauth/registrar.rs", "oauth/flow.rs", "oauth/pkce.rs"]),
    ("lettre", &["mail/"]),
    ("argon2", &["crypto/"]),
    ("ring", &["crypto/"]),
    ("jsonwebtoken", &["crypto/"]),
    ("rsa", &["crypto/"]),
    ("webauthn_rs", &["crypto/"]),
    ("migration", &["store/"]),
    ("redis", &["limiter/shared.rs"]),
    ("prometheus_client", &["metrics"]),
    ("opentelemetry", &["traces.rs", "cli/traces.rs"]),
    ("opentelemetry_sdk", &["traces.rs", "cli/traces.rs"]),
    ("opentelemetry_otlp", &["cli/traces.rs"]),
    ("opentelemetry_http", &["cli/traces.rs"]),
    ("serde_saphyr", &["cli/scan/"]),
    ("tokio_rustls", &["crypto/certificate", "web/listener"]),
    ("x509_parser", &["crypto/certificate"]),
    ("rustls_native_certs", &["crypto/certificate"]),
];
/// Crates that speak HTTP: nothing of them is seen below the faces.
const HTTP_CRATES: [&str; 7] =
    ["poem", "poem_openapi", "http", "hyper", "hyper_util", "tower", "reqwest"];

/// The one room below the faces that speaks HTTP, as a client of others.
const OUTBOUND: &str = "outbound";

/// Whose pages and endpoints these paths are.
const ADDRESSES: [(&str, &str); 19] = [
    ("/oauth", "oauth"),
    ("/device", "oauth"),
    ("/api", "api"),
    ("/v1", "api"),
    ("/comms", "api"),
    ("/checkin", "api"),
    ("/openapi.json", "api"),
    ("/login", "account"),
    ("/confirm", "account"),
    ("/forgot-password", "account"),
    ("/reset-password", "account"),
    ("/signup", "account"),
    ("/verify-email", "account"),
    ("/restore-email", "account"),
    ("/settings", "account"),
    ("/workspaces", "account"),
    ("/scan-runs", "account"),
    ("/invitations", "account"),
    ("/admin", "admin"),
];

/// Every rule that a file breaks, in words.
pub fn broken(source: &Source) -> Vec<String> {
    let rules = [layers, fences, http, environment, queries, addresses];
    rules.iter().flat_map(|rule| rule(source)).collect()
}

/// Row and column of a room on the map.
pub fn place_of(room: &str) -> Option<(usize, usize)> {
    ROWS.iter().enumerate().find_map(|(row, rooms)| {
        rooms.iter().position(|known| *known == room).map(|column| (row, column))
    })
}

/// 1. A module imports only from its own row to the right, or from rows below; and a face never
///    imports a face.
fn layers(source: &Source) -> Vec<String> {
    let Some(here) = place_of(source.room()) else { return Vec::new() };
    let is_face = |room: &str| FACES.contains(&room);
    let mut broken = Vec::new();
    for path in &source.paths {
        let [origin, room, ..] = path.as_slice() else { continue };
        // `main.rs` is a crate of its own and sees ours under its name
        if (origin != "crate" && origin != "latchkey") || room == source.room() {
            continue;
        }
        let Some(there) = place_of(room) else { continue };
        let is_below = there.0 > here.0 || (there.0 == here.0 && there.1 > here.1);
        if !is_below || (is_face(source.room()) && is_face(room)) {
            broken.push(format!("{} imports {}", source.path, path.join("::")));
        }
    }
    broken
}

/// 2. Some crates are named in one room only.
fn fences(source: &Source) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, allowed) in FENCED {
        let may = allowed.iter().any(|start| source.path.starts_with(start));
        if !may && source.paths.iter().any(|path| path[0] == name) {
            broken.push(format!("{} names {name}", source.path));
        }
    }
    broken
}

/// 2 and 4. HTTP is for faces and processes: rules never see a request.
fn http(source: &Source) -> Vec<String> {
    let may = place_of(source.room()).is_none_or(|(row, _)| row <= LAST_HTTP_ROW)
        || source.room() == OUTBOUND;
    let found = source.paths.iter().find(|path| HTTP_CRATES.contains(&path[0].as_str()));
    match found {
        Some(path) if !may => vec![format!("{} names {}", source.path, path.join("::"))],
        _ => Vec::new(),
    }
}

/// Only `config/` reads environment variables.
fn environment(source: &Source) -> Vec<String> {
    let is_env = |path: &&Vec<String>| path.starts_with(&["std".to_owned(), "env".to_owned()]);
    match source.paths.iter().find(is_env) {
        Some(path) if source.room() != "config" => {
            vec![format!("{} names {}", source.path, path.join("::"))]
        }
        _ => Vec::new(),
    }
}

/// 5. Rows of `entity` may be named anywhere; what makes a query of them only in `store`.
fn queries(source: &Source) -> Vec<String> {
    let makes_queries = ["Entity", "Column", "COLUMN", "ActiveModel", "Relation"];
    let is_query = |path: &&Vec<String>| {
        path[0] == "entity" && path.iter().any(|part| makes_queries.contains(&part.as_str()))
    };
    match source.paths.iter().find(is_query) {
        Some(path) if source.room() != "store" => {
            vec![format!("{} names {}", source.path, path.join("::"))]
        }
        _ => Vec::new(),
    }
}

/// 3. A face knows the addresses of its own pages; another's come from `web/links.rs`.
fn addresses(source: &Source) -> Vec<String> {
    if !FACES.contains(&source.room()) {
        return Vec::new();
    }
    let mut broken = Vec::new();
    for text in &source.strings {
        let owner = ADDRESSES.iter().find(|(start, _)| is_at(text, start));
        if let Some((_, owner)) = owner.filter(|(_, owner)| *owner != source.room()) {
            broken.push(format!("{} writes {text:?}, an address of {owner}", source.path));
        }
    }
    broken
}

fn is_at(text: &str, start: &str) -> bool {
    let rest = text.strip_prefix(start);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '-', '{']))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rules say about a made-up file.
    fn said(path: &str, text: &str) -> Vec<String> {
        broken(&Source::new(path, text))
    }

    #[track_caller]
    fn holds(path: &str, text: &str) {
        assert_eq!(said(path, text), Vec::<String>::new());
    }

    #[track_caller]
    fn breaks(path: &str, text: &str, words: &str) {
        assert_eq!(said(path, text), [format!("{path} {words}")]);
    }

    #[test]
    fn imports_go_down_or_right() {
        holds("tokens/rotate.rs", "use crate::{app::App, audit, clients::metadata, store};");
        holds("tokens/rotate.rs", "use super::issue; use crate::tokens::scopes;");
        holds("oauth/token.rs", "use crate::{web::page, identity, tokens, config};");
        breaks("tokens/rotate.rs", "use crate::keys::mint;", "imports crate::keys::mint");
        breaks("tokens/mod.rs", "use super::{access::x};", "imports crate::access::x");
        breaks("clock.rs", "fn f() { crate::app::f() }", "imports crate::app::f");
        breaks("store/users.rs", "use crate::audit;", "imports crate::audit");
        breaks("web/page.rs", "use crate::oauth::token;", "imports crate::oauth::token");
        breaks("server.rs", "use crate::cli;", "imports crate::cli");
        breaks("cli/mod.rs", "use latchkey::main::x;", "imports latchkey::main::x");
        breaks("workspaces.rs", "mod t { use super::super::jobs::x; }", "imports crate::jobs::x");
    }

    #[test]
    fn faces_do_not_import_one_another() {
        for (face, other) in [("oauth", "admin"), ("admin", "oauth"), ("api", "account")] {
            let text = format!("use crate::{other}::x;");
            breaks(&format!("{face}/a.rs"), &text, &format!("imports crate::{other}::x"));
        }
    }

    #[test]
    fn crates_stay_behind_their_fences() {
        for (name, allowed) in FENCED {
            for start in allowed {
                let file =
                    if start.ends_with('/') { format!("{start}a.rs") } else { (*start).into() };
                holds(&file, &format!("use {name}::X;"));
            }
            breaks("config/a.rs", &format!("use {name}::X;"), &format!("names {name}"));
            breaks("config/a.rs", &format!("fn f(x: {name}::X) {{}}"), &format!("names {name}"));
        }
        breaks("oauth/token.rs", "use oxide_auth::{a, b};", "names oxide_auth");
        holds("oauth/token.rs", "fn f(ring: u8) -> u8 { ring }");
    }

    #[test]
    fn rules_never_see_a_request() {
        holds("oauth/token.rs", "use poem::Request;");
        holds("server.rs", "use poem_openapi::OpenApi;");
        breaks("tokens/rotate.rs", "use poem::Request;", "names poem::Request");
        breaks("store/mod.rs", "fn f(s: http::StatusCode) {}", "names http::StatusCode");
    }

    #[test]
    fn only_configuration_reads_the_environment() {
        holds("config/load.rs", "use std::env;");
        breaks("cli/mod.rs", "fn f() { std::env::var(x) }", "names std::env::var");
        breaks("main.rs", "use std::{env, fs};", "names std::env");
    }

    #[test]
    fn only_the_store_queries() {
        holds("tokens/rotate.rs", "use entity::{client, grant::Model};");
        holds("store/grants.rs", "use entity::grant::Entity;");
        breaks("tokens/a.rs", "use entity::grant::{Entity, Model};", "names entity::grant::Entity");
    }

    #[test]
    fn a_face_does_not_write_the_address_of_another() {
        holds("account/login.rs", r#"fn f() { g("/login/second-factor", "see /oauth/token") }"#);
        holds("account/login.rs", r#"mod tests { const X: &str = "/oauth/token"; }"#);
        holds("web/links.rs", r#"const X: &str = "/oauth/consent";"#);
        breaks(
            "account/login.rs",
            r#"fn f() { see_other("/oauth/consent?request=x") }"#,
            r#"writes "/oauth/consent?request=x", an address of oauth"#,
        );
        breaks(
            "oauth/consent.rs",
            r#"fn f() { format!("/settings/{page}") }"#,
            r#"writes "/settings/{page}", an address of account"#,
        );
    }
}
