//! What browsers send to our pages, and where lists go on.

use latchkey::{
    api::paging::Cursors,
    config::Environment,
    crypto::secret::{Secret, SessionCookie},
    resources::Tenant,
    store,
    tokens::device::UserCode,
    web::{
        csrf::{self, Fields},
        listing::{self, List},
    },
};
use poem::http::Uri;
use url::form_urlencoded::{self, Serializer};
use uuid::Uuid;

use super::{place::Place, text};

/// The browser whose forms are read here.
const COOKIE: &str = "lk_bs_fffffffffffffffffffffffffffffffffffffffffff4GVrp4";
/// A page with a list, and the key of a row that it might show last.
const LIST: (&str, &str) = ("/admin/clients", "k & 1");
/// How long the key of a row may be.
const LONGEST_KEY: usize = 400;
/// How long a cursor of the API is.
const CURSOR_CHARS: usize = 43;

/// A form of one of our pages. Where a seed says `TOKEN`, that is the token which shows where it comes from.
pub fn csrf(place: &Place, bytes: &[u8]) {
    let cookie = Secret::<SessionCookie>::parse(COOKIE).expect("it is one");
    let token = csrf::token(place.app(), &cookie);
    let bytes = &with(bytes, "TOKEN", &token)[..];
    let sent: Vec<_> = form_urlencoded::parse(bytes).into_owned().collect();
    let is_list = |name: &str| ["scope", "grant_type"].contains(&name);
    let Some(fields) = Fields::parse(bytes) else {
        let times = |name: &str| sent.iter().filter(|(other, _)| other == name).count();
        assert!(sent.iter().any(|(name, _)| !is_list(name) && times(name) > 1), "none came twice");
        return;
    };
    let pairs: Vec<_> = fields.pairs().collect();
    assert!(pairs.iter().all(|(_, value)| !value.is_empty()));
    for (name, value) in pairs.iter().filter(|(name, _)| !is_list(name)) {
        let all = sent.iter().filter(|(other, _)| other == name);
        assert_eq!(
            all.map(|(_, value)| value).collect::<Vec<_>>(),
            [value],
            "of two, one was read"
        );
        assert_eq!((fields.get(name), fields.text(name)), (Some(*value), *value));
    }
    for name in ["scope", "grant_type"] {
        let all = sent.iter().filter(|(other, value)| other == name && !value.is_empty());
        assert!(fields.all(name).eq(all.map(|(_, value)| value.as_str())), "{name}");
    }
    let written = Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let again = Fields::parse(written.as_bytes()).expect("what was read can be sent");
    assert!(again.pairs().eq(pairs.iter().copied()));
    // one text is the token, and nothing that only means the same
    let said = fields.text(csrf::FIELD);
    assert_eq!(csrf::holds(place.app(), &cookie, said), said == token, "{said}");
}

/// Bytes with a text in the place of a word.
fn with(bytes: &[u8], word: &str, text: &str) -> Vec<u8> {
    let Some(at) = bytes.windows(word.len()).position(|it| it == word.as_bytes()) else {
        return bytes.to_vec();
    };
    [&bytes[..at], text.as_bytes(), &bytes[at + word.len()..]].concat()
}

/// A code as somebody types it who reads it off a device.
pub fn user_codes(_: &Place, bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    let Some(code) = UserCode::parse(typed) else { return };
    assert!(typed.len() <= 64);
    let shown = code.shown();
    let (first, second) = shown.split_once('-').expect("two halves");
    assert_eq!((first.len(), second.len()), (4, 4));
    assert!(!shown.contains(|c: char| c != '-' && !"BCDFGHJKLMNPQRSTVWXZ".contains(c)), "{shown}");
    // it is what was typed, letter by letter, and nothing was taken for another letter
    let letters: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    assert_eq!(letters.to_ascii_uppercase(), [first, second].concat());
    for again in
        [&shown, &shown.to_ascii_lowercase(), &letters, &format!(" {first}\u{2013} {second}\t")]
    {
        assert_eq!(UserCode::parse(again), Some(code.clone()), "{again:?}");
    }
    assert_eq!(UserCode::parse(&format!("{shown}B")), None);
}

