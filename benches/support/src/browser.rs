//! As much of a browser as a sign-in and a consent need.

use std::net::SocketAddr;

use crate::{
    Result,
    http::{Answer, Connection, HOST, Request, form},
};

/// More than any of these flows has.
const MOST_REDIRECTS: usize = 10;

/// A browser with one person in front of it.
pub struct Browser {
    connection: Connection,
    origin: String,
    cookies: Vec<(String, String)>,
}

/// What is done with a form.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// What tells that it is this form.
    pub mark: &'a str,
    /// What is typed into it.
    pub fields: &'a [(&'a str, &'a str)],
}

/// A page, or where the server sends the browser.
struct Page {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Browser {
    /// A browser that has never been at this server.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let connection = Connection::open(address).await?;
        Ok(Self { connection, origin: format!("http://{address}"), cookies: Vec::new() })
    }

    /// Goes from an authorization request to its callback, and fills the forms on the way as
    /// `steps` say. Answers where the server sends the browser in the end.
    ///
    /// # Errors
    /// When the flow goes any other way.
    pub async fn authorize(&mut self, path: &str, steps: &[Step<'_>]) -> Result<String> {
        let mut page = self.get(path).await?;
        for _ in 0..MOST_REDIRECTS {
            let step =
                steps.iter().find_map(|step| Some((step, form_with(&page.body, step.mark)?)));
            page = match (page.location.take(), step) {
                (Some(place), _) => match self.path_of(&place) {
                    Some(path) => self.get(&path).await?,
                    None => return Ok(place),
                },
                (None, Some((step, form))) => self.submit(form, step.fields).await?,
                (None, None) => return Err(format!("{} {path}: {}", page.status, page.body).into()),
            };
        }
        Err("the browser is redirected for ever".into())
    }

    /// The path of a place on this server, as the server or as our requests call it.
    fn path_of(&self, place: &str) -> Option<String> {
        let called = place.strip_prefix("http://").and_then(|rest| rest.strip_prefix(HOST));
        let path = place.strip_prefix(&self.origin).or(called).unwrap_or(place);
        path.starts_with('/').then(|| path.to_owned())
    }

    /// What it keeps, as a `Cookie` header.
    #[must_use]
    pub fn cookie(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    async fn get(&mut self, path: &str) -> Result<Page> {
        self.send(Request::get(path).with("Sec-Fetch-Site", "none")).await
    }

    /// Sends a form with its hidden fields and these.
    async fn submit(&mut self, form: &str, typed: &[(&str, &str)]) -> Result<Page> {
        let action = attribute(form, "action").unwrap_or_default();
        let path = self.path_of(action).ok_or("a form that leads elsewhere")?;
        let mut fields: Vec<(&str, &str)> = form.split("<input ").filter_map(hidden).collect();
        fields.extend(typed);
        let request = Request::post(&path, &fields).with("Sec-Fetch-Site", "same-origin");
        let request = request.with("Origin", &self.origin);
        self.send(request).await
    }

    async fn send(&mut self, request: Request) -> Result<Page> {
        let cookie = self.cookie();
        let request = request.with("Accept", "text/html");
        let request = if cookie.is_empty() { request } else { request.with("Cookie", &cookie) };
        let answer = self.connection.send(&request.bytes()).await?;
        let page = Page {
            status: answer.status,
            location: answer.headers("location").next().map(str::to_owned),
            body: String::from_utf8_lossy(answer.body).into_owned(),
        };
        let set = set_cookies(answer);
        for (name, value) in set {
            self.cookies.retain(|(kept, _)| *kept != name);
            if !value.is_empty() {
                self.cookies.push((name, value));
            }
        }
        Ok(page)
    }
}

fn set_cookies(answer: Answer<'_>) -> Vec<(String, String)> {
    let pairs = answer.headers("set-cookie").filter_map(|set| set.split(';').next());
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.to_owned())).collect()
}

/// The form of a page in which a mark stands.
fn form_with<'a>(page: &'a str, mark: &str) -> Option<&'a str> {
    let forms = page.split("<form ").skip(1).filter_map(|rest| rest.split("</form>").next());
    forms.into_iter().find(|form| form.contains(mark))
}

/// Name and value of a hidden field, whose values here need no unescaping.
fn hidden(input: &str) -> Option<(&str, &str)> {
    let is_hidden = attribute(input, "type") == Some("hidden");
    is_hidden.then_some((attribute(input, "name")?, attribute(input, "value")?))
}

/// An attribute of the tag that a text begins with.
fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split('>').next()?.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

/// The path of an authorization request.
#[must_use]
pub fn authorization(client_id: &str, redirect_uri: &str, challenge: &str, scope: &str) -> String {
    let fields = [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("scope", scope),
        ("state", "benchmark"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ];
    format!("/oauth/authorize?{}", form(&fields))
}

/// The code in an authorization response (RFC 6749 §4.1.2).
///
/// # Errors
/// When there is none.
pub fn code(location: &str) -> Result<&str> {
    let (_, query) = location.split_once('?').unwrap_or_default();
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
    code.ok_or_else(|| format!("no code in {location}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_found_by_its_mark_with_what_is_hidden_in_it() {
        let page = r#"<form method="post" action="/logout"><input type="hidden" name="csrf" value="a"></form>
            <form method="post" action="/login">
            <input type="hidden" name="csrf" value="b"><input id="u" name="username" value="c">
            <button id="login-submit">Sign in</button></form>"#;

        let form = form_with(page, "id=\"login-submit\"").unwrap();

        assert_eq!(attribute(form, "action"), Some("/login"));
        let fields: Vec<_> = form.split("<input ").filter_map(hidden).collect();
        assert_eq!(fields, [("csrf", "b")]);
        assert_eq!(form_with(page, "id=\"consent-allow\""), None);
    }

    #[test]
    fn a_code_is_read_from_its_callback() {
        assert_eq!(code("http://127.0.0.1:9999/callback?state=s&code=abc&iss=i").unwrap(), "abc");
        assert!(code("http://127.0.0.1:9999/callback?error=access_denied").is_err());
    }
}
