//! Forms as no page of ours sends them.

use reqwest::header;
use url::{Url, form_urlencoded::Serializer};

use super::{Browser, Page, World, form::Form};

const URLENCODED: &str = "application/x-www-form-urlencoded";
const STALE: (u16, &str) = (403, "This form has expired");
const UNREADABLE: (u16, &str) = (415, "This form cannot be read");
const TWICE: (u16, &str) = (400, "This form cannot be read");
const TOO_LARGE: (u16, &str) = (413, "This form is too large");
const SAME_ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");
const EVIL: (&str, &str) = ("origin", "https://evil.example");

type Fields = Vec<(String, String)>;
type Forgery<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, Fields, (u16, &'a str));

impl World {
    /// Sends a form of `page` in every way in which it must not come: each is refused by an error
    /// page. Nothing may have changed afterwards; that is for the caller to see. `allow` is what
    /// the form's path answers to.
    pub async fn refuses_forgeries(&self, browser: &mut Browser, page: &Page, form: &Form) {
        let target = page.url.join(&form.action).unwrap();
        let foreign = Browser::new(self).open("/login").await;
        let foreign = foreign.form("form").get("csrf").unwrap().to_owned();
        let sound = || form.fields.clone();
        let with = |token: &str| form.with("csrf", token).fields;
        let twice = |name: &str, value: &str| {
            let mut fields = form.fields.clone();
            fields.push((name.to_owned(), value.to_owned()));
            fields
        };
        let site = |said| [("sec-fetch-site", said)];
        let (cross, same_site) = (site("cross-site"), site("same-site"));
        let (near, far) = (&[SAME_ORIGIN][..], &[EVIL][..]);
        let forgeries: Vec<Forgery<'_>> = vec![
            ("without a token", near, URLENCODED, form.without("csrf").fields, STALE),
            ("with an empty token", near, URLENCODED, with(""), STALE),
            ("with another browser's token", near, URLENCODED, with(&foreign), STALE),
            ("with a made-up token", near, URLENCODED, with("AAAA"), STALE),
            ("with two tokens", near, URLENCODED, twice("csrf", &foreign), TWICE),
            (
                "with a field twice",
                near,
                URLENCODED,
                {
                    let mut fields = twice("twice", "a");
                    fields.push(("twice".to_owned(), "b".to_owned()));
                    fields
                },
                TWICE,
            ),
            ("from another site", &cross, URLENCODED, sound(), STALE),
            ("from another origin of this site", &same_site, URLENCODED, sound(), STALE),
            ("from another origin", far, URLENCODED, sound(), STALE),
            ("from two origins", &[EVIL, EVIL], URLENCODED, sound(), STALE),
            ("as text", near, "text/plain", sound(), UNREADABLE),
            ("as JSON", near, "application/json", sound(), UNREADABLE),
            ("as multipart", near, "multipart/form-data; boundary=x", sound(), UNREADABLE),
            ("over 64 KiB", near, URLENCODED, twice("more", &"x".repeat(65_536)), TOO_LARGE),
        ];
        for (what, headers, media_type, fields, expected) in forgeries {
            let body = Serializer::new(String::new()).extend_pairs(&fields).finish();
            let request = self.http.post(target.clone()).header(header::CONTENT_TYPE, media_type);
            let request =
                headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
            let answer = browser.send(target.clone(), request.body(body)).await;
            assert_eq!((answer.status, &*answer.text("h1")), expected, "{target} {what}");
            assert_eq!(answer.header("set-cookie"), None, "{target} {what}");
        }
    }

    /// Tries the methods that a path does not have, with a form's fields in the query.
    pub async fn answers_only_to(
        &self,
        allow: &str,
        browser: &mut Browser,
        (page, form): (&Page, &Form),
    ) {
        let mut target: Url = page.url.join(&form.action).unwrap();
        target.query_pairs_mut().extend_pairs(&form.fields);
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let request = self.http.request(method.parse().unwrap(), target.clone());
            let answer = browser.send(target.clone(), request).await;
            if allow.split(", ").any(|known| known == method) {
                assert_eq!(answer.status, 200, "{method} {target}");
            } else {
                let heading = "This address cannot be used like that";
                assert_eq!((answer.status, &*answer.text("h1")), (405, heading), "{method}");
                assert_eq!(answer.header("allow"), Some(allow), "{method} {target}");
            }
        }
    }

    /// Sends a form from a browser that nobody is signed in to: it is asked to sign in.
    pub async fn asks_strangers_to_sign_in(&self, page: &Page, form: &Form) {
        let answer = Browser::new(self).send_form(&page.url, form).await;
        let place = answer.location().unwrap_or_default();
        let is_login = place == "/login" || place.starts_with("/login?next=/");
        assert!(answer.status == 303 && is_login, "{}: {} {place}", form.action, answer.status);
    }
}
