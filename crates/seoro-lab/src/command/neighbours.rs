//! The part of `experiments` whose rows are indexes.

use super::experiments::ExperimentsArgs;
use crate::ann::trade::{TradeJob, TradeRow, curve, curve_name, markdown, merge, results};
use crate::ann::{Collection, Set, Space, Truth};
use crate::cell::Store;
use crate::data::Folders;
use crate::paper::{AnnPaper, AnnRow};
use crate::progress::Progress;
use crate::{LabError, rows, workplace};
use std::path::Path;

/// Measures what is asked for of a paper; vectors that are not at hand are said and passed over, unless they were named.
///
/// # Errors
/// Anything that keeps a table from being made.
#[allow(clippy::print_stdout, clippy::print_stderr)] // a command speaks to its user
pub(super) fn run(paper: &AnnPaper, args: &ExperimentsArgs) -> Result<Vec<TradeRow>, LabError> {
    let folders = Folders::new(args.data.as_deref());
    let mut all = Vec::new();
    let mut last: Option<(Set, Collection)> = None;
    for &space in paper.datasets.keys().filter(|space| args.takes_dataset(space.name())) {
        if let Some(line) = absent(paper, space, &folders, args)? {
            if args.dataset.iter().any(|asked| asked == space.name()) {
                return Err(LabError::Usage(line));
            }
            eprintln!("{line}");
            continue;
        }
        let known = last.take().filter(|(set, _)| *set == space.set());
        let collection = match known {
            Some((_, collection)) => collection,
            None => Collection::open(space.set(), &folders, &|| Err(not_made()))?,
        };
        all.extend(run_space(paper, space, &collection, args)?);
        last = Some((space.set(), collection));
    }
    if all.is_empty() {
        return Ok(all);
    }
    let out = workplace::target().join("experiments");
    write(&out, paper, &all)?;
    if !args.json {
        println!("{}", markdown(paper, &all));
    }
    eprintln!("written: {}", out.join(format!("{}.{{md,json}}, {0}-*.svg", paper.name)).display());
    if args.publish {
        let docs = workplace::root().join("docs/results");
        let old = rows::read(&docs.join(format!("{}.json", paper.name)))?;
        write(&docs, paper, &merge(paper, old, all.clone()))?;
        eprintln!("published: {}", docs.join(format!("{}.{{md,json}}, {0}-*.svg", paper.name)).display());
    }
    Ok(all)
}

/// Word vectors are checked for before they are opened.
fn not_made() -> LabError {
    LabError::Usage("the word vectors are not made yet".to_owned())
}

/// Why some vectors are not searched, in one line; nothing where they are.
fn absent(
    paper: &AnnPaper,
    space: Space,
    folders: &Folders,
    args: &ExperimentsArgs,
) -> Result<Option<String>, LabError> {
    let name = space.name();
    if paper.datasets[&space].full && !args.full && !args.dataset.iter().any(|asked| asked == name) {
        return Ok(Some(format!("{name}: takes long; --full or --dataset {name} includes it")));
    }
    Ok(Collection::missing(space.set(), folders)?.map(|how| format!("{name}: not at hand; {how}")))
}

fn run_space(
    paper: &AnnPaper,
    space: Space,
    collection: &Collection,
    args: &ExperimentsArgs,
) -> Result<Vec<TradeRow>, LabError> {
    let mut store = Store::new(&workplace::target().join("experiments"), args.resume);
    store.committed_only = args.publish;
    let chosen: Vec<&AnnRow> = paper.rows.iter().filter(|row| args.takes_row(&row.name)).collect();
    let progress = Progress::new(chosen.len(), &format!("{} {}", paper.name, space.name()));
    progress.say("exact neighbours");
    let truth = Truth::of_all(collection, space.metric())?;
    let queries = collection.queries();
    let mut all = Vec::new();
    for row in chosen {
        progress.say(&row.name);
        if let Some(recipe) = row.recipe(space) {
            let job = TradeJob {
                row,
                recipe,
                space,
                usage: &paper.datasets[&space],
                collection,
                queries: &queries,
                truth: &truth,
                threads: args.threads,
            };
            let cell = job.run(&store, &|what| progress.detail(&what))?;
            all.extend(results(paper, row, space, &cell));
        }
        progress.step();
    }
    Ok(all)
}

/// Writes tables, results and curves.
fn write(folder: &Path, paper: &AnnPaper, all: &[TradeRow]) -> Result<(), LabError> {
    rows::write(&folder.join(format!("{}.json", paper.name)), all)?;
    workplace::write_whole(&folder.join(format!("{}.md", paper.name)), markdown(paper, all).as_bytes())?;
    for space in paper.datasets.keys() {
        if let Some(picture) = curve(paper, space.name(), all) {
            workplace::write_whole(&folder.join(curve_name(paper, space.name())), picture.as_bytes())?;
        }
    }
    Ok(())
}
