//! Mail: what letters say and how they leave. The queue between the two is the outbox job's.

pub mod letters;
mod mailer;
mod smtp;

pub use self::{
    letters::{LeakedKind, Letter, LetterKind, SecurityChange},
    mailer::{MailError, Mailer, Recipient},
};
