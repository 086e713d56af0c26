//! Forms as a browser without JavaScript sends them (HTML §4.10.21).

use scraper::{ElementRef, Html, Selector};

/// A form, filled with what the page put into it.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Whether by POST.
    pub is_post: bool,
    /// Its fields in order.
    pub fields: Vec<(String, String)>,
    /// Every name it has a control for, sent by itself or not.
    names: Vec<String>,
}

impl Form {
    /// The form that `selector` finds, or the one around the button that it finds, pressed.
    #[track_caller]
    pub fn find(page: &Html, selector: &str) -> Self {
        let found = page.select(&parsed(selector)).next();
        let found = found.unwrap_or_else(|| panic!("no {selector} in {}", page.html()));
        let is_form = |element: &ElementRef<'_>| element.value().name() == "form";
        let mut around = found.ancestors().filter_map(ElementRef::wrap);
        let form = if is_form(&found) { found } else { around.find(is_form).expect("a form") };
        let mut filled = Self::of(form);
        if found != form
            && let Some(name) = found.attr("name")
        {
            filled.set(name, found.attr("value").unwrap_or_default());
        }
        if let Some(action) = found.attr("formaction") {
            action.clone_into(&mut filled.action);
        }
        filled
    }

    fn of(form: ElementRef<'_>) -> Self {
        let mut filled = Self {
            action: form.attr("action").unwrap_or_default().to_owned(),
            is_post: form.attr("method").is_some_and(|it| it.eq_ignore_ascii_case("post")),
            fields: Vec::new(),
            names: Vec::new(),
        };
        for control in form.select(&parsed("input, select, textarea, button")) {
            let Some(name) = control.attr("name") else { continue };
            filled.names.push(name.to_owned());
            if let Some(value) = sent_by_itself(control) {
                filled.fields.push((name.to_owned(), value));
            }
        }
        filled
    }

    /// Types into a field, ticks a box or chooses an option; the form must have it.
    #[track_caller]
    pub fn set(&mut self, name: &str, value: &str) {
        assert!(self.names.iter().any(|known| known == name), "no {name} in {self:?}");
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    /// Ticks one more box of a list.
    #[track_caller]
    pub fn tick(&mut self, name: &str, value: &str) {
        assert!(self.names.iter().any(|known| known == name), "no {name} in {self:?}");
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    /// The same form with another value of a field.
    #[track_caller]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut form = self.clone();
        form.set(name, value);
        form
    }

    /// The same form without a field.
    pub fn without(&self, name: &str) -> Self {
        let mut form = self.clone();
        form.fields.retain(|(field, _)| field != name);
        form
    }

    /// The value that the page put into a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(field, _)| field == name).map(|(_, value)| &**value)
    }
}

/// What a control sends when nobody touches it.
fn sent_by_itself(control: ElementRef<'_>) -> Option<String> {
    let value = || control.attr("value").map(str::to_owned);
    match (control.value().name(), control.attr("type").unwrap_or("text")) {
        ("button", _) | ("input", "submit" | "button" | "reset" | "file" | "image") => None,
        ("input", "checkbox" | "radio") => {
            control.attr("checked").map(|_| value().unwrap_or_else(|| "on".to_owned()))
        }
        ("textarea", _) => Some(control.text().collect()),
        ("select", _) => {
            let option = |css| control.select(&parsed(css)).next();
            let chosen = option("option[selected]").or_else(|| option("option"))?;
            let text = || chosen.text().collect();
            Some(chosen.attr("value").map_or_else(text, str::to_owned))
        }
        _ => Some(value().unwrap_or_default()),
    }
}

#[track_caller]
fn parsed(selector: &str) -> Selector {
    Selector::parse(selector).unwrap()
}
