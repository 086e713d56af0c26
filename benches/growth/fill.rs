//! Millions of sessions, written into the database as the server would have written them: every
//! session is a copy of one of the server's own, with keys and tokens of its own, and a few of them
//! each belong to a user who is a copy too.

use std::fmt::Write;

use bench_support::Result;

use crate::{
    database::{ACCESS, FAMILY, Session},
    planted::Planted,
};

/// Sessions that a user has under the one grant, where users come with them.
const OF_A_USER: usize = 10;
/// What a user has, in the order of what needs what.
const PEOPLE: [&str; 3] = ["user", "member", "grant"];

/// Planted sessions that one statement takes: a command line has its bounds.
const AT_ONCE: usize = 400;

/// Sessions that are about to be written.
#[derive(Clone, Copy)]
pub(crate) struct Copies<'a> {
    /// How many.
    pub(crate) count: usize,
    /// Whose they are, in turns.
    pub(crate) users: usize,
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

/// How many users so many sessions belong to.
pub(crate) fn users_of(sessions: usize) -> usize {
    sessions.div_ceil(OF_A_USER)
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
             create table template_grant as \
             select family.place, \"grant\".* from \"grant\" \
             join template_{FAMILY} as family on family.grant_id = \"grant\".id; \
             create table template_user as \
             select allowed.place, \"user\".* from \"user\" \
             join template_grant as allowed on allowed.user_id = \"user\".id; \
             create table template_member as \
             select allowed.place, member.* from member \
             join template_grant as allowed on allowed.user_id = member.user_id \
             and allowed.workspace_id = member.workspace_id; \
             create table planted (n bigint primary key, family_id bigint, \
             refresh_sha256 {0}, access_sha256 {0}); \
             create table numbered (n bigint primary key, family_id bigint); \
             create table people (p bigint primary key, user_id {1}, grant_id {1})",
            if session.is_sqlite() { "blob" } else { "bytea" },
            if session.is_sqlite() { "blob" } else { "uuid" }
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
        self.name(copies.users)?;
        if !self.session.is_sqlite() {
            // or it would walk through all people for each number, whom it believes to be nobody
            self.session.run("analyze")?;
        }
        for table in PEOPLE.into_iter().chain([FAMILY, ACCESS]) {
            self.session.run(&self.statement(table, copies)?)?;
        }
        self.session.run("delete from planted; delete from numbered; delete from people")
    }

    /// Leaves the database as a server would have left it.
    pub(crate) fn finish(self) -> Result<()> {
        for table in PEOPLE.into_iter().chain([FAMILY, ACCESS]) {
            self.session.run(&format!("drop table template_{table}"))?;
        }
        self.session.run("drop table planted; drop table numbered; drop table people")?;
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
        Ok(())
    }

    /// Gives every copy the id of its family.
    fn number(&self, count: usize) -> Result<()> {
        let numbers = self.numbers(count);
        let id = planted("family_id", self.random_id());
        self.session.run(&format!(
            "insert into numbered select numbers.n, {id} from {numbers} \
             left join planted on planted.n = numbers.n"
        ))
    }

    /// Gives every user their ids.
    fn name(&self, count: usize) -> Result<()> {
        let (numbers, id) = (self.numbers(count), self.random_uuid());
        self.session.run(&format!("insert into people select numbers.n, {id}, {id} from {numbers}"))
    }

    /// So many numbers from 0 on, as a table `numbers(n)`.
    fn numbers(&self, count: usize) -> String {
        if self.session.is_sqlite() {
            format!(
                "(with recursive numbers(n) as (select 0 union all select n + 1 from numbers \
                 where n + 1 < {count}) select n from numbers) as numbers"
            )
        } else {
            format!("generate_series(0, {count} - 1) as numbers(n)")
        }
    }

    /// One statement that copies the templates of a table in turn.
    fn statement(&self, table: &str, copies: Copies<'_>) -> Result<String> {
        let (mut names, mut values) = (String::new(), String::new());
        for (place, column) in self.columns(table, copies)?.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(names, "{separator}{}", column.name)?;
            write!(values, "{separator}{}", column.value)?;
        }
        let (templates, users) = (self.templates, copies.users);
        // a cross join keeps the order of the numbers
        Ok(if PEOPLE.contains(&table) {
            format!(
                "insert into \"{table}\" ({names}) select {values} from people \
                 cross join template_{table} as template where template.place = people.p % {templates}"
            )
        } else {
            format!(
                "insert into {table} ({names}) select {values} from numbered \
                 join people on people.p = numbered.n % {users} \
                 cross join template_{table} as template \
                 left join planted on planted.n = numbered.n \
                 where template.place = people.p % {templates}"
            )
        })
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
                ("user", "id") | ("member" | "grant", "user_id") => "people.user_id".to_owned(),
                ("grant", "id") | (FAMILY, "grant_id") => "people.grant_id".to_owned(),
                ("user", "username" | "email") => format!("{} || '@example.com'", self.words()),
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

    /// The id of a user as text.
    fn words(&self) -> &'static str {
        if self.session.is_sqlite() { "lower(hex(people.user_id))" } else { "people.user_id::text" }
    }

    fn random_uuid(&self) -> &'static str {
        if self.session.is_sqlite() { "randomblob(16)" } else { "gen_random_uuid()" }
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
