//! The first part: few sessions and many.

use bench_support::{
    Result,
    cpu::Bystander,
    drive::{Measured, count},
    machine, median,
    table::Table,
};

use crate::{
    Arguments,
    fill::users_of,
    site::{Contents, Site, Work},
};

/// The most that many may cost, in multiples of what few do.
const REACH: f64 = 1.10;

/// Both servers, the one with few sessions first.
type Pair<T> = [T; 2];

/// Measures, and answers what the document is to say.
pub(crate) async fn run(arguments: &Arguments, is_postgres: bool) -> Result<String> {
    let counts = [arguments.few, arguments.many];
    let [few, many] = counts;
    let planted = (Work::Unknown.operations() + arguments.connections) * arguments.rounds;
    let mut sites = Vec::new();
    for live in counts {
        eprintln!("{live} sessions");
        let users = users_of(if arguments.users { live } else { few });
        let contents = Contents { live, users, planted: planted.min(live), dying: None };
        sites.push(Site::with(contents, is_postgres, arguments.connections).await?);
    }
    let mut sites: Pair<Site> = sites.try_into().map_err(|_| "two servers were to be made")?;
    let (mut pairs, mut others): ([Vec<Pair<Measured>>; 3], _) = Default::default();
    for round in 1..=arguments.rounds {
        let [few, many] = sites;
        sites = [few.restarted().await?, many.restarted().await?];
        let bystander = beside(&sites)?;
        for (work, pairs) in Work::ALL.into_iter().zip(&mut pairs) {
            pairs.push(pair(&mut sites, work, round).await?);
        }
        others = f64::max(others, bystander.percent()?);
    }
    let mut operations = operations_table();
    for (work, pairs) in Work::ALL.into_iter().zip(&pairs) {
        operations.push(row(work, pairs));
    }
    let stored = stored_table(&sites, counts);
    let about = format!(
        "{}, {few} and {many} access tokens and as many families{}, {} connections, medians of {} \
         rounds with a process each, while other programs used up to {others:.0} % of the processors; {}.",
        sites[0].database.title(),
        if arguments.users {
            format!(" of {} and {} users", users_of(few), users_of(many))
        } else {
            format!(" of the same {} users", users_of(few))
        },
        arguments.connections,
        arguments.rounds,
        machine::description(),
    );
    for site in sites {
        site.stop().await?;
    }
    Ok(format!("{about}\n\n{}\n{}", operations.markdown(), stored.markdown()))
}

fn beside(sites: &Pair<Site>) -> Result<Bystander> {
    let mut own = sites[0].meter();
    let other = sites[1].meter();
    own.processes.extend(other.processes);
    own.processes.push(std::process::id());
    own.clusters.extend(other.clusters);
    Bystander::beside(own)
}

/// Both servers in turns, each as often the first as the second: what disturbs the machine for a
/// while disturbs both.
async fn pair(sites: &mut Pair<Site>, work: Work, round: usize) -> Result<Pair<Measured>> {
    let [few, many] = sites;
    let pair = if round.is_multiple_of(2) {
        let first = few.measure(work).await?;
        [first, many.measure(work).await?]
    } else {
        let first = many.measure(work).await?;
        [few.measure(work).await?, first]
    };
    let [few, many] = pair.each_ref().map(Measured::cpu_per_thousand);
    eprintln!("round {round}: {}: {few:.4} and {many:.4} CPU s / 1,000", work.title());
    Ok(pair)
}

fn operations_table() -> Table {
    Table::new(&[
        "operation",
        "CPU s / 1,000, few",
        "many",
        "ratio",
        "p50 ms, few",
        "many",
        "p99 ms, few",
        "many",
        "reach",
        "met",
    ])
}

fn row(work: Work, pairs: &[Pair<Measured>]) -> Vec<String> {
    let of = |figure: &dyn Fn(&Measured) -> f64| {
        [0, 1].map(|site| median(pairs.iter().map(|pair| figure(&pair[site]))))
    };
    let quantile = |thousandths| {
        of(&|measured| measured.latencies.quantile(thousandths).as_secs_f64() * 1e3)
            .map(|ms| format!("{ms:.2}"))
    };
    let [few, many] = of(&Measured::cpu_per_thousand);
    let ratio =
        median(pairs.iter().map(|[few, many]| many.cpu_per_thousand() / few.cpu_per_thousand()));
    let ([few_p50, many_p50], [few_p99, many_p99]) = (quantile(500), quantile(990));
    vec![
        work.title().to_owned(),
        format!("{few:.4}"),
        format!("{many:.4}"),
        format!("{ratio:.2} ×"),
        few_p50,
        many_p50,
        few_p99,
        many_p99,
        format!("≤ {REACH:.2} ×"),
        if ratio <= REACH { "yes" } else { "no" }.to_owned(),
    ]
}

fn stored_table(sites: &Pair<Site>, counts: Pair<usize>) -> Table {
    let mut table = Table::new(&["stored, indices included", "few", "many", "reach", "met"]);
    let each = |kind: usize| {
        [0, 1].map(|site: usize| sites[site].filled.bytes[kind].div_ceil(counts[site] as u64))
    };
    let [few, many] = each(0);
    let is_met = if few.max(many) <= 220 { "yes" } else { "no" };
    let bytes = |bytes: u64| format!("{bytes} bytes");
    let cells = |title: &str, [few, many]: [String; 2], reach: &str, met: &str| {
        vec![title.to_owned(), few, many, reach.to_owned(), met.to_owned()]
    };
    table.push(cells("an access token", [bytes(few), bytes(many)], "≤ 220 bytes", is_met));
    table.push(cells("its family", each(1).map(bytes), "", ""));
    let filled = sites.each_ref().map(|site| format!("{:.1} s", site.filled.time.as_secs_f64()));
    table.push(cells("time to write all of them", filled, "", ""));
    let rates = [0, 1].map(|site: usize| {
        format!("{:.0}", count(counts[site]) / sites[site].filled.time.as_secs_f64())
    });
    table.push(cells("sessions written in a second", rates, "", ""));
    table
}
