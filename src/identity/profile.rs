//! What users say about themselves: the standard claims of OpenID Connect Core §5.1.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use entity::user;
use oxilangtag::LanguageTag;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::{Fault, FieldError},
    store,
    workspaces::{Checked, names::name_problem},
};

const MAX_WORD_CHARS: usize = 120;
const MAX_LINES_CHARS: usize = 500;
const MAX_URL_BYTES: usize = 1000;
/// ITU-T E.164: a country's code and a number in it.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The claims that `user.profile` has; `name` has a column of its own. What is not known is absent
/// on the wire (OpenID Connect Core §5.3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Given names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Surnames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Names in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// What friends say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// What the user would like to be called by apps; neither unique nor a username of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// A page about the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A picture of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The user's own page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// In the user's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// `YYYY-MM-DD`, `0000-MM-DD` without the year, or `YYYY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// A zone of the tz database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// A language tag (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// A number as E.164 has it; blanks and hyphens may group its digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether somebody made sure that it is the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    /// Where letters on paper go.
    #[serde(skip_serializing_if = "Address::is_unknown")]
    pub address: Address,
    /// When any of it was last changed, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// What an administrator has put beside them, which stays as it is.
    #[serde(flatten)]
    pub further: Map<String, Value>,
}

/// An address (OpenID Connect Core §5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// All of it, as it stands on an envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street and number, in one line or several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// State or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl Address {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl Profile {
    /// What is known about a user; what cannot be read counts as unknown.
    #[must_use]
    pub fn of(user: &user::Model) -> Self {
        let claims = user.profile.clone().unwrap_or_default();
        serde_json::from_value(claims).unwrap_or_default()
    }

    /// What was typed into a form whose fields have the claims' names.
    #[must_use]
    pub fn typed<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Self {
        let text = |name: &str| {
            let text = field(name).map(|text| text.replace("\r\n", "\n").trim().to_owned());
            text.filter(|text| !text.is_empty())
        };
        let address = Address {
            formatted: text("formatted"),
            street_address: text("street_address"),
            locality: text("locality"),
            region: text("region"),
            postal_code: text("postal_code"),
            country: text("country"),
        };
        Self {
            given_name: text("given_name"),
            family_name: text("family_name"),
            middle_name: text("middle_name"),
            nickname: text("nickname"),
            preferred_username: text("preferred_username"),
            profile: text("profile"),
            picture: text("picture"),
            website: text("website"),
            gender: text("gender"),
            birthdate: text("birthdate"),
            zoneinfo: text("zoneinfo"),
            locale: text("locale").map(|tag| tag.replace('_', "-")),
            phone_number: text("phone_number"),
            address,
            ..Self::default()
        }
    }

    /// The value of a form's field; empty if it is not known.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.fields().into_iter().find(|(name, ..)| *name == field).map_or("", |(_, text, _)| text)
    }

    /// Every text that is known, with its claim's name and what it may be.
    fn fields(&self) -> impl Iterator<Item = (&'static str, &str, Kind)> {
        let address = &self.address;
        let all = [
            ("given_name", &self.given_name, Kind::Line),
            ("family_name", &self.family_name, Kind::Line),
            ("middle_name", &self.middle_name, Kind::Line),
            ("nickname", &self.nickname, Kind::Line),
            ("preferred_username", &self.preferred_username, Kind::Line),
            ("profile", &self.profile, Kind::Url),
            ("picture", &self.picture, Kind::Url),
            ("website", &self.website, Kind::Url),
            ("gender", &self.gender, Kind::Line),
            ("birthdate", &self.birthdate, Kind::Birthdate),
            ("zoneinfo", &self.zoneinfo, Kind::Zone),
            ("locale", &self.locale, Kind::Locale),
            ("phone_number", &self.phone_number, Kind::Phone),
            ("formatted", &address.formatted, Kind::Lines),
            ("street_address", &address.street_address, Kind::Lines),
            ("locality", &address.locality, Kind::Line),
            ("region", &address.region, Kind::Line),
            ("postal_code", &address.postal_code, Kind::Line),
            ("country", &address.country, Kind::Line),
        ];
        all.into_iter().filter_map(|(name, text, kind)| Some((name, text.as_deref()?, kind)))
    }

    fn problems(&self, today: NaiveDate) -> Vec<FieldError> {
        let problem = |(name, text, kind): (_, &str, Kind)| {
            kind.problem(text, today).map(|problem| FieldError::new(name, problem))
        };
        self.fields().filter_map(problem).collect()
    }
}

/// What a claim may be.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Line,
    Lines,
    Url,
    Birthdate,
    Zone,
    Locale,
    Phone,
}

