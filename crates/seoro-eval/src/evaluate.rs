//! The evaluation itself: chunks of cases to scores, scores to ranks, ranks to values.

use crate::catalogue::Catalogue;
use crate::chunks::in_chunks;
use crate::{Case, EvalError, Evaluation, Metric, Options, Ranking};
use seoro_core::score::hidden_items;
use seoro_core::{ItemId, Items, Query, Score, ScoreError, TopK};
use std::ops::Range;

/// The most scores a worker asks for at once beside its top lists, unless a single case needs more: 4 MiB.
const SCORES: usize = 1 << 20;

/// Asks a model every case and measures where the targets stand.
///
/// Cases without candidates are ranked among all items. Where every metric has a cut-off, through [`Score::top_k`] with
/// the largest one; the ranks are exactly those of a full sort under the declared ties, and a case whose top list does
/// not settle them is scored in full. Memory stays bounded by some items per worker, whatever the number of cases.
///
/// ```
/// use seoro_core::{ItemId, Items, OwnHistory, Query, Score, ScoreError};
/// use seoro_eval::{Case, Metric, Options, evaluate};
///
/// /// Prefers items with a low number.
/// struct Lowest;
/// impl Score for Lowest {
///     fn n_items(&self) -> usize {
///         10
///     }
///     fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
///         items.check(queries.len(), 10, out.len())?;
///         let rows: Vec<u32> = match items {
///             Items::All => (0..10).collect(),
///             Items::Range(range) => range.collect(),
///             Items::Lists(lists) => lists.concat().iter().map(|item| item.0).collect(),
///         };
///         out.iter_mut().zip(rows.iter().cycle()).for_each(|(score, &row)| *score = -(row as f32));
///         Ok(())
///     }
/// }
///
/// let query = Query::new(&[ItemId(0)]);
/// let case = Case { query, targets: &[ItemId(2), ItemId(7)], candidates: None };
/// let mut options = Options::new();
/// options.hide = &OwnHistory;
/// let evaluation = evaluate(&Lowest, &[case], &[Metric::Recall(5), Metric::Mrr(5)], &options)?;
/// assert_eq!(evaluation.mean(Metric::Recall(5)), Some(0.5));
/// assert_eq!(evaluation.mean(Metric::Mrr(5)), Some(0.5));
/// # Ok::<(), seoro_eval::EvalError>(())
/// ```
///
/// # Errors
/// [`EvalError`]; of several, that of the first chunk of cases that has one.
pub fn evaluate(
    model: &dyn Score,
    cases: &[Case<'_>],
    metrics: &[Metric],
    options: &Options<'_>,
) -> Result<Evaluation, EvalError> {
    let mut asked: Vec<Metric> = Vec::new();
    for &metric in metrics {
        if metric.cutoff() == Some(0) {
            return Err(EvalError::Cutoff { metric });
        }
        if !asked.contains(&metric) {
            asked.push(metric);
        }
    }
    tracing::debug!(cases = cases.len(), metrics = asked.len(), "evaluating");
    let best = match depth(&asked, model.n_items()) {
        Some(depth) if cases.iter().any(|case| case.candidates.is_none()) => {
            Some(Best { depth, catalogue: Catalogue::new(model) })
        }
        _ => None,
    };
    let rules = Rules { model, options, best };
    let chunks = in_chunks(cases, options, Buffers::default, |buffers, first, cases| {
        let rankings = rules.rankings(buffers, first, cases)?;
        values(&rankings, &asked, first)
    })?;
    let column = |place: usize| chunks.iter().flat_map(|chunk| chunk[place].iter().copied()).collect();
    let columns = asked.iter().enumerate().map(|(place, &metric)| (metric, column(place))).collect();
    Ok(Evaluation::new(cases.len(), columns))
}

/// How deep into the ranking the metrics look; `None` where they need every rank.
fn depth(metrics: &[Metric], n_items: usize) -> Option<usize> {
    let cutoffs: Option<Vec<usize>> = metrics.iter().map(|metric| metric.cutoff()).collect();
    cutoffs.map(|cutoffs| cutoffs.into_iter().max().unwrap_or(1).min(n_items))
}

/// Each metric's values.
fn values(rankings: &[Ranking], metrics: &[Metric], first: usize) -> Result<Vec<Vec<f64>>, EvalError> {
    let lonely = rankings.iter().position(|ranking| ranking.competitors == 0);
    match lonely {
        Some(place) if metrics.contains(&Metric::Auc) => Err(EvalError::NoCompetitor { case: first + place }),
        _ => {
            let column = |metric: &Metric| rankings.iter().map(|ranking| metric.value(ranking)).collect();
            Ok(metrics.iter().map(column).collect())
        }
    }
}

/// What holds for every case.
struct Rules<'a> {
    model: &'a dyn Score,
    options: &'a Options<'a>,
    best: Option<Best<'a>>,
}

