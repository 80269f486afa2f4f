//! A paper's table on one data set: its cells fitted or found, and the rows that they make.

use super::experiments::ExperimentsArgs;
use super::pictures::Pictured;
use super::workers::{self, Unit};
use crate::cell::{Job, Store};
use crate::compare::Comparison;
use crate::data::Data;
use crate::measure::Measure;
use crate::paper::{DatasetUse, Paper, Part, Protocol, Row};
use crate::progress::Progress;
use crate::table::{self, ResultRow, RowCells};
use crate::task::Tasks;
use crate::{LabError, rows, workplace};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

/// The rows asked for on a data set; what pictures show of them is added to `pictured`.
pub(super) fn run_dataset(
    paper: &Paper,
    data: &Data,
    args: &ExperimentsArgs,
    pictured: &mut Pictured,
) -> Result<Vec<ResultRow>, LabError> {
    let usage = &paper.datasets[&data.name];
    let parts = args.parts();
    let mut store = Store::new(&workplace::target().join("experiments"), args.resume);
    store.committed_only = args.publish;
    let tasks = parts.iter().map(|&part| (part, Tasks::new(data, usage, paper.protocol(part)))).collect();
    let rows = chosen_rows(paper, data, args);
    if args.publish && args.fill.is_none() {
        let published: Vec<ResultRow> =
            rows::read(&workplace::root().join(format!("docs/results/{}.json", paper.name)))?;
        for (row, &part) in rows.iter().flat_map(|row| parts.iter().map(move |part| (row, part))) {
            let seeds = seeds(row, usage, paper.protocol(part), args) as usize;
            table::check_seeds(&published, &row.name, &data.name, part, seeds)?;
        }
    }
    say_how_long(paper, data, &rows, args);
    let scene = Scene { paper, data, usage, tasks, args };
    if args.jobs.get() > 1 {
        workers::fill(scene.missing(&rows, &store)?, paper, &data.name, args)?;
        store.resume = true;
    }
    scene.results(&rows, &store, pictured)
}

/// A paper's table on a data set, about to be computed.
struct Scene<'a> {
    paper: &'a Paper,
    data: &'a Data,
    usage: &'a DatasetUse,
    tasks: Vec<(Part, Tasks<'a>)>,
    args: &'a ExperimentsArgs,
}

