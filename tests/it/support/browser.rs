//! A person's browser, without JavaScript: a cookie jar, links and forms.

use std::{collections::BTreeMap, ops::Deref};

use reqwest::{Method, header};
use scraper::{Html, Selector};
use url::{Url, form_urlencoded};

use super::{Answer, Authorization, Callback, Person, Site, form::Form, messages};

/// More than any of our flows has.
const MAX_REDIRECTS: usize = 10;

/// A browser; two of them share nothing.
#[derive(Clone)]
pub struct Browser {
    http: reqwest::Client,
    home: Url,
    cookies: BTreeMap<String, String>,
    user_agent: String,
    forwarded_for: Option<String>,
}

/// An answer and where it came from.
#[derive(Clone, Debug)]
pub struct Page {
    /// The address in the address bar.
    pub url: Url,
    answer: Answer,
}

impl Deref for Page {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.answer
    }
}

impl Page {
    /// The text of the element that `selector` finds, white space joined.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        self.texts(selector).into_iter().next().unwrap_or_else(|| {
            panic!("no {selector} on {} {}: {}", self.status, self.url, self.body)
        })
    }

    /// The text of every such element.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let html = Html::parse_document(&self.body);
        let selector = Selector::parse(selector).unwrap();
        let joined = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        html.select(&selector).map(|element| joined(element.text().collect())).collect()
    }

    /// Where the link that `selector` finds leads.
    #[track_caller]
    pub fn link(&self, selector: &str) -> String {
        let html = Html::parse_document(&self.body);
        let found = html.select(&Selector::parse(selector).unwrap()).next();
        let href = found.and_then(|link| link.attr("href"));
        href.unwrap_or_else(|| panic!("no {selector} on {}: {}", self.url, self.body)).to_owned()
    }

    /// Whether the page has such an element.
    pub fn has(&self, selector: &str) -> bool {
        !self.texts(selector).is_empty()
    }

    /// The value of an attribute of the element that `selector` finds.
    #[track_caller]
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        let html = Html::parse_document(&self.body);
        let found = html.select(&Selector::parse(selector).unwrap()).next();
        let value = found.and_then(|element| element.attr(name).map(str::to_owned));
        value.unwrap_or_else(|| panic!("no {name} of {selector} on {}: {}", self.url, self.body))
    }

    /// The form that `selector` finds, or the one of the button that it finds, pressed.
    #[track_caller]
    pub fn form(&self, selector: &str) -> Form {
        Form::find(&Html::parse_document(&self.body), selector)
    }

    /// Where this answer sends the browser.
    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// The authorization response with which the browser leaves for the client.
    #[track_caller]
    pub fn callback(&self) -> Callback {
        assert_eq!(self.status, 303, "{} {}", self.url, self.body);
        Callback::parse(self.location().unwrap())
    }
}

impl Browser {
    /// A browser that has never been here.
    pub fn new(site: &impl Site) -> Self {
        let home = Url::parse(&site.url("/")).unwrap();
        Self {
            http: site.http().clone(),
            home,
            cookies: BTreeMap::new(),
            user_agent: "Mozilla/5.0 (tests)".to_owned(),
            forwarded_for: None,
        }
    }

    /// The same browser of another make.
    pub fn calling_itself(self, user_agent: &str) -> Self {
        Self { user_agent: user_agent.to_owned(), ..self }
    }

    /// The same browser elsewhere, as a proxy that is trusted says.
    pub fn at_address(self, address: &str) -> Self {
        Self { forwarded_for: Some(address.to_owned()), ..self }
    }

    /// The same browser, whose requests a load balancer now sends to another node.
    pub fn at(&self, node: &impl Site) -> Self {
        Self { home: Url::parse(&node.url("/")).unwrap(), ..self.clone() }
    }

    /// One request, as after typing an address; redirects are not followed.
    pub async fn get(&mut self, address: &str) -> Page {
        let url = self.home.join(address).unwrap();
        let request = self.http.request(Method::GET, url.clone());
        self.send(url, request.header("sec-fetch-site", "none")).await
    }

    /// Opens an address and follows redirects as long as they stay on this server.
    pub async fn open(&mut self, address: &str) -> Page {
        let page = self.get(address).await;
        self.follow(page).await
    }

