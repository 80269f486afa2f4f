use crate::table::{Question, ask, items, metrics};
use proptest::prelude::*;
use seoro_eval::{Evaluation, Metric, Ties};

const N_ITEMS: usize = 30;
const NAMES: [&str; 8] =
    ["hr@4", "recall@4", "recall-capped@4", "precision@4", "ndcg@4", "mrr@4", "map@4", "map-capped@4"];

/// A question with many ties, with and without candidates; at least one item competes with the targets.
fn question() -> impl Strategy<Value = Question> {
    let score = prop_oneof![8 => (-3i8..3).prop_map(f32::from), 1 => Just(f32::INFINITY), 1 => Just(f32::NEG_INFINITY)];
    let order = Just((0..N_ITEMS as u32).collect::<Vec<u32>>()).prop_shuffle();
    let scores = prop::collection::vec(score, N_ITEMS);
    (scores, order, 1usize..8, 0usize..15, prop::option::of(1usize..8)).prop_map(
        |(scores, order, n_targets, n_hidden, n_candidates)| {
            let (targets, rest) = order.split_at(n_targets);
            let (hidden, rest) = rest.split_at(n_hidden);
            // Some candidates are targets, one is hidden where anything is: neither may change anything.
            let candidates = n_candidates.map(|n| {
                items(rest[..n].iter().chain(&targets[..n_targets / 2]).chain(hidden.first()).copied())
            });
            Question {
                scores,
                targets: items(targets.iter().copied()),
                hidden: items(hidden.iter().copied()),
                candidates,
            }
        },
    )
}

fn ties() -> impl Strategy<Value = Ties> {
    prop_oneof![Just(Ties::Optimistic), Just(Ties::Mean), Just(Ties::Pessimistic)]
}

fn rows(evaluation: &Evaluation, metrics: &[Metric]) -> Vec<Vec<f64>> {
    metrics.iter().map(|&metric| evaluation.values(metric).unwrap().to_vec()).collect()
}