impl<'a> Scene<'a> {
    fn job(&self, row: &'a Row, part: Part, seed: u64) -> Job<'a> {
        let protocol = self.paper.protocol(part);
        Job { row, data: self.data, usage: self.usage, part, protocol, seed, device: self.args.device }
    }

    /// The seeds of a row in all parts.
    fn seeds(&self, row: &Row) -> RangeInclusive<u64> {
        match self.args.fill {
            Some(seed) => seed..=seed,
            None => 1..=most_seeds(self.paper, row, self.usage, self.args),
        }
    }

    /// Whether a row is asked with `seed` in this part.
    fn has(&self, row: &Row, part: Part, seed: u64) -> bool {
        row.is_in(part) && seed <= seeds(row, self.usage, self.paper.protocol(part), self.args)
    }

    /// What the store does not have yet.
    fn missing(&self, rows: &[&'a Row], store: &Store) -> Result<Vec<Unit<'a>>, LabError> {
        let threads = self.args.threads_of_a_fit();
        let mut missing = Vec::new();
        for &row in rows.iter().filter(|row| !row.is_oracle()) {
            for seed in self.seeds(row) {
                let mut is_missing = false;
                for (part, _) in self.tasks.iter().filter(|(part, _)| self.has(row, *part, seed)) {
                    is_missing |= !self.job(row, *part, seed).is_kept(threads, store)?;
                }
                missing.extend(is_missing.then_some(Unit { row, seed }));
            }
        }
        Ok(missing)
    }

    fn results(
        &self,
        rows: &[&'a Row],
        store: &Store,
        pictured: &mut Pictured,
    ) -> Result<Vec<ResultRow>, LabError> {
        let (paper, dataset) = (self.paper, self.data.name.as_str());
        let progress = Progress::new(rows.len(), &format!("{} {dataset}", paper.name));
        let mut tables: Vec<Vec<RowCells<'_>>> = self.tasks.iter().map(|_| Vec::new()).collect();
        for &row in rows {
            let mut cells: Vec<Vec<_>> = self.tasks.iter().map(|_| Vec::new()).collect();
            for seed in self.seeds(row) {
                progress.say(&format!("{} seed {seed}", row.name));
                for ((part, tasks), cells) in
                    self.tasks.iter().zip(&mut cells).filter(|((part, _), _)| self.has(row, *part, seed))
                {
                    let tell = |what: String| progress.detail(&what);
                    let job = self.job(row, *part, seed);
                    let task = tasks.of(seed)?;
                    cells.push(job.run(&task, self.args.threads_of_a_fit(), store, &tell)?);
                }
            }
            progress.step();
            let of_parts = self.tasks.iter().zip(cells).zip(&mut tables);
            for (((part, _), cells), table) in of_parts.filter(|(((part, _), _), _)| row.is_in(*part)) {
                cells.first().into_iter().for_each(|cell| pictured.add(dataset, row, cell));
                table.push(RowCells { row, dataset, part: *part, cells });
            }
        }
        let of_parts = self.tasks.iter().zip(&tables);
        Ok(of_parts.flat_map(|((part, _), table)| part_results(paper, dataset, *part, table)).collect())
    }
}

/// How many seeds a row is run with under a protocol.
fn seeds(row: &Row, usage: &DatasetUse, protocol: &Protocol, args: &ExperimentsArgs) -> u64 {
    // Who fills a seed's cells was told of this seed alone.
    let filled = args.fill.and_then(|seed| NonZeroUsize::new(seed as usize));
    let asked = filled.or(args.seeds).or((!args.full).then_some(NonZeroUsize::MIN));
    row.seeds_on(usage, protocol, asked) as u64
}

/// How many seeds a row is run with in that part of those asked for where it has the most.
fn most_seeds(paper: &Paper, row: &Row, usage: &DatasetUse, args: &ExperimentsArgs) -> u64 {
    let parts = args.parts().iter().filter(|part| row.is_in(**part));
    parts.map(|&part| seeds(row, usage, paper.protocol(part), args)).max().unwrap_or(0)
}

/// Says what a table took when it was last published, before it starts: nothing where that is less than a minute.
#[allow(clippy::print_stderr)] // a command speaks to its user
fn say_how_long(paper: &Paper, data: &Data, rows: &[&Row], args: &ExperimentsArgs) {
    let path = workplace::root().join(format!("docs/results/{}.json", paper.name));
    // An estimate is no reason to stop: what cannot be read says nothing.
    let published: Vec<ResultRow> = rows::read(&path).unwrap_or_default();
    let seconds = |row: &&Row| {
        let known = published.iter().find(|result| result.dataset == data.name && result.row == row.name)?;
        Some(known.seconds * most_seeds(paper, row, &paper.datasets[&data.name], args) as f64)
    };
    let minutes = rows.iter().filter_map(seconds).sum::<f64>() / 60.0;
    if minutes >= 1.0 {
        eprintln!("{}, {}: the fits took {minutes:.0} minutes when last published", paper.name, data.name);
    }
}

fn chosen_rows<'a>(paper: &'a Paper, data: &Data, args: &ExperimentsArgs) -> Vec<&'a Row> {
    let rows = paper.rows.iter().filter(|row| args.takes_row(&row.name));
    let is_asked = |row: &&Row| args.full || !args.row.is_empty() || !row.minutes.contains_key(&data.name);
    rows.filter(|row| row.is_on(&data.name) && (!row.is_oracle() || data.oracle.is_some()))
        .filter(is_asked)
        .collect()
}

fn part_results(paper: &Paper, dataset: &str, part: Part, table: &[RowCells<'_>]) -> Vec<ResultRow> {
    let protocol = paper.protocol(part);
    let mut rows: Vec<ResultRow> =
        table.iter().flat_map(|cells| cells.results(paper, &protocol.metrics)).collect();
    let is_redrawn = protocol.is_redrawn(&paper.datasets[dataset]);
    let compared = |metric: Measure| Comparison { table, metric, is_redrawn };
    if part == Part::Honest {
        compared(protocol.select).mark_p_values(&mut rows);
    }
    if paper.intervals {
        protocol.metrics.iter().for_each(|&metric| compared(metric).mark_intervals(&mut rows));
        paper
            .orders(dataset, part)
            .for_each(|order| compared(order.metric).mark_order(&order.rows, &mut rows));
    }
    rows
}
