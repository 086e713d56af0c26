//! The letters that the server has sent: files in its data directory.

use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey::jobs;

use super::World;

/// A letter as its reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// To whom it was sent.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its plain-text part.
    pub text: String,
}

impl World {
    /// Lets the server deliver what is due and takes every letter out of the mailbox.
    pub async fn take_mail(&self) -> Vec<Letter> {
        jobs::deliver::run_once(&self.app).await.unwrap();
        let files = fs::read_dir(self.data_dir().join("mail")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let is_letter = |path: &std::path::PathBuf| path.extension().is_some_and(|it| it == "eml");
        let take = |path| {
            let letter = Letter::parse(&fs::read_to_string(&path).unwrap());
            fs::remove_file(path).unwrap();
            letter
        };
        let mut letters: Vec<_> = files.filter(is_letter).map(take).collect();
        letters.sort_by(|one, other| one.to.cmp(&other.to));
        letters
    }
}

impl World {
    /// How many letters there are, taken out of the mailbox; it may never have been used.
    pub async fn take_mail_if_any(&self) -> usize {
        fs::create_dir_all(self.data_dir().join("mail")).unwrap();
        self.take_mail().await.len()
    }
}

impl Letter {
    /// A letter as it was sent.
    pub fn parse(source: &str) -> Self {
        let (head, body) = source.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().to_owned()
        };
        Self { to: header("To:"), subject: header("Subject:"), text: plain_text(body) }
    }

    /// The first link in it.
    #[track_caller]
    pub fn link(&self) -> &str {
        let mut words = self.text.split_whitespace();
        words.find(|word| word.starts_with("http")).expect("a link")
    }
}

/// The text/plain part of a multipart body, decoded.
fn plain_text(body: &str) -> String {
    let start = body.find("Content-Type: text/plain").unwrap();
    // a line that only begins like one that ends the part is the signature's
    let boundary = body[..start].lines().rev().find(|line| line.starts_with("--")).unwrap();
    let (head, rest) = body[start..].split_once("\r\n\r\n").unwrap();
    let text = rest.split(&format!("\r\n{boundary}")).next().unwrap();
    let encoding = head.lines().find_map(|it| it.strip_prefix("Content-Transfer-Encoding:"));
    match encoding.unwrap_or_default().trim() {
        "base64" => {
            let digits: String = text.split_whitespace().collect();
            String::from_utf8(STANDARD.decode(digits).unwrap()).unwrap()
        }
        "quoted-printable" => quoted_printable(text),
        _ => text.to_owned(),
    }
}

/// RFC 2045 §6.7.
fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'=' {
            let digits = str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}
