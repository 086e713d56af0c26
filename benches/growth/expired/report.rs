//! What was seen, for people and for programs.

use bench_support::{machine, median, table::Table};
use serde_json::{Map, Value, json};

use super::{REACH, Seen, TITLES, millis};

/// Of one kind of work before, during and after: milliseconds.
struct Times {
    p50: [f64; 3],
    p99: [f64; 3],
    longest: [f64; 3],
}

impl Times {
    /// How much longer the hundredth that takes longest takes meanwhile.
    fn ratio(&self) -> f64 {
        self.p99[1] / self.p99[0]
    }
}

impl Seen {
    fn times(&self, work: usize) -> Times {
        // the middle of all slices: for a while the disk may have been somebody else's
        let of = |thousandths| {
            self.phases
                .each_ref()
                .map(|slices| median(slices.iter().map(|taken| millis(&taken[work], thousandths))))
        };
        let longest = self.phases.each_ref().map(|slices| {
            slices.iter().map(|taken| millis(&taken[work], 1000)).fold(0.0, f64::max)
        });
        Times { p50: of(500), p99: of(990), longest }
    }

    /// For the document.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&[
            "operation",
            "p50 ms, before",
            "during",
            "after",
            "p99 ms, before",
            "during",
            "after",
            "longest ms, before",
            "during",
            "after",
            "p99, during",
            "reach",
            "met",
        ]);
        for (work, title) in TITLES.iter().enumerate() {
            let times = self.times(work);
            let mut cells = vec![(*title).to_owned()];
            let all = [times.p50, times.p99, times.longest];
            cells.extend(all.iter().flatten().map(|ms| format!("{ms:.2}")));
            cells.push(format!("{:.2} ×", times.ratio()));
            cells.push(format!("≤ {REACH} ×"));
            cells.push(if times.ratio() <= REACH { "yes" } else { "no" }.to_owned());
            table.push(cells);
        }
        table
    }

    /// The same in one line, as drills print theirs: of `rows` rows in a database of this kind.
    pub(super) fn line(&self, is_postgres: bool, rows: usize) -> Value {
        let mut operations = Map::new();
        for (work, title) in TITLES.iter().enumerate() {
            let times = self.times(work);
            let rounded = |ms: [f64; 3]| ms.map(|ms| (ms * 100.0).round() / 100.0);
            let figures = json!({
                "p50_ms": rounded(times.p50),
                "p99_ms": rounded(times.p99),
                "longest_ms": rounded(times.longest),
                "p99_ratio": (times.ratio() * 100.0).round() / 100.0,
            });
            operations.insert((*title).to_owned(), figures);
        }
        json!({
            "benchmark": "growth --expired",
            "database": if is_postgres { "PostgreSQL" } else { "SQLite" },
            "rows": rows,
            "watched": self.watched,
            "first_gone_s": self.noticed.as_secs(),
            "last_gone_s": (self.noticed + self.removed).as_secs(),
            "longest_removal_ms": (self.longest_removal.as_secs_f64() * 1e5).round() / 100.0,
            "before_during_after": operations,
            "machine": machine::description(),
        })
    }
}
