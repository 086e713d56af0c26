//! Millions of sessions, written into the database as the server would have written them: every
//! session is a copy of one of the server's own, with keys and tokens of its own.

use std::fmt::Write;

use bench_support::Result;

use crate::{
    database::{ACCESS, FAMILY, Session},
    planted::Planted,
};

/// Planted sessions that one statement takes: a command line has its bounds.
const AT_ONCE: usize = 400;

/// Sessions that are about to be written.
#[derive(Clone, Copy)]
pub(crate) struct Copies<'a> {
    /// How many.
    pub(crate) count: usize,
    /// When their access tokens end, in milliseconds since 1970.
    pub(crate) access_ends_at: i64,
    /// When all else of them ends; `None` for as late as the server's own.
    pub(crate) ends_at: Option<i64>,
    /// Those among them whose tokens are known, evenly spread.
    pub(crate) planted: &'a [Planted],
}

/// Who writes them.
pub(crate) struct Filler<'a> {
    session: &'a Session<'a>,
    templates: u64,
}

struct Column {
    name: String,
    value: String,
}

impl<'a> Filler<'a> {
    /// Takes the sessions that users have as templates.
    pub(crate) fn new(session: &'a Session<'a>) -> Result<Self> {
        session.run(&format!(
            "create table template_{FAMILY} as \
             select row_number() over (order by id) - 1 as place, {FAMILY}.* from {FAMILY} \
             where grant_id is not null; \
             create table template_{ACCESS} as \
             select family.place, {ACCESS}.* from {ACCESS} \
             join template_{FAMILY} as family on family.id = {ACCESS}.family_id \
             and family.generation = {ACCESS}.generation; \
             create table planted (n bigint primary key, family_id bigint, \
             refresh_sha256 {0}, access_sha256 {0}); \
             create table numbered (n bigint primary key, family_id bigint)",
            if session.is_sqlite() { "blob" } else { "bytea" }
        ))?;
        let templates = session.number(&format!("select count(*) from template_{FAMILY}"))?;
        if templates == 0 {
            return Err("nobody has signed in".into());
        }
        Ok(Self { session, templates })
    }

    /// Writes sessions.
    pub(crate) fn write(&self, copies: Copies<'_>) -> Result<()> {
        self.plant(copies)?;
        self.number(copies.count)?;
        for table in [FAMILY, ACCESS] {
            self.session.run(&self.statement(table, copies)?)?;
        }
        self.session.run("delete from planted; delete from numbered")
    }

    /// Leaves the database as a server would have left it.
    pub(crate) fn finish(self) -> Result<()> {
        self.session.run(&format!(
            "drop table template_{FAMILY}; drop table template_{ACCESS}; drop table planted; \
             drop table numbered"
        ))?;
        if !self.session.is_sqlite() {
            self.session.texts("vacuum (analyze)")?;
            self.session.texts("checkpoint")?;
        }
        Ok(())
    }

    fn plant(&self, Copies { count, planted, .. }: Copies<'_>) -> Result<()> {
        let apart = count / planted.len().max(1);
        let numbered: Vec<_> = planted.iter().enumerate().collect();
        for chunk in numbered.chunks(AT_ONCE) {
            let mut sql = "insert into planted values ".to_owned();
            for (place, (number, session)) in chunk.iter().enumerate() {
                let separator = if place == 0 { "" } else { ", " };
                let (refresh, access) = (
                    self.session.blob(&session.refresh.sha256),
                    self.session.blob(&session.access.sha256),
                );
                let (n, family_id) = (number * apart, session.family_id);
                write!(sql, "{separator}({n}, {family_id}, {refresh}, {access})")?;
            }
            self.session.run(&sql)?;
        }
        if !self.session.is_sqlite() {
            self.session.run("analyze")?;
        }
        Ok(())
    }

    /// Gives every copy the id of its family.
    fn number(&self, count: usize) -> Result<()> {
        let numbers = if self.session.is_sqlite() {
            format!(
                "(with recursive numbers(n) as (select 0 union all select n + 1 from numbers \
                 where n + 1 < {count}) select n from numbers) as numbers"
            )
        } else {
            format!("generate_series(0, {count} - 1) as numbers(n)")
        };
        let id = planted("family_id", self.random_id());
        self.session.run(&format!(
            "insert into numbered select numbers.n, {id} from {numbers} \
             left join planted on planted.n = numbers.n"
        ))
    }

    /// One statement that copies the templates of a table in turn.
    fn statement(&self, table: &str, copies: Copies<'_>) -> Result<String> {
        let (mut names, mut values) = (String::new(), String::new());
        for (place, column) in self.columns(table, copies)?.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(names, "{separator}{}", column.name)?;
            write!(values, "{separator}{}", column.value)?;
        }
        // a cross join keeps the order of the numbers
        Ok(format!(
            "insert into {table} ({names}) select {values} from numbered \
             cross join template_{table} as template \
             left join planted on planted.n = numbered.n \
             where template.place = numbered.n % {}",
            self.templates
        ))
    }

    /// The columns of a table, and what a copy has there.
    fn columns(&self, table: &str, copies: Copies<'_>) -> Result<Vec<Column>> {
        let names = self.session.texts(&if self.session.is_sqlite() {
            format!("select name from pragma_table_info('{table}')")
        } else {
            format!(
                "select column_name from information_schema.columns \
                 where table_schema = current_schema() and table_name = '{table}' \
                 order by ordinal_position"
            )
        })?;
        let column = |name: String| {
            let value = match (table, name.as_str()) {
                (FAMILY, "id") | (ACCESS, "family_id") => "numbered.family_id".to_owned(),
                (FAMILY, "parent_sha256") => self.digest(FAMILY),
                (FAMILY, "refresh_sha256") => planted("refresh_sha256", &self.digest(FAMILY)),
                (ACCESS, "token_sha256") => planted("access_sha256", &self.digest(ACCESS)),
                (ACCESS, "expires_at") => copies.access_ends_at.to_string(),
                (FAMILY, "expires_at" | "refresh_expires_at" | "ends_at") => {
                    copies.ends_at.map_or_else(|| format!("template.{name}"), |it| it.to_string())
                }
                _ => format!("template.{name}"),
            };
            Column { name, value }
        };
        Ok(names.into_iter().map(column).collect())
    }

    fn random_id(&self) -> &'static str {
        if self.session.is_sqlite() {
            "(random() & 9223372036854775807)"
        } else {
            "(('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint \
             & 9223372036854775807)"
        }
    }

    /// A digest of nothing in particular.
    fn digest(&self, table: &str) -> String {
        if self.session.is_sqlite() {
            "randomblob(32)".to_owned()
        } else {
            format!("sha256(('{table} ' || gen_random_uuid())::bytea)")
        }
    }
}

fn planted(column: &str, otherwise: &str) -> String {
    format!("coalesce(planted.{column}, {otherwise})")
}