    /// Sends a form of a page; the redirect that answers it is not followed.
    pub async fn submit(&mut self, page: &Page, selector: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = page.form(selector);
        for (name, value) in fields {
            form.set(name, value);
        }
        self.send_form(&page.url, &form).await
    }

    /// Presses a button that leads to a page which says what will stop, and then that page's own; the
    /// redirect that answers it is not followed.
    pub async fn confirm(&mut self, page: &Page, button: &str, confirm: &str) -> Page {
        let question = self.submit(page, button, &[]).await;
        assert_eq!(question.status, 200, "{}", question.body);
        self.submit(&question, confirm, &[]).await
    }

    /// Follows a link to a page that says what will stop, and presses that page's button; the
    /// redirect that answers it is not followed.
    pub async fn confirm_link(&mut self, page: &Page, link: &str, confirm: &str) -> Page {
        let question = self.get(&page.link(link)).await;
        assert_eq!(question.status, 200, "{}", question.body);
        self.submit(&question, confirm, &[]).await
    }

    /// Sends a form that belongs to the page at `url`.
    pub async fn send_form(&mut self, url: &Url, form: &Form) -> Page {
        let mut target = url.join(&form.action).unwrap();
        let pairs =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        if !form.is_post {
            target.set_query(Some(&pairs));
            return self.get(target.as_str()).await;
        }
        assert_eq!(target.origin(), self.home.origin(), "a form that leads elsewhere");
        let request = self.http.post(target.clone()).body(pairs);
        let request = request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(header::ORIGIN, self.home.origin().ascii_serialization())
            .header(header::REFERER, url.as_str());
        self.send(target, request).await
    }

    /// Follows redirects as long as they stay on this server.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..MAX_REDIRECTS {
            let Some(location) = page.location().filter(|_| page.status / 100 == 3) else {
                return page;
            };
            let target = page.url.join(location).unwrap();
            if target.origin() != self.home.origin() {
                return page;
            }
            page = self.get(target.as_str()).await;
        }
        panic!("{} redirects for ever", page.url);
    }

    /// What it keeps, by name.
    pub fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    /// A request of any making, with this browser's cookies.
    pub async fn send(&mut self, url: Url, request: reqwest::RequestBuilder) -> Page {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let request = request.header(header::USER_AGENT, &self.user_agent);
        let request = match &self.forwarded_for {
            Some(address) => request.header("x-forwarded-for", address),
            None => request,
        };
        let request =
            if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies) };
        let answer = Answer::to(request).await;
        for set in answer.headers.get_all(header::SET_COOKIE) {
            self.keep(set.to_str().unwrap());
        }
        let page = Page { url, answer };
        messages::are_beside_their_fields(&page);
        page
    }

    fn keep(&mut self, set_cookie: &str) {
        let mut parts = set_cookie.split(';').map(str::trim);
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        if parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Fills the sign-in form of a page and follows where it leads on this server.
    pub async fn sign_in_on(&mut self, page: &Page, person: &Person) -> Page {
        let fields =
            [("username", person.username.as_str()), ("password", person.password.as_str())];
        let answer = self.submit(page, "#login-submit", &fields).await;
        self.follow(answer).await
    }

    /// Signs in on the sign-in page.
    pub async fn sign_in(&mut self, person: &Person) -> Page {
        let page = self.open("/login").await;
        self.sign_in_on(&page, person).await
    }

    /// Goes all the way from a client's authorization request to its callback: signs in and allows
    /// where it is asked to.
    pub async fn authorize(&mut self, request: &Authorization, person: &Person) -> Callback {
        let mut page = self.open(&request.path()).await;
        if page.has("#login-submit") {
            page = self.sign_in_on(&page, person).await;
        }
        if page.has("#consent-allow") {
            page = self.submit(&page, "#consent-allow", &[]).await;
        }
        page.callback()
    }
    /// A browser that somebody is signed in to.
    pub async fn of(site: &impl Site, person: &Person) -> Self {
        let mut browser = Self::new(site);
        let page = browser.sign_in(person).await;
        assert!(page.has(".who"), "{} {}", page.status, page.text("main"));
        browser
    }

    /// The same cookies in another browser: a copy of the jar, as a thief has it.
    pub fn copy(&self) -> Self {
        self.clone()
    }
}
