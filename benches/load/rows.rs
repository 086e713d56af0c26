//! The rows of the table: what is done, how often, and what it is compared to.

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    FloorEmpty,
    FloorBody,
    SelectEmpty,
    SelectBody,
    Hash,
    VerifyKey,
    VerifyToken,
    MeKey,
    MeToken,
    VerifyKeyOnce,
    VerifyTokenOnce,
    MeKeyOnce,
    MeTokenOnce,
    Introspect,
    ClientCredentials,
    Refresh,
    Code,
    Password,
}

impl Work {
    /// Its title in tables.
    pub(crate) fn title(self) -> &'static str {
        row_of(self).map_or("", |row| row.title)
    }
}

/// What would be good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach {
    /// It is there to be compared to.
    Reference,
    /// At most so many times what it is compared to.
    Ratio(f64),
    /// The same on SQLite; on PostgreSQL it is only shown.
    RatioOnSqlite(f64),
    /// At most so many CPU seconds for 1,000 operations.
    Cpu(f64),
    /// The same on SQLite, and on PostgreSQL with the database's own processes.
    CpuOn { sqlite: f64, postgres: f64 },
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) work: Work,
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) against: Option<Work>,
    pub(crate) reach: Reach,
    /// In one round.
    pub(crate) operations: usize,
}

const fn row(work: Work, id: &'static str, title: &'static str, operations: usize) -> Row {
    Row { work, id, title, against: None, reach: Reach::Reference, operations }
}

impl Row {
    const fn ratio(self, against: Work, reach: f64) -> Self {
        Self { against: Some(against), reach: Reach::Ratio(reach), ..self }
    }

    const fn ratio_on_sqlite(self, against: Work, reach: f64) -> Self {
        Self { against: Some(against), reach: Reach::RatioOnSqlite(reach), ..self }
    }

    const fn cpu(self, reach: f64) -> Self {
        Self { reach: Reach::Cpu(reach), ..self }
    }

    const fn cpu_on(self, sqlite: f64, postgres: f64) -> Self {
        Self { reach: Reach::CpuOn { sqlite, postgres }, ..self }
    }

    /// Whether it uses API keys that have never been used.
    pub(crate) fn is_key_once(&self) -> bool {
        matches!(self.work, Work::VerifyKeyOnce | Work::MeKeyOnce)
    }

    /// Whether it uses access tokens that have never been used.
    pub(crate) fn is_token_once(&self) -> bool {
        matches!(self.work, Work::VerifyTokenOnce | Work::MeTokenOnce)
    }
}

/// Every row, references first: they are measured before what is compared to them.
pub(crate) const ROWS: [Row; 18] = [
    row(Work::FloorEmpty, "floor-empty", "bare poem handler, no body", 60_000),
    row(Work::FloorBody, "floor-body", "bare poem handler, `me`'s answer size", 60_000),
    row(Work::SelectEmpty, "select-empty", "one bare sea-orm select, no body", 6_000),
    row(Work::SelectBody, "select-body", "one bare sea-orm select, `me`'s size", 6_000),
    row(Work::Hash, "hash", "bare argon2id hash", 60),
    row(Work::VerifyKey, "verify-key", "verify, API key", 30_000).ratio(Work::FloorEmpty, 1.6),
    row(Work::VerifyToken, "verify-token", "verify, access token", 30_000)
        .ratio(Work::FloorEmpty, 1.6),
    row(Work::MeKey, "me-key", "me, API key", 30_000).ratio(Work::FloorBody, 1.6),
    row(Work::MeToken, "me-token", "me, access token", 30_000).ratio(Work::FloorBody, 1.6),
    row(Work::VerifyKeyOnce, "verify-key-once", "verify, API key never used before", 5_000)
        .ratio_on_sqlite(Work::SelectEmpty, 1.3),
    row(Work::VerifyTokenOnce, "verify-token-once", "verify, token never used before", 5_000)
        .ratio_on_sqlite(Work::SelectEmpty, 1.3),
    row(Work::MeKeyOnce, "me-key-once", "me, API key never used before", 5_000)
        .ratio_on_sqlite(Work::SelectBody, 1.3),
    row(Work::MeTokenOnce, "me-token-once", "me, token never used before", 5_000)
        .ratio_on_sqlite(Work::SelectBody, 1.3),
    row(Work::Introspect, "introspect", "introspection, client authenticated", 20_000).cpu(0.03),
    row(Work::ClientCredentials, "client-credentials", "`client_credentials` token", 6_000)
        .cpu(0.15),
    row(Work::Refresh, "refresh", "refresh with rotation", 4_000).cpu_on(0.25, 0.7),
    row(Work::Code, "code", "authorize with a live session, code exchange", 2_000).cpu(0.6),
    row(Work::Password, "password", "password grant", 60).ratio(Work::Hash, 1.05),
];

/// The row of a kind of work.
pub(crate) fn row_of(work: Work) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.work == work)
}
