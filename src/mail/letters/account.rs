//! Letters to people about their own account.

use chrono::{DateTime, Utc};

use super::{Action, Words, hours, moment, one_line};

pub(super) fn password_reset(link: &str, minutes: u32) -> Words {
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    Words {
        subject: "Reset your password".into(),
        paragraphs: vec![
            "Somebody, probably you, asked for a new password for your account.".to_owned(),
            format!("The link below works once, for {minutes} {unit}."),
        ],
        action: Some(Action { words: "Choose a new password", href: link.to_owned() }),
        closing: "If it was not you, do nothing: your password stays as it is.",
    }
}

pub(super) fn password_changed(at: DateTime<Utc>, issuer: &str) -> Words {
    Words {
        subject: "Your password was changed".into(),
        paragraphs: vec![format!("The password of your account was changed on {}.", moment(at))],
        action: Some(Action {
            words: "If it was not you, set a new password now",
            href: format!("{issuer}/forgot-password"),
        }),
        closing: "If it was you, there is nothing to do.",
    }
}

pub(super) fn confirm_sign_up(link: &str, valid_hours: u32, brand: &str) -> Words {
    Words {
        subject: "Confirm your email address".into(),
        paragraphs: vec![
            format!("Somebody, probably you, asked for an account at {brand} with this address."),
            format!(
                "The account is made when you follow the link and confirm. It works once, for {}.",
                hours(valid_hours)
            ),
        ],
        action: Some(Action { words: "Confirm the address", href: link.to_owned() }),
        closing: "If it was not you, do nothing: without your confirmation there is no account.",
    }
}

pub(super) fn already_registered(link: &str, minutes: Option<u32>, brand: &str) -> Words {
    let words = match minutes {
        Some(_) => "Choose a new password",
        None => "Sign in",
    };
    let mut paragraphs = vec![format!(
        "Somebody, probably you, asked for an account at {brand} with this address. You already \
         have one: sign in with this address and your password."
    )];
    if let Some(minutes) = minutes {
        paragraphs.push(format!(
            "If you do not know the password any more, the link below sets a new one. It works \
             once, for {minutes} minutes."
        ));
    }
    Words {
        subject: "You already have an account".into(),
        paragraphs,
        action: Some(Action { words, href: link.to_owned() }),
        closing: "If it was not you, do nothing: your account stays as it is.",
    }
}

pub(super) fn verify_email(link: &str, valid_hours: u32, brand: &str) -> Words {
    Words {
        subject: "Confirm your email address".into(),
        paragraphs: vec![
            format!("Confirm that this is the address of your account at {brand}."),
            format!("The link below works once, for {}.", hours(valid_hours)),
        ],
        action: Some(Action { words: "Confirm the address", href: link.to_owned() }),
        closing: "If you have no account there, do nothing.",
    }
}

pub(super) fn confirm_new_email(link: &str, valid_hours: u32, brand: &str) -> Words {
    Words {
        subject: "Confirm your new email address".into(),
        paragraphs: vec![
            format!("Somebody, probably you, wants to use this address for an account at {brand}."),
            format!(
                "The account moves to it when you follow the link and confirm. The link works \
                 once, for {}.",
                hours(valid_hours)
            ),
        ],
        action: Some(Action { words: "Use this address", href: link.to_owned() }),
        closing: "If it was not you, do nothing: the account keeps the address that it has.",
    }
}

pub(super) fn new_email_taken(brand: &str) -> Words {
    Words {
        subject: "This address has an account already".into(),
        paragraphs: vec![
            format!(
                "Somebody, probably you, wants to move another account at {brand} to this address."
            ),
            "An account with this address exists already, and an address can have only one: \
             nothing was changed."
                .to_owned(),
        ],
        action: None,
        closing: "If it was not you, do nothing.",
    }
}

pub(super) fn email_changed(at: DateTime<Utc>, link: &str, days: u32, brand: &str) -> Words {
    Words {
        subject: "Your email address was changed".into(),
        paragraphs: vec![
            format!(
                "On {} your account at {brand} moved from this address to another one. Letters \
                 go there from now on.",
                moment(at)
            ),
            format!(
                "If it was not you, take the account back: the link below restores this address, \
                 signs everybody out and asks for a new password. It works once, for {days} days."
            ),
        ],
        action: Some(Action { words: "Take the account back", href: link.to_owned() }),
        closing: "If it was you, there is nothing to do.",
    }
}

pub(super) fn new_sign_in(
    (device, address): (&str, &str),
    at: DateTime<Utc>,
    issuer: &str,
) -> Words {
    Words {
        subject: "New sign-in to your account".into(),
        paragraphs: vec![
            "Somebody, hopefully you, signed in from a device that we have not seen before:"
                .to_owned(),
            format!("{}, from the address {address}, on {}.", one_line(device), moment(at)),
            "If it was not you, change your password now. That signs everybody out.".to_owned(),
        ],
        action: Some(Action {
            words: "See where you are signed in",
            href: format!("{issuer}/settings/sessions"),
        }),
        closing: "If it was you, there is nothing to do.",
    }
}
