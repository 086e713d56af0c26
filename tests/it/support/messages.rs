//! How a form that comes back says what is wrong with it: beside the field, and tied to it (WCAG 2.2,
//! 1.3.1 and 3.3.1).

use scraper::{ElementRef, Html, Selector};

use super::Page;

/// Sees that every message of a page with status 422 or 429 is where people look and where a screen
/// reader finds it.
#[track_caller]
pub fn are_beside_their_fields(page: &Page) {
    let is_html = page.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    if !matches!(page.status, 422 | 429) || !is_html {
        return;
    }
    let html = Html::parse_document(&page.body);
    let place = &page.url;
    if html.select(&parsed("p.status")).next().is_some() {
        return; // an error page, which has no form
    }
    let alerts = html.select(&parsed("main [role=alert]")).filter(has_words).count();
    assert!(alerts > 0, "{place} says nothing: {}", page.body);
    for field in html.select(&parsed("[aria-invalid]")) {
        let name = field.attr("name").unwrap_or_default();
        let message = described(&html, field);
        let message = message.unwrap_or_else(|| panic!("{place} {name} has no message"));
        assert!(is_near(field, message), "{place} {name}: its message is elsewhere");
    }
    for message in html.select(&parsed(".problem:not([role=status])")).filter(has_words) {
        let is_told = match message.attr("id") {
            Some(id) => {
                html.select(&parsed(&format!("[aria-describedby~='{id}']"))).next().is_some()
            }
            None => message.attr("role") == Some("alert"),
        };
        assert!(is_told, "{place}: nothing refers to {}", message.html());
    }
}

/// The message that a field, or else the group that it is in, refers to.
fn described<'a>(html: &'a Html, field: ElementRef<'a>) -> Option<ElementRef<'a>> {
    let around = field.ancestors().filter_map(ElementRef::wrap);
    std::iter::once(field).chain(around).find_map(|element| {
        let ids = element.attr("aria-describedby")?.split_whitespace();
        let mut found = ids.filter_map(|id| html.select(&parsed(&format!("[id='{id}']"))).next());
        found.find(|found| found.attr("role") == Some("alert") && has_words(found))
    })
}

/// In the same field or group; a message about the form as a whole, in the same form.
fn is_near(field: ElementRef<'_>, message: ElementRef<'_>) -> bool {
    let rooms = if parsed(".flash").matches(&message) { "form" } else { ".field, fieldset, form" };
    let rooms = parsed(rooms);
    let mut around = field.ancestors().filter_map(ElementRef::wrap);
    let room = around.find(|element| rooms.matches(element));
    let scopes = parsed("form");
    room.is_some_and(|room| {
        message.ancestors().any(|above| above == *room)
            // a group of several groups has one message, before the first
            || parsed("fieldset.scopes").matches(&room)
                && room.ancestors().filter_map(ElementRef::wrap).any(|form| scopes.matches(&form))
    })
}

fn has_words(element: &ElementRef<'_>) -> bool {
    element.text().any(|text| !text.trim().is_empty())
}

#[track_caller]
fn parsed(selector: &str) -> Selector {
    Selector::parse(selector).unwrap()
}
