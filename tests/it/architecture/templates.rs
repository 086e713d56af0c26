//! What holds for every template.

use std::{
    fs,
    path::{Path, PathBuf},
};

use scraper::{ElementRef, Html, Node, Selector};

/// The last parts of expressions that print what somebody typed once.
const TYPED: [&str; 21] = [
    "name",
    "workspace",
    "username",
    "publisher",
    "inviter",
    "invited",
    "invited_by",
    "email",
    "owner",
    "note",
    "service",
    "summary",
    "recipient",
    "back_words",
    "heading",
    "home",
    "target",
    "detail",
    "actor",
    "device",
    "tags",
];
/// Of ours though they are called like that.
const OURS: [&str; 1] = ["brand.name"];
/// Fields into which people type names and messages.
const FREE_TEXT: [&str; 17] = [
    "name",
    "publisher",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "gender",
    "street_address",
    "locality",
    "region",
    "country",
    "formatted",
    "note",
    "message",
    "q",
    "actor",
];

fn templates() -> Vec<(PathBuf, Html)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut folders = vec![root];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("mail") && !path.ends_with("api") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, Html::parse_fragment(&without_title(&text))));
            }
        }
    }
    assert!(found.len() > 80, "the templates were not found");
    found
}

/// The title of a window takes no markup.
fn without_title(text: &str) -> String {
    match text.split_once("{% block title %}") {
        Some((before, rest)) => {
            before.to_owned() + rest.split_once("{% endblock %}").unwrap_or_default().1
        }
        None => text.to_owned(),
    }
}

/// The expressions that a text prints.
fn printed(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).map(str::trim)
}

/// A name in another direction of writing does not turn the words around it.
#[test]
fn what_people_typed_stands_apart() {
    let mut bare = Vec::new();
    for (path, html) in templates() {
        for node in html.tree.nodes() {
            let Node::Text(text) = node.value() else { continue };
            let mut around = node.ancestors().filter_map(ElementRef::wrap);
            let takes =
                |name: &str| ["bdi", "option", "textarea", "title", "script"].contains(&name);
            if around.any(|element| takes(element.value().name())) {
                continue;
            }
            let typed = printed(text).filter(|expression| {
                let last = expression.rsplit('.').next().unwrap_or_default();
                TYPED.contains(&last) && !OURS.contains(expression)
            });
            bare.extend(typed.map(|expression| format!("{}: {expression}", path.display())));
        }
    }
    assert!(bare.is_empty(), "put these into <bdi>:\n{}", bare.join("\n"));
}

#[test]
fn fields_for_names_and_messages_take_any_direction() {
    let fields = Selector::parse("input:not([type=hidden]), textarea").unwrap();
    for (path, html) in templates() {
        for field in html.select(&fields) {
            let id = field.attr("id").unwrap_or_default();
            let is_free = FREE_TEXT.contains(&id);
            assert!(!is_free || field.attr("dir") == Some("auto"), "{}: {id}", path.display());
        }
    }
}

/// Paper has no dark scheme, and nothing on it can be unfolded.
#[test]
fn paper_is_legible_and_complete() {
    let sheet = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/latchkey.css");
    let sheet = fs::read_to_string(sheet).unwrap();
    let [screen, print] = [0, 1].map(|part| sheet.split("@media print").nth(part).unwrap());
    let dark = screen.split("@media screen and (prefers-color-scheme: dark)").nth(1).unwrap();
    let dark = dark.split("\n}\n").next().unwrap();

    let colours = dark.lines().filter_map(|line| line.trim().split_once(':'));
    for (token, _) in colours.filter(|(token, _)| token.starts_with("--")) {
        assert!(print.contains(&format!("{token}:")), "{token} stays as on a dark screen");
    }
    for part in ["--accent:", "--on-accent:", "details::details-content"] {
        assert!(print.contains(part), "{part}");
    }
}