proptest! {
    #[test]
    fn top_lists_tell_what_all_scores_tell(
        questions in prop::collection::vec(question(), 1..12),
        ties in ties(),
        k in 1usize..33,
    ) {
        let cut: Vec<Metric> = NAMES.iter().map(|name| name.replace('4', &k.to_string()).parse().unwrap()).collect();
        let all: Vec<Metric> = cut.iter().copied().chain([Metric::Auc]).collect();
        let (lists, scores) = (ask(&questions, &cut, ties, 0), ask(&questions, &all, ties, 0));
        prop_assert_eq!(rows(&lists, &cut), rows(&scores, &cut));
    }

    #[test]
    fn a_batch_is_its_cases(questions in prop::collection::vec(question(), 1..40), ties in ties()) {
        let metrics = metrics(&NAMES);
        let batch = rows(&ask(&questions, &metrics, ties, 2), &metrics);
        for (case, question) in questions.iter().enumerate() {
            let single = rows(&ask(std::slice::from_ref(question), &metrics, ties, 1), &metrics);
            let of_batch: Vec<Vec<f64>> = batch.iter().map(|values| vec![values[case]]).collect();
            prop_assert_eq!(single, of_batch);
        }
    }

    #[test]
    fn candidates_that_are_all_items_change_nothing(question in question(), ties in ties()) {
        let metrics = metrics(&[&NAMES[..], &["auc"]].concat());
        let full = Question { candidates: None, ..question.clone() };
        let listed = Question { candidates: Some(items((0..N_ITEMS as u32).rev())), ..question };
        let (full, listed) = (ask(&[full], &metrics, ties, 0), ask(&[listed], &metrics, ties, 0));
        prop_assert_eq!(rows(&full, &metrics), rows(&listed, &metrics));
    }

    #[test]
    fn ties_are_in_order(question in question()) {
        let metrics = metrics(&[&NAMES[..], &["auc"]].concat());
        let value = |ties, metric| ask(std::slice::from_ref(&question), &metrics, ties, 0).mean(metric).unwrap();
        for &metric in &metrics {
            prop_assert!(value(Ties::Optimistic, metric) >= value(Ties::Mean, metric));
            prop_assert!(value(Ties::Mean, metric) >= value(Ties::Pessimistic, metric));
        }
    }

    #[test]
    fn values_keep_their_bounds(question in question(), ties in ties(), k in 1usize..33) {
        let n_targets = question.targets.len();
        let value = |name: &str| {
            let metric: Metric = format!("{name}@{k}").parse().unwrap();
            ask(std::slice::from_ref(&question), &[metric], ties, 0).mean(metric).unwrap()
        };
        for name in NAMES {
            let value = value(name.trim_end_matches("@4"));
            prop_assert!((0.0..=1.0).contains(&value), "{name}: {value}");
        }
        prop_assert!(value("recall") <= value("recall-capped"));
        prop_assert!(value("map") <= value("map-capped"));
        prop_assert!(value("recall-capped") <= value("hr"));
        prop_assert!(value("mrr") <= value("hr"));
        prop_assert!((value("precision") * k as f64 - value("recall") * n_targets as f64).abs() < 1e-12);
    }

    #[test]
    fn a_better_score_for_a_target_never_hurts(question in question(), ties in ties(), raise in 1u8..5) {
        let metrics = metrics(&[&NAMES[..], &["auc"]].concat());
        let mut better = question.clone();
        better.scores[question.targets[0].index()] += f32::from(raise);
        let (before, after) = (ask(&[question], &metrics, ties, 0), ask(&[better], &metrics, ties, 0));
        for &metric in &metrics {
            prop_assert!(after.mean(metric).unwrap() >= before.mean(metric).unwrap(), "{}", metric);
        }
    }

    #[test]
    fn a_perfect_ranking_gives_one(mut question in question(), ties in ties()) {
        question.scores.iter_mut().for_each(|score| *score = score.clamp(-3.0, 3.0));
        question.targets.iter().for_each(|target| question.scores[target.index()] = 10.0);
        let perfect = ["hr@9", "recall@9", "recall-capped@2", "ndcg@9", "ndcg@2", "mrr@1", "map@9", "map-capped@2", "auc"];
        let metrics = metrics(&perfect);
        let evaluation = ask(&[question], &metrics, ties, 0);
        for metric in metrics {
            prop_assert_eq!(evaluation.mean(metric), Some(1.0), "{}", metric);
        }
    }

    #[test]
    fn hidden_scores_do_not_matter(mut question in question(), ties in ties()) {
        let metrics = metrics(&[&NAMES[..], &["auc"]].concat());
        let before = rows(&ask(std::slice::from_ref(&question), &metrics, ties, 0), &metrics);
        question.hidden.iter().for_each(|item| question.scores[item.index()] = f32::NAN);
        prop_assert_eq!(before, rows(&ask(&[question], &metrics, ties, 0), &metrics));
    }
}

#[test]
fn threads_do_not_change_a_byte() {
    let question = |n: u32| Question {
        scores: (0..500).map(|item| ((item * 7919 + n * 104_729) % 211) as f32).collect(),
        targets: items([n % 500, (n * 31 + 1) % 500].into_iter().collect::<std::collections::BTreeSet<_>>()),
        hidden: Vec::new(),
        candidates: n.is_multiple_of(3).then(|| items((0..500).step_by(5))),
    };
    let questions: Vec<Question> = (0..3000).map(question).collect();
    let metrics = metrics(&["ndcg@20", "auc", "map@100"]);
    let one = ask(&questions, &metrics, Ties::Mean, 1);
    for threads in [2, 3, 0] {
        assert_eq!(one, ask(&questions, &metrics, Ties::Mean, threads));
    }
}

#[test]
fn a_model_without_opinions_gains_nothing_from_it() {
    let question =
        Question { scores: vec![0.0; 100], targets: items([3]), hidden: Vec::new(), candidates: None };
    let metrics = metrics(&["hr@10", "mrr@60"]);
    let values = |ties| rows(&ask(std::slice::from_ref(&question), &metrics, ties, 0), &metrics).concat();
    assert_eq!(values(Ties::Pessimistic), [0.0, 0.0]);
    assert_eq!(values(Ties::Optimistic), [1.0, 1.0]);
    assert_eq!(values(Ties::Mean), [0.0, 1.0 / 50.5]);
}
