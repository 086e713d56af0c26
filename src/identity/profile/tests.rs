//! What a profile may say, and how it is stored.

use serde_json::json;

use super::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 3, 5).unwrap()
}

fn accepts(kind: Kind, text: &str) -> bool {
    kind.problem(text, today()).is_none()
}

#[test]
fn a_birthdate_is_a_day_or_a_year_that_was() {
    for good in ["1985-12-10", "1985", "0000-02-29", "2027-03-05", "2024-02-29"] {
        assert!(accepts(Kind::Birthdate, good), "{good}");
    }
    for bad in [
        "",
        "1985-13-10",
        "1985-2-1",
        "2023-02-29",
        "2027-03-06",
        "2028",
        "85",
        "1985-12",
        "10.12.1985",
        "0000",
        "1700-01-01",
    ] {
        assert!(!accepts(Kind::Birthdate, bad), "{bad}");
    }
}

#[test]
fn a_zone_is_one_of_the_tz_database() {
    for good in ["Europe/London", "America/Argentina/Buenos_Aires", "UTC", "Asia/Kolkata"] {
        assert!(accepts(Kind::Zone, good), "{good}");
    }
    for bad in ["", "London", "europe/london", "GMT+25", "Europe/London "] {
        assert!(!accepts(Kind::Zone, bad), "{bad}");
    }
}

#[test]
fn a_locale_is_a_language_tag() {
    for good in ["en", "en-GB", "zh-Hant-TW", "de-CH-1996"] {
        assert!(accepts(Kind::Locale, good), "{good}");
    }
    for bad in ["", "English", "english language", "en--GB", "e", "en-", "<b>"] {
        assert!(!accepts(Kind::Locale, bad), "{bad}");
    }
}

#[test]
fn a_phone_number_begins_with_a_country() {
    for good in ["+442079460000", "+44 20 7946 0000", "+1 (425) 555-1212", "+49.30.123456"] {
        assert!(accepts(Kind::Phone, good), "{good}");
    }
    for bad in [
        "",
        "020 7946 0000",
        "+",
        "+123456",
        "+0123456789",
        "+1234567890123456",
        "+44 x",
        "+44;ext=1",
    ] {
        assert!(!accepts(Kind::Phone, bad), "{bad}");
    }
}

#[test]
fn pages_are_reached_by_https() {
    for good in ["https://ada.example", "https://ada.example/me?x=1"] {
        assert!(accepts(Kind::Url, good), "{good}");
    }
    for bad in [
        "http://ada.example",
        "javascript:alert(1)",
        "https://",
        "https://u:p@ada.example",
        "https://ada.example/a b",
        "ada.example",
        &format!("https://ada.example/{}", "x".repeat(1000)),
    ] {
        assert!(!accepts(Kind::Url, bad), "{bad}");
    }
}

#[test]
fn words_are_short_and_readable() {
    assert!(accepts(Kind::Line, &"\u{e9}".repeat(120)));
    assert!(!accepts(Kind::Line, &"x".repeat(121)));
    assert!(!accepts(Kind::Line, "a\nb"));
    assert!(accepts(Kind::Lines, "a\nb"));
    assert!(!accepts(Kind::Lines, "a\u{7f}b"));
    assert!(!accepts(Kind::Lines, &"x".repeat(501)));
}

#[test]
fn claims_that_are_not_known_are_absent() {
    let typed = Profile::typed(|field| match field {
        "given_name" => Some("  Ada "),
        "locale" => Some("en_GB"),
        "street_address" => Some("1 Street\r\nHouse"),
        "nickname" => Some("  "),
        _ => None,
    });

    assert_eq!(
        serde_json::to_value(&typed).unwrap(),
        json!({
            "given_name": "Ada",
            "locale": "en-GB",
            "address": { "street_address": "1 Street\nHouse" },
        })
    );
    assert_eq!((typed.text("given_name"), typed.text("country")), ("Ada", ""));
}

#[test]
fn what_an_administrator_has_put_there_stays() {
    let present: Profile = serde_json::from_value(json!({
        "phone_number": "+44 20 7946 0000",
        "phone_number_verified": true,
        "department": "R&D",
    }))
    .unwrap();
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let typed = |phone: Option<&'static str>| {
        Profile::typed(|field| phone.filter(|_| field == "phone_number"))
    };

    let same = merged(present.clone(), typed(Some("+44 20 7946 0000")), now);
    assert_eq!(same.phone_number_verified, Some(true));
    assert_eq!(same.further.get("department"), Some(&json!("R&D")));
    assert_eq!(same.updated_at, Some(1_800_000_000));
    let other = merged(present.clone(), typed(Some("+44 20 7946 0001")), now);
    assert_eq!(other.phone_number_verified, Some(false));
    assert_eq!(merged(present, typed(None), now).phone_number_verified, None);
}
