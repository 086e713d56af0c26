//! Lists that people page through and search in.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
    sea_query::{Expr, ExprTrait, Func, LikeExpr, SimpleExpr},
};

use crate::fault::Fault;

/// How many rows a page on a screen lists.
pub const PAGE: u64 = 50;
/// The longest search, in characters.
const MAX_SEARCH_CHARS: usize = 200;

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What its rows contain somewhere.
    pub search: Option<String>,
    /// The key of the last row before it.
    pub after: Option<String>,
    /// How many rows there are to be at most.
    pub rows: u64,
}

/// The beginning of a list, as much as a screen shows.
impl Default for Wanted {
    fn default() -> Self {
        Self { search: None, after: None, rows: PAGE }
    }
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// The key after which the next page begins, if there is one.
    pub next: Option<String>,
}

impl Wanted {
    /// What is searched for, without the spaces around it.
    #[must_use]
    pub fn search(&self) -> Option<&str> {
        let text = self.search.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty() && text.chars().count() <= MAX_SEARCH_CHARS)
    }
}

impl<T> Page<T> {
    /// The page of rows that a query found when it was asked for one more than are wanted.
    pub(super) fn of(mut rows: Vec<T>, wanted: &Wanted, key: impl Fn(&T) -> String) -> Self {
        let length = usize::try_from(wanted.rows).unwrap_or(usize::MAX);
        let has_next = rows.len() > length;
        rows.truncate(length);
        let next = rows.last().filter(|_| has_next).map(key);
        Self { rows, next }
    }
}

/// A page of what `all` finds, in the order of a unique `key`; a search looks into `searched`.
///
/// # Errors
/// When the database fails.
pub(super) async fn page<E: EntityTrait>(
    db: &impl ConnectionTrait,
    all: Select<E>,
    wanted: &Wanted,
    (key, searched): (E::Column, &[E::Column]),
    key_of: impl Fn(&E::Model) -> String,
) -> Result<Page<E::Model>, Fault> {
    let mut query = all.order_by_asc(key).limit(wanted.rows.saturating_add(1));
    if let Some(after) = &wanted.after {
        query = query.filter(key.gt(after));
    }
    if let Some(text) = wanted.search() {
        let anywhere = searched.iter().map(|column| contains(*column, text));
        query = query.filter(anywhere.fold(Condition::any(), Condition::add));
    }
    Ok(Page::of(query.all(db).await?, wanted, key_of))
}

/// Whether a column contains a text, in whichever case of ASCII letters.
pub(super) fn contains(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for char in text.chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char.to_ascii_lowercase());
    }
    pattern.push('%');
    Expr::expr(Func::lower(Expr::col(column.as_column_ref())))
        .like(LikeExpr::new(pattern).escape('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_where_the_next_one_begins() {
        let page = |count| Page::of((0..count).collect(), &Wanted::default(), u64::to_string);

        assert_eq!((page(50).rows.len(), page(50).next), (50, None));
        assert_eq!((page(51).rows.len(), page(51).next.as_deref()), (50, Some("49")));
    }

    #[test]
    fn a_search_without_words_is_none() {
        let search = |text: &str| {
            let wanted = Wanted { search: Some(text.to_owned()), ..Wanted::default() };
            wanted.search().map(str::to_owned)
        };

        assert_eq!(search("  joe "), Some("joe".to_owned()));
        assert_eq!([search(""), search("  "), search(&"x".repeat(201))], [None, None, None]);
    }
}
