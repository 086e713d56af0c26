//! Pages that list what may be long: searched by `q`, gone through by `after`.

use poem::http::Uri;
use url::form_urlencoded::Serializer;

use super::{csrf::CsrfForm, query};
use crate::store::paging::Wanted;

/// The parameter that a search is in; of forms that come back to a list, the field.
pub const SEARCH: &str = "q";
/// The parameter that names the last row of the page before; the same.
pub const AFTER: &str = "after";
/// The longest key that a page may begin after.
const MAX_AFTER_BYTES: usize = 400;

/// What a page needs to show its search field and the ways to other pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The page's path.
    pub path: String,
    /// What is searched for, as it was typed.
    pub search: String,
    /// The key of the last row before this page, empty on the first one.
    pub after: String,
    /// Filters of the page, which a search keeps.
    pub kept: Vec<(&'static str, String)>,
    /// The first page, if this is another one.
    pub first: Option<String>,
    /// The next page, if there is one.
    pub next: Option<String>,
}

/// Which part of a list an address asks for.
#[must_use]
pub fn wanted(uri: &Uri) -> Wanted {
    // PostgreSQL takes no NUL in a text, not even in a question
    let text = |name| query::get(uri, name).filter(|text| !text.chars().any(char::is_control));
    let after = text(AFTER).filter(|after| after.len() <= MAX_AFTER_BYTES);
    Wanted { search: text(SEARCH), after, ..Wanted::default() }
}

/// Where a part of a list is: what is searched for, and the key of the last row before it.
#[must_use]
pub fn part(path: &str, search: &str, after: &str) -> String {
    link(path, [(SEARCH, search), (AFTER, after)].into_iter())
}

/// The part of a list that a form was on, which says so in [`List::place`].
#[must_use]
pub fn of_form(path: &str, form: &CsrfForm) -> String {
    part(path, form.text(SEARCH), form.text(AFTER))
}

fn link<'a>(path: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in parameters.filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

impl List {
    /// The list at an address, whose next page begins after `next`.
    #[must_use]
    pub fn of(uri: &Uri, wanted: &Wanted, next: Option<&str>) -> Self {
        Self::filtered(uri, wanted, next, Vec::new())
    }

    /// The same with filters beside the search.
    #[must_use]
    pub fn filtered(
        uri: &Uri,
        wanted: &Wanted,
        next: Option<&str>,
        kept: Vec<(&'static str, String)>,
    ) -> Self {
        let list = Self {
            path: uri.path().to_owned(),
            search: wanted.search.clone().unwrap_or_default(),
            after: wanted.after.clone().unwrap_or_default(),
            kept,
            first: None,
            next: None,
        };
        Self {
            first: wanted.after.as_ref().map(|_| list.link("")),
            next: next.map(|next| list.link(next)),
            ..list
        }
    }

    /// The fields by which a form on this page comes back to it: see [`of_form`].
    #[must_use]
    pub fn place(&self) -> [(&'static str, &str); 2] {
        [(SEARCH, &self.search), (AFTER, &self.after)]
    }

    fn link(&self, after: &str) -> String {
        let filters = self.kept.iter().map(|(name, value)| (*name, value.as_str()));
        let place = [(SEARCH, self.search.as_str()), (AFTER, after)];
        link(&self.path, filters.chain(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_other_pages_keep_what_is_searched() {
        let uri = Uri::from_static("/admin/clients?q=a%26b&after=x&role=owner");
        let wanted = wanted(&uri);
        let kept = vec![("role", "owner".to_owned())];

        let list = List::filtered(&uri, &wanted, Some("y z"), kept);

        assert_eq!(list.first.as_deref(), Some("/admin/clients?role=owner&q=a%26b"));
        assert_eq!(list.next.as_deref(), Some("/admin/clients?role=owner&q=a%26b&after=y+z"));
    }

    #[test]
    fn what_cannot_be_typed_is_not_searched() {
        let uri = Uri::from_static("/admin/clients?q=a%00b&after=%0a");

        assert_eq!(wanted(&uri), Wanted::default());
    }

    #[test]
    fn the_only_page_leads_nowhere() {
        let uri = Uri::from_static("/admin/clients");

        let list = List::of(&uri, &wanted(&uri), None);

        assert_eq!((list.path.as_str(), list.first, list.next), ("/admin/clients", None, None));
    }
}