/// Where lists of the best items tell enough.
struct Best<'a> {
    depth: usize,
    catalogue: Catalogue<'a>,
}

/// What a worker keeps between chunks.
#[derive(Default)]
struct Buffers {
    top: TopK,
    scores: Vec<f32>,
}

/// A case that has been checked.
struct Checked<'a> {
    /// Its place among all cases.
    number: usize,
    query: Query<'a>,
    /// Rising.
    targets: Vec<ItemId>,
    /// Rising, each once, only items that the model has.
    hidden: Vec<ItemId>,
    /// Rising, without targets and hidden items.
    candidates: Option<Vec<ItemId>>,
}

impl Rules<'_> {
    fn rankings(
        &self,
        buffers: &mut Buffers,
        first: usize,
        cases: &[Case<'_>],
    ) -> Result<Vec<Ranking>, EvalError> {
        let numbered = cases.iter().enumerate();
        let checked = numbered.map(|(place, case)| self.check(first + place, case));
        let checked = checked.collect::<Result<Vec<Checked<'_>>, EvalError>>()?;
        let mut rankings = vec![Ranking::default(); cases.len()];
        let mut put = |case: &Checked<'_>, ranking| rankings[case.number - first] = ranking;
        let (listed, full): (Vec<&Checked<'_>>, Vec<&Checked<'_>>) =
            checked.iter().partition(|case| case.candidates.is_some());
        self.among_candidates(buffers, &listed, &mut put)?;
        let unsettled = match &self.best {
            Some(best) => self.by_best(buffers, &full, best, &mut put)?,
            None => full,
        };
        self.among_all(buffers, &unsettled, &mut put)?;
        Ok(rankings)
    }

    fn check<'a>(&self, number: usize, case: &Case<'a>) -> Result<Checked<'a>, EvalError> {
        let n_items = self.model.n_items();
        let targets = rising(case.targets);
        if targets.is_empty() {
            return Err(EvalError::NoTarget { case: number });
        }
        if let Some(item) = repeated(&targets) {
            return Err(EvalError::RepeatedTarget { case: number, item });
        }
        let candidates = case.candidates.map(rising);
        if let Some(item) = candidates.as_deref().and_then(repeated) {
            return Err(EvalError::RepeatedCandidate { case: number, item });
        }
        let highest = targets.last().max(candidates.as_ref().and_then(|candidates| candidates.last()));
        if let Some(&item) = highest.filter(|item| item.index() >= n_items) {
            return Err(EvalError::Item { case: number, item, n_items });
        }
        let mut hidden = Vec::new();
        hidden_items(self.options.hide, &case.query, &mut hidden);
        hidden.truncate(hidden.partition_point(|item| item.index() < n_items));
        if let Some(&item) = targets.iter().find(|target| hidden.binary_search(target).is_ok()) {
            return Err(EvalError::HiddenTarget { case: number, item });
        }
        let candidates = candidates.map(|mut candidates| {
            candidates
                .retain(|item| targets.binary_search(item).is_err() && hidden.binary_search(item).is_err());
            candidates
        });
        Ok(Checked { number, query: case.query, targets, hidden, candidates })
    }

    /// Ranks the targets of each case among its candidates.
    fn among_candidates(
        &self,
        buffers: &mut Buffers,
        cases: &[&Checked<'_>],
        put: &mut impl FnMut(&Checked<'_>, Ranking),
    ) -> Result<(), EvalError> {
        let lists: Vec<Vec<ItemId>> = cases
            .iter()
            .map(|case| [case.targets.as_slice(), case.candidates.as_deref().unwrap_or_default()].concat())
            .collect();
        let lists: Vec<&[ItemId]> = lists.iter().map(Vec::as_slice).collect();
        for batch in batches(&lists) {
            let (cases, lists) = (&cases[batch.clone()], &lists[batch]);
            let n_scores = lists.iter().map(|list| list.len()).sum();
            let mut scores = self.score(buffers, cases, Items::Lists(lists), n_scores)?;
            for (case, list) in cases.iter().zip(lists) {
                let (row, rest) = scores.split_at_mut(list.len());
                if let Some(place) = row.iter().position(|score| score.is_nan()) {
                    return Err(ScoreError::NotANumber { query: case.number, item: list[place] }.into());
                }
                let (targets, others) = row.split_at_mut(case.targets.len());
                put(case, Ranking::of_scores(targets, others, others.len(), self.options.ties));
                scores = rest;
            }
        }
        Ok(())
    }

    /// Ranks targets by lists of the best items; returns the cases whose ranks they do not settle.
    fn by_best<'a, 'b>(
        &self,
        buffers: &mut Buffers,
        cases: &[&'a Checked<'b>],
        best: &Best<'_>,
        put: &mut impl FnMut(&Checked<'_>, Ranking),
    ) -> Result<Vec<&'a Checked<'b>>, EvalError> {
        let queries: Vec<Query<'_>> = cases.iter().map(|case| case.query).collect();
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        best.catalogue
            .top_k(&queries, best.depth + 1, self.options.hide, &mut buffers.top)
            .map_err(|error| EvalError::of_case(error, |query| cases[query].number))?;
        let mut unsettled = Vec::new();
        for (query, &case) in cases.iter().enumerate() {
            let (list, competitors) = (buffers.top.list(query), self.competitors(case));
            match Ranking::of_list(list, &case.targets, best.depth, competitors, self.options.ties) {
                Some(ranking) => put(case, ranking),
                None => unsettled.push(case),
            }
        }
        Ok(unsettled)
    }

    /// Ranks the targets of each case among all items, by scoring all of them.
    fn among_all(
        &self,
        buffers: &mut Buffers,
        cases: &[&Checked<'_>],
        put: &mut impl FnMut(&Checked<'_>, Ranking),
    ) -> Result<(), EvalError> {
        let n_items = self.model.n_items();
        let mut found = Vec::new();
        for cases in cases.chunks((SCORES / n_items.max(1)).max(1)) {
            let scores = self.score(buffers, cases, Items::All, cases.len() * n_items)?;
            for (case, row) in cases.iter().zip(scores.chunks_exact_mut(n_items)) {
                // Hidden items may have any score; afterwards NaN marks what does not compete.
                case.hidden.iter().for_each(|item| row[item.index()] = 0.0);
                if let Some(item) = row.iter().position(|score| score.is_nan()) {
                    let item = ItemId(item as u32);
                    return Err(ScoreError::NotANumber { query: case.number, item }.into());
                }
                found.clear();
                found.extend(case.targets.iter().map(|target| row[target.index()]));
                case.hidden.iter().chain(&case.targets).for_each(|item| row[item.index()] = f32::NAN);
                put(case, Ranking::of_scores(&mut found, row, self.competitors(case), self.options.ties));
            }
        }
        Ok(())
    }

    fn score<'a>(
        &self,
        buffers: &'a mut Buffers,
        cases: &[&Checked<'_>],
        items: Items<'_>,
        n_scores: usize,
    ) -> Result<&'a mut [f32], EvalError> {
        let queries: Vec<Query<'_>> = cases.iter().map(|case| case.query).collect();
        buffers.scores.clear();
        buffers.scores.resize(n_scores, 0.0);
        self.model
            .score(&queries, items, &mut buffers.scores)
            .map_err(|error| EvalError::of_case(error, |query| cases[query].number))?;
        Ok(&mut buffers.scores)
    }

    /// How many items compete with the targets of a case that is ranked among all items.
    fn competitors(&self, case: &Checked<'_>) -> usize {
        self.model.n_items() - case.hidden.len() - case.targets.len()
    }
}

fn rising(items: &[ItemId]) -> Vec<ItemId> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items
}

fn repeated(rising: &[ItemId]) -> Option<ItemId> {
    rising.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Runs of lists with at most [`SCORES`] items together, or of one longer list.
fn batches(lists: &[&[ItemId]]) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut scores = 0;
    for (place, list) in lists.iter().enumerate() {
        scores += list.len();
        match batches.last_mut() {
            Some(batch) if scores <= SCORES => batch.end = place + 1,
            _ => {
                batches.push(place..place + 1);
                scores = list.len();
            }
        }
    }
    batches
}
