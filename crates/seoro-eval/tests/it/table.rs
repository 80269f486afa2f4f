use seoro_core::{Hide, ItemId, Items, Query, Score, ScoreError, UserId};
use seoro_eval::{Case, Evaluation, Metric, Options, Ties, evaluate};

/// A model that is a table of scores, one row per user.
pub(crate) struct Table {
    pub(crate) n_items: usize,
    pub(crate) scores: Vec<Vec<f32>>,
}

impl Score for Table {
    fn n_items(&self) -> usize {
        self.n_items
    }

    fn score(&self, queries: &[Query<'_>], items: Items<'_>, out: &mut [f32]) -> Result<(), ScoreError> {
        items.check(queries.len(), self.n_items, out.len())?;
        let mut out = out.iter_mut();
        for (place, query) in queries.iter().enumerate() {
            let user = query.user.ok_or(ScoreError::Missing { query: place, what: "user" })?;
            let row = &self.scores[user.index()];
            let scores: Vec<f32> = match &items {
                Items::All => row.clone(),
                Items::Range(range) => row[range.start as usize..range.end as usize].to_vec(),
                Items::Lists(lists) => lists[place].iter().map(|item| row[item.index()]).collect(),
            };
            scores.into_iter().for_each(|score| *out.next().unwrap() = score);
        }
        Ok(())
    }
}

/// A user's question, with everything that belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) scores: Vec<f32>,
    pub(crate) targets: Vec<ItemId>,
    pub(crate) hidden: Vec<ItemId>,
    pub(crate) candidates: Option<Vec<ItemId>>,
}

/// Hides a list for each user.
pub(crate) struct Lists<'a>(pub(crate) &'a [Question]);

impl Hide for Lists<'_> {
    fn each(&self, query: &Query<'_>, hide: &mut dyn FnMut(ItemId)) {
        self.0[query.user.unwrap().index()].hidden.iter().copied().for_each(hide);
    }
}

pub(crate) fn items(rows: impl IntoIterator<Item = u32>) -> Vec<ItemId> {
    rows.into_iter().map(ItemId).collect()
}

pub(crate) fn metrics(names: &[&str]) -> Vec<Metric> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// Evaluates the table of the questions' scores.
pub(crate) fn ask(questions: &[Question], metrics: &[Metric], ties: Ties, threads: usize) -> Evaluation {
    let n_items = questions.iter().map(|question| question.scores.len()).max().unwrap_or(0);
    let table = Table { n_items, scores: questions.iter().map(|question| question.scores.clone()).collect() };
    let cases: Vec<Case<'_>> = questions
        .iter()
        .enumerate()
        .map(|(user, question)| Case {
            query: Query::new(&[]).user(UserId(user as u32)),
            targets: &question.targets,
            candidates: question.candidates.as_deref(),
        })
        .collect();
    let hide = Lists(questions);
    let mut options = Options::new();
    options.ties = ties;
    options.hide = &hide;
    options.threads = threads;
    evaluate(&table, &cases, metrics, &options).unwrap()
}
