//! `latchkey admin import-keys`: a file of hashed keys, as CSV or as JSON lines.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::Value;

use super::{Failure, Format, find_workspace, issue::instant};
use crate::{
    app::App,
    audit::Actor,
    cli::output::{self, Record},
    keys::{
        import::{self, Import, ImportedKey, MAX_KEYS},
        scope_list,
    },
    tokens::scopes::Scope,
};

/// More than the file of any product has.
const MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;
/// How many bad lines are named; with more, the file is wrong as a whole.
const MAX_NAMED: usize = 50;

#[derive(Clone, Copy, ValueEnum)]
enum FileFormat {
    Csv,
    Jsonl,
}

/// `import-keys`.
#[derive(Args)]
pub(crate) struct Keys {
    /// The slug of the workspace they are confined to
    #[arg(long, value_name = "SLUG")]
    workspace: String,
    /// How the file is written [default: by its name, .csv or .jsonl]
    #[arg(long = "format", value_enum)]
    file_format: Option<FileFormat>,
    /// CSV with a header line, or JSON lines: sha256 (hex or base64), name, prefix, last4, scopes,
    /// owner, expires, created; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    format: Format,
}

/// A line as it is written; everything is text but the scopes of JSON lines.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Line {
    #[serde(alias = "hash", alias = "key_sha256")]
    sha256: String,
    name: String,
    prefix: String,
    last4: String,
    scopes: Value,
    owner: Option<String>,
    #[serde(alias = "expires_at", alias = "expiresAt")]
    expires: Option<String>,
    #[serde(alias = "created_at", alias = "createdAt")]
    created: Option<String>,
}

/// What is wrong with a line, by number.
type BadLine = (u64, String);

impl Keys {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let workspace = find_workspace(app, &self.workspace).await?;
        let text = read(&self.file)?;
        let lines = match self.file_format()? {
            FileFormat::Csv => of_csv(&text),
            FileFormat::Jsonl => of_json_lines(&text),
        };
        let (mut keys, mut bad) = (Vec::new(), Vec::new());
        for line in lines {
            match line.and_then(|(number, line)| key(number, line)) {
                Ok(key) => keys.push(key),
                Err(problem) => bad.push(problem),
            }
        }
        if keys.len() > MAX_KEYS {
            return Err(Failure::field("file", &format!("must have at most {MAX_KEYS} keys")));
        }
        if !bad.is_empty() {
            return Err(refusal(bad));
        }
        match import::import(app, Actor::Operator, workspace.id, keys).await? {
            Ok(Import::Done(count)) => {
                let record =
                    Record::new().with("workspace", workspace.slug).with("imported", count);
                output::record(record, self.format.json)
            }
            Ok(Import::Invalid(problems)) => {
                let named = problems.into_iter().flat_map(|(line, problems)| {
                    problems
                        .into_iter()
                        .map(move |it| (line, format!("{} {}", it.field, it.message)))
                });
                Err(refusal(named.collect()))
            }
            Err(problem) => Err(vec![problem].into()),
        }
    }

    fn file_format(&self) -> Result<FileFormat, Failure> {
        let by_name = match self.file.extension().and_then(|it| it.to_str()) {
            Some("csv") => Some(FileFormat::Csv),
            Some("jsonl" | "ndjson") => Some(FileFormat::Jsonl),
            _ => None,
        };
        let unknown = || Failure::field("--format", "is required: the file's name does not tell");
        self.file_format.or(by_name).ok_or_else(unknown)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let source: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut text = Vec::new();
    source.take(MAX_FILE_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(Failure::field("file", "is larger than 100 MiB"));
    }
    Ok(text)
}

fn refusal(mut bad: Vec<BadLine>) -> Failure {
    bad.sort();
    let more = bad.len().saturating_sub(MAX_NAMED);
    let named = bad.into_iter().take(MAX_NAMED);
    let mut text: Vec<_> = named.map(|(line, problem)| format!("line {line}: {problem}")).collect();
    if more > 0 {
        text.push(format!("and {more} more"));
    }
    Failure::new(text.join("; ")).because("nothing was imported")
}

fn of_csv(text: &[u8]) -> Vec<Result<(u64, Line), BadLine>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let headers = match reader.byte_headers() {
        Ok(headers) => headers.clone(),
        Err(_) => return vec![Err((1, "is not a CSV header".to_owned()))],
    };
    let lines = reader.byte_records().map(|record| {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            (line, "is not CSV with as many fields as the header".to_owned())
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let read: Result<Line, _> = record.deserialize(Some(&headers));
        read.map(|it| (line, it)).map_err(|_| {
            let message = "has a column that is not known, or text that is not UTF-8";
            (line, message.to_owned())
        })
    });
    lines.collect()
}

