use crate::table::{Table, items};
use seoro_core::{ItemId, OwnHistory, Query, ScoreError, UserId};
use seoro_eval::{Case, EvalError, Metric, Options, evaluate};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const TOP: [Metric; 1] = [Metric::HitRate(2)];
const ALL: [Metric; 1] = [Metric::Auc];

fn table() -> Table {
    Table { n_items: 4, scores: vec![vec![0.0, 1.0, 2.0, 3.0], vec![f32::NAN, 1.0, 2.0, 3.0]] }
}

/// Asks a sound case, then one with these targets and candidates, hiding item 3.
fn ask(user: u32, targets: &[u32], candidates: Option<&[u32]>, metrics: &[Metric]) -> Result<(), EvalError> {
    let (targets, candidates) = (items(targets.to_vec()), candidates.map(|rows| items(rows.to_vec())));
    let history = [ItemId(3)];
    let mut options = Options::new();
    options.hide = &OwnHistory;
    let sound = Case { query: Query::new(&history).user(UserId(0)), targets: &[ItemId(1)], candidates: None };
    let query = Query::new(&history).user(UserId(user));
    let case = Case { query, targets: &targets, candidates: candidates.as_deref() };
    evaluate(&table(), &[sound, case], metrics, &options).map(|_| ())
}

#[test]
fn bad_cases_are_named() {
    let case = 1;
    for metrics in [&TOP, &ALL] {
        assert_eq!(ask(0, &[2, 0], None, metrics), Ok(()));
        assert_eq!(ask(0, &[], None, metrics), Err(EvalError::NoTarget { case }));
        assert_eq!(
            ask(0, &[2, 0, 2], None, metrics),
            Err(EvalError::RepeatedTarget { case, item: ItemId(2) })
        );
        assert_eq!(ask(0, &[2, 3], None, metrics), Err(EvalError::HiddenTarget { case, item: ItemId(3) }));
        assert_eq!(ask(0, &[4], None, metrics), Err(EvalError::Item { case, item: ItemId(4), n_items: 4 }));
        assert_eq!(
            ask(0, &[2], Some(&[9]), metrics),
            Err(EvalError::Item { case, item: ItemId(9), n_items: 4 })
        );
        assert_eq!(
            ask(0, &[2], Some(&[1, 0, 1]), metrics),
            Err(EvalError::RepeatedCandidate { case, item: ItemId(1) })
        );
    }
}

#[test]
fn nan_is_refused_wherever_it_competes() {
    let nan = Err(EvalError::Score(ScoreError::NotANumber { query: 1, item: ItemId(0) }));
    for metrics in [&TOP, &ALL] {
        assert_eq!(ask(1, &[2], None, metrics), nan);
        assert_eq!(ask(1, &[0], None, metrics), nan);
        assert_eq!(ask(1, &[2], Some(&[1, 0]), metrics), nan);
        assert_eq!(ask(1, &[0], Some(&[1]), metrics), nan);
        assert_eq!(ask(1, &[2], Some(&[1]), metrics), Ok(()));
    }
}

#[test]
fn what_a_model_misses_is_named_by_case() {
    let known = Case { query: Query::new(&[]).user(UserId(0)), targets: &[ItemId(1)], candidates: None };
    let unknown = Case { query: Query::new(&[]), ..known };
    let evaluation = evaluate(&table(), &[known, known, unknown], &TOP, &Options::new());
    assert_eq!(evaluation, Err(ScoreError::Missing { query: 2, what: "user" }.into()));
}

#[test]
fn auc_needs_competitors() {
    assert_eq!(ask(0, &[2], Some(&[2, 3]), &ALL), Err(EvalError::NoCompetitor { case: 1 }));
    assert_eq!(ask(0, &[2], Some(&[]), &TOP), Ok(()));
}

#[test]
fn a_cutoff_of_nothing_is_refused() {
    let metric = Metric::Recall(0);
    assert_eq!(evaluate(&table(), &[], &[metric], &Options::new()), Err(EvalError::Cutoff { metric }));
}

#[test]
fn no_cases_have_no_mean() {
    let evaluation = evaluate(&table(), &[], &TOP, &Options::new()).unwrap();
    assert_eq!((evaluation.cases(), evaluation.mean(TOP[0]), evaluation.mean(Metric::Auc)), (0, None, None));
}

#[test]
fn the_first_error_is_told_whatever_the_threads() {
    let sound = Case { query: Query::new(&[]).user(UserId(0)), targets: &[ItemId(1)], candidates: None };
    let mut cases = vec![sound; 5000];
    cases[1700].targets = &[];
    cases[4000].targets = &[ItemId(9)];
    for threads in [1, 2, 4] {
        let mut options = Options::new();
        options.threads = threads;
        assert_eq!(evaluate(&table(), &cases, &TOP, &options), Err(EvalError::NoTarget { case: 1700 }));
    }
}

#[test]
fn a_cancelled_evaluation_ends() {
    let sound = Case { query: Query::new(&[]).user(UserId(0)), targets: &[ItemId(1)], candidates: None };
    let (cancel, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let stop = |more| {
        done.fetch_add(more, Ordering::Relaxed);
        cancel.store(true, Ordering::Relaxed);
    };
    let mut options = Options::new();
    options.threads = 1;
    options.cancel = &cancel;
    options.progress = Some(&stop);
    assert_eq!(evaluate(&table(), &vec![sound; 5000], &TOP, &options), Err(EvalError::Cancelled));
    assert!(done.load(Ordering::Relaxed) < 5000);
}

#[test]
fn progress_counts_every_case() {
    let sound = Case { query: Query::new(&[]).user(UserId(0)), targets: &[ItemId(1)], candidates: None };
    let told = Mutex::new(Vec::new());
    let tell = |more| told.lock().unwrap().push(more);
    let mut options = Options::new();
    options.progress = Some(&tell);
    evaluate(&table(), &vec![sound; 1234], &TOP, &options).unwrap();
    assert_eq!(told.lock().unwrap().iter().sum::<usize>(), 1234);
}