impl Kind {
    fn problem(self, text: &str, today: NaiveDate) -> Option<&'static str> {
        match self {
            Self::Line if text.chars().count() > MAX_WORD_CHARS => {
                Some("must be at most 120 characters long")
            }
            Self::Line if text.chars().any(char::is_control) => {
                Some("must not have control characters")
            }
            Self::Lines if text.chars().count() > MAX_LINES_CHARS => {
                Some("must be at most 500 characters long")
            }
            Self::Lines if text.chars().any(|c| c.is_control() && c != '\n') => {
                Some("must not have control characters")
            }
            Self::Url if !is_web_page(text) => Some("must be an address that begins with https://"),
            Self::Birthdate if !is_birthdate(text, today) => {
                Some("must be a day in the past, such as 1985-12-10, or a year")
            }
            Self::Zone if text.parse::<chrono_tz::Tz>().is_err() => {
                Some("must be a name such as Europe/London")
            }
            Self::Locale if !is_locale(text) => Some("must be a language tag such as en or en-GB"),
            Self::Phone if !is_phone_number(text) => {
                Some("must begin with + and the code of a country, such as +44 20 7946 0000")
            }
            _ => None,
        }
    }
}

fn is_web_page(text: &str) -> bool {
    let is_plain = text.len() <= MAX_URL_BYTES && !text.chars().any(|c| c.is_control() || c == ' ');
    let is_web = |url: Url| {
        url.scheme() == "https"
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
    };
    is_plain && Url::parse(text).is_ok_and(is_web)
}

/// A well-formed tag (RFC 5646 §2.2.9) whose language has a code: `English` is well-formed too, and
/// longer codes were never given.
fn is_locale(text: &str) -> bool {
    let is_coded = |tag: LanguageTag<&str>| (2..=3).contains(&tag.primary_language().len());
    text.len() <= MAX_WORD_CHARS && LanguageTag::parse(text).is_ok_and(is_coded)
}

/// `YYYY-MM-DD`, with year 0000 if that is nobody's business, or `YYYY`.
fn is_birthdate(text: &str, today: NaiveDate) -> bool {
    let is_digits =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<_> = text.split('-').collect();
    match parts[..] {
        [year] => {
            is_digits(year, 4)
                && year.parse().is_ok_and(|year| (1800..=today.year()).contains(&year))
        }
        [year, month, day] if is_digits(year, 4) && is_digits(month, 2) && is_digits(day, 2) => {
            // a leap year, so that every birthday there is exists in it
            let (year, is_known) = if year == "0000" { ("2000", false) } else { (year, true) };
            let date = NaiveDate::parse_from_str(&format!("{year}-{month}-{day}"), "%Y-%m-%d");
            date.is_ok_and(|date| !is_known || (date.year() >= 1800 && date <= today))
        }
        _ => false,
    }
}

fn is_phone_number(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('+') else { return false };
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    let is_grouping =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'(' | b')' | b'.');
    rest.len() <= 30
        && rest.bytes().all(is_grouping)
        && PHONE_DIGITS.contains(&digits)
        && rest.bytes().find(u8::is_ascii_digit) != Some(b'0')
}

/// Writes down what a user says about themselves.
///
/// # Errors
/// When the database fails.
pub async fn save(
    app: &App,
    user: &user::Model,
    name: &str,
    typed: Profile,
) -> Result<Checked<()>, Fault> {
    let now = app.now();
    let name = Some(name.trim()).filter(|name| !name.is_empty());
    let mut problems: Vec<_> = name.and_then(name_problem).into_iter().collect();
    problems.extend(typed.problems(now.date_naive()));
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let profile = merged(Profile::of(user), typed, now);
    let claims = serde_json::to_value(profile)
        .map_err(|error| Fault::internal(format!("a profile is not JSON: {error}")))?;
    let txn = app.store.begin().await?;
    store::users::set_profile(&txn, user.id, name, claims).await?;
    let target = Target::new("user", user.id);
    audit::record(app, &txn, Event::new("user.change_profile", Actor::User(user.id), target))
        .await?;
    txn.commit().await?;
    Ok(Ok(()))
}

/// A number that somebody has made sure of is the user's until it is another one.
fn merged(present: Profile, typed: Profile, now: DateTime<Utc>) -> Profile {
    let is_same = typed.phone_number == present.phone_number;
    let phone_number_verified =
        typed.phone_number.as_ref().map(|_| is_same && present.phone_number_verified == Some(true));
    Profile {
        phone_number_verified,
        updated_at: Some(now.timestamp()),
        further: present.further,
        ..typed
    }
}

#[cfg(test)]
mod tests;
