use crate::table::{Question, ask, items};
use seoro_eval::{Metric, Ties};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Fixture {
    scores: Vec<f32>,
    targets: Vec<u32>,
    hidden: Vec<u32>,
    candidates: Option<Vec<u32>>,
    expected: BTreeMap<Ties, BTreeMap<Metric, f64>>,
}

#[test]
fn every_metric_is_numpys() {
    let fixtures: Vec<Fixture> = serde_json::from_str(include_str!("../fixtures/metrics.json")).unwrap();
    let questions: Vec<Question> = fixtures
        .iter()
        .map(|fixture| Question {
            scores: fixture.scores.clone(),
            targets: items(fixture.targets.clone()),
            hidden: items(fixture.hidden.clone()),
            candidates: fixture.candidates.clone().map(items),
        })
        .collect();
    for ties in [Ties::Optimistic, Ties::Mean, Ties::Pessimistic] {
        let all: Vec<Metric> = fixtures[0].expected[&ties].keys().copied().collect();
        // Once by top lists, once by all scores: AUC asks for every rank.
        let cut: Vec<Metric> = all.iter().copied().filter(|metric| metric.cutoff().is_some()).collect();
        assert_eq!((all.len(), cut.len()), (33, 32));
        for metrics in [&all, &cut] {
            let evaluation = ask(&questions, metrics, ties, 0);
            for &metric in metrics {
                for (case, value) in evaluation.values(metric).unwrap().iter().enumerate() {
                    let expected = fixtures[case].expected[&ties][&metric];
                    assert!(
                        (value - expected).abs() < 1e-11,
                        "{metric} {ties:?} case {case}: {value}, {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn names_are_read_and_written() {
    let names = "hr@10 recall@20 recall-capped@20 precision@5 ndcg@10 mrr@20 map@10 map-capped@10 auc";
    for name in names.split(' ') {
        let metric: Metric = name.parse().unwrap();
        assert_eq!(metric.to_string(), name);
        let json = serde_json::to_string(&metric).unwrap();
        assert_eq!(json, format!("{name:?}"));
        assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), metric);
    }
    for name in ["", "hr", "hr@0", "hr@-1", "hr@x", "HR@10", "auc@10", "recall@10 "] {
        assert_eq!(name.parse::<Metric>().unwrap_err().name, name);
    }
}