fn of_json_lines(text: &[u8]) -> Vec<Result<(u64, Line), BadLine>> {
    let lines = (1..).zip(text.split(|byte| *byte == b'\n'));
    lines
        .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
        .map(|(number, line)| {
            serde_json::from_slice(line)
                .map(|line| (number, line))
                .map_err(|_| (number, "is not a JSON object with the members of a key".to_owned()))
        })
        .collect()
}

fn key(number: u64, line: Line) -> Result<ImportedKey, BadLine> {
    let bad = |problem: &str| (number, problem.to_owned());
    let present = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let time = |name: &str, text: Option<String>| -> Result<Option<DateTime<Utc>>, BadLine> {
        let read = present(text).map(|text| instant(text.trim())).transpose();
        read.map_err(|_| bad(&format!("{name} must be like 2027-01-31T12:00:00Z")))
    };
    Ok(ImportedKey {
        line: number,
        sha256: digest(line.sha256.trim())
            .ok_or_else(|| bad("sha256 must be 32 bytes in hex or base64"))?,
        name: line.name,
        prefix: line.prefix,
        last4: line.last4,
        scopes: scopes(line.scopes)
            .ok_or_else(|| bad("scopes must be scope tokens, or a list of these and objects"))?,
        owner: present(line.owner),
        expires_at: time("expires", line.expires)?,
        created_at: time("created", line.created)?,
    })
}

/// 64 hexadecimal digits, or base64 with either alphabet, padded or not.
fn digest(text: &str) -> Option<Vec<u8>> {
    let hex = || {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
        let pairs = text.as_bytes().chunks(2);
        pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
    };
    let bytes = if text.len() == 64 {
        hex()
    } else {
        [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
            .iter()
            .find_map(|base64| base64.decode(text).ok())
    };
    bytes.filter(|bytes: &Vec<u8>| bytes.len() == 32)
}

/// Text is scope tokens separated by spaces; a list has strings and objects, as the API takes them.
fn scopes(written: Value) -> Option<Scope> {
    match written {
        Value::Null => Some(Scope::default()),
        Value::String(text) => Scope::parse(&text),
        Value::Array(items) => scope_list::read(items),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_is_hex_or_base64() {
        let bytes = digest(HEX).unwrap();
        assert_eq!(bytes.len(), 32);
        for text in [
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
            &*HEX.to_uppercase(),
        ] {
            assert_eq!(digest(text).as_ref(), Some(&bytes), "{text}");
        }
        for text in [
            "",
            "e3b0",
            &HEX[1..],
            "g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ] {
            assert_eq!(digest(text), None, "{text}");
        }
    }

    #[test]
    fn csv_lines_are_counted_as_people_count_them() {
        let text = format!(
            "sha256,name,prefix,last4,scopes,owner,expires\n\
             {HEX},\"two\nlines\",fe_k_ab12,cdef,leads:read leads:write,,2027-01-31\n\
             short,b,fe_k_,cdef,leads:read,,\n"
        );

        let keys: Vec<_> = of_csv(text.as_bytes())
            .into_iter()
            .map(|it| it.and_then(|(n, it)| key(n, it)))
            .collect();

        let first = keys[0].as_ref().unwrap();
        assert_eq!((first.line, first.name.as_str()), (2, "two\nlines"));
        assert_eq!(first.scopes.to_string(), "leads:read leads:write");
        assert_eq!(first.owner, None);
        assert!(first.expires_at.is_some() && first.created_at.is_none());
        assert_eq!(
            keys[1].as_ref().unwrap_err(),
            &(4, "sha256 must be 32 bytes in hex or base64".to_owned())
        );
    }

    #[test]
    fn json_lines_may_have_confined_scopes() {
        let id = "00000000-0000-0000-0000-00000000000a";
        let text = format!(
            "{{\"sha256\":\"{HEX}\",\"scopes\":[\"a:read\",{{\"permission\":\"b\",\"serviceId\":\"{id}\"}}]}}\n\n\
             {{\"sha256\":\"{HEX}\",\"other\":1}}\nnothing\n\
             {{\"sha256\":\"{HEX}\",\"scopes\":[{{\"permission\":\"b\",\"planet\":1}}]}}"
        );

        let keys: Vec<_> = of_json_lines(text.as_bytes())
            .into_iter()
            .map(|it| it.and_then(|(n, it)| key(n, it)))
            .collect();

        let scope = keys[0].as_ref().unwrap().scopes.to_string();
        assert_eq!(scope, format!("a:read b?serviceId={id}"));
        let bad: Vec<_> = keys.iter().filter_map(|it| it.as_ref().err()).map(|it| it.0).collect();
        assert_eq!(bad, [3, 4, 5]);
    }
}