/// A cursor of the API, and where a seed says `CURSOR` a good one; and 16 bytes of an id, which has one, and a number that says how that is altered.
pub fn cursors(place: &Place, bytes: &[u8]) {
    let tenant = Tenant { workspace_id: Uuid::from_u128(7), environment: Environment::Live };
    let leads = Cursors::of(place.app(), "leads", &tenant);
    let good = leads.write(Uuid::from_u128(9));
    if let Ok(text) = String::from_utf8(with(bytes, "CURSOR", &good))
        && let Some(id) = leads.read(&text)
    {
        assert_eq!(leads.write(id), text, "two cursors of one item");
    }
    let Some((id, rest)) = bytes.split_at_checked(16) else { return };
    let id = Uuid::from_slice(id).expect("16 bytes");
    let cursor = leads.write(id);
    assert_eq!((cursor.len(), leads.read(&cursor)), (CURSOR_CHARS, Some(id)));
    let test = Tenant { environment: Environment::Test, ..tenant };
    let other = Tenant { workspace_id: Uuid::from_u128(8), ..tenant };
    for (list, tenant) in [("leads", &test), ("leads", &other), ("lead", &tenant)] {
        assert_eq!(Cursors::of(place.app(), list, tenant).read(&cursor), None, "elsewhere");
    }
    let [at, by, ..] = *rest else { return };
    let at = usize::from(at) % CURSOR_CHARS;
    let mut altered = cursor.clone().into_bytes();
    altered[at] = by;
    if let Ok(altered) = String::from_utf8(altered)
        && altered != cursor
    {
        assert_eq!(leads.read(&altered), None, "{altered}");
    }
    assert_eq!(leads.read(&cursor[..at]), None, "cut");
}

/// The query of a page with a list: what is searched for, and the key of the last row before.
pub fn listing(place: &Place, bytes: &[u8]) {
    let (path, key) = LIST;
    let at = |address: &str| Uri::try_from(address).ok();
    let Some(uri) = text(bytes).and_then(|query| at(&format!("{path}?{query}"))) else { return };
    let wanted = listing::wanted(&uri);
    let (search, after) = (wanted.search.as_deref(), wanted.after.as_deref());
    for text in [search, after].into_iter().flatten() {
        assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
    }
    assert!(after.is_none_or(|after| after.len() <= LONGEST_KEY));
    assert!(wanted.search().is_none_or(|search| search.chars().count() <= 200));
    // every way from here leads to a part of the same list
    let part = listing::part(path, search.unwrap_or_default(), after.unwrap_or_default());
    assert_eq!(listing::wanted(&at(&part).expect("an address")), wanted, "{part}");
    let list = List::of(&uri, &wanted, Some(key));
    let next = listing::wanted(&list.next.as_deref().and_then(at).expect("an address"));
    assert_eq!((next.search.as_deref(), next.after.as_deref()), (search, Some(key)));
    assert_eq!(list.first.is_some(), after.is_some());
    if let Some(first) = list.first.as_deref() {
        let first = listing::wanted(&at(first).expect("an address"));
        assert_eq!((first.search.as_deref(), first.after), (search, None));
    }
    // and whatever the key is, the database has an answer
    let db = place.app().store.read();
    place.wait(async {
        let clients = store::clients::page(db, &wanted).await.expect("a page");
        let is_later = |id: &str| after.is_none_or(|after| id > after);
        assert!(clients.rows.iter().all(|row| is_later(&row.id)), "{after:?}");
        let tokens = store::registration_tokens::page(db, &wanted).await.expect("a page");
        assert!(tokens.rows.is_empty() && tokens.next.is_none());
    });
}
