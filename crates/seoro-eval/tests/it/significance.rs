use proptest::prelude::*;
use seoro_core::Seed;
use seoro_eval::significance::{SignificanceError, bootstrap, holm, mean, paired_t, std, wilcoxon};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    tests: Vec<Pairs>,
    bootstrap: Bootstrap,
    holm: Holm,
}

#[derive(Deserialize)]
struct Pairs {
    a: Vec<f64>,
    b: Vec<f64>,
    t: [f64; 2],
    wilcoxon: [f64; 2],
}

#[derive(Deserialize)]
struct Bootstrap {
    values: Vec<f64>,
    level: f64,
    interval: [f64; 2],
    mean: f64,
    std: f64,
}

#[derive(Deserialize)]
struct Holm {
    p: Vec<f64>,
    adjusted: Vec<f64>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/significance.json")).unwrap()
}

fn close(ours: f64, theirs: f64, tolerance: f64) -> bool {
    (ours - theirs).abs() <= tolerance * theirs.abs()
}

#[test]
fn both_tests_are_scipys() {
    for (number, pairs) in fixture().tests.iter().enumerate() {
        let t = paired_t(&pairs.a, &pairs.b).unwrap();
        assert!(close(t.statistic, pairs.t[0], 1e-10), "{number}: {t:?}, {:?}", pairs.t);
        assert!(close(t.p_value, pairs.t[1], 1e-9), "{number}: {t:?}, {:?}", pairs.t);
        let w = wilcoxon(&pairs.a, &pairs.b).unwrap();
        assert!(close(w.statistic, pairs.wilcoxon[0], 1e-12), "{number}: {w:?}, {:?}", pairs.wilcoxon);
        assert!(close(w.p_value, pairs.wilcoxon[1], 1e-9), "{number}: {w:?}, {:?}", pairs.wilcoxon);
    }
}

#[test]
fn the_interval_is_scipys_but_for_chance() {
    let Bootstrap { values, level, interval, mean: expected, std: deviation } = fixture().bootstrap;
    assert!(close(mean(&values), expected, 1e-12) && close(std(&values), deviation, 1e-12));
    let (low, high) = bootstrap(&values, level, 40_000, Seed::new(3)).unwrap();
    let width = interval[1] - interval[0];
    assert!((low - interval[0]).abs() < 0.02 * width, "{low}, {interval:?}");
    assert!((high - interval[1]).abs() < 0.02 * width, "{high}, {interval:?}");
}

#[test]
fn an_interval_depends_on_the_seed_alone() {
    let values: Vec<f64> = (0..200).map(|n| f64::from(n * n % 17)).collect();
    let ask = |seed| bootstrap(&values, 0.95, 500, Seed::new(seed)).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    assert_eq!(ask(1), pool.install(|| ask(1)));
    assert_ne!(ask(1), ask(2));
    assert_eq!(bootstrap(&[2.5; 7], 0.5, 10, Seed::new(1)), Ok((2.5, 2.5)));
}

#[test]
fn holms_correction_is_numpys() {
    let Holm { p, adjusted } = fixture().holm;
    for (ours, theirs) in holm(&p).unwrap().iter().zip(&adjusted) {
        assert!(close(*ours, *theirs, 1e-12), "{ours}, {theirs}");
    }
    assert_eq!(holm(&[]), Ok(Vec::new()));
}

proptest! {
    #[test]
    fn exchanging_the_sides_changes_the_sign(
        pairs in prop::collection::vec((-4i32..5, -4i32..5), 2..80),
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).unzip();
        let (t, back) = (paired_t(&a, &b).unwrap(), paired_t(&b, &a).unwrap());
        prop_assert_eq!((t.statistic, t.p_value), (-back.statistic, back.p_value));
        prop_assert_eq!(wilcoxon(&a, &b), wilcoxon(&b, &a));
        for p in [t.p_value, wilcoxon(&a, &b).unwrap().p_value] {
            prop_assert!((0.0..=1.0).contains(&p));
        }
    }
}

#[test]
fn extremes_are_defined() {
    let (same, more) = ([1.0, 2.0, 4.0], [2.0, 3.0, 5.0]);
    let t = paired_t(&same, &same).unwrap();
    assert_eq!((t.statistic, t.p_value), (0.0, 1.0));
    let t = paired_t(&more, &same).unwrap();
    assert_eq!((t.statistic, t.p_value), (f64::INFINITY, 0.0));
    let w = wilcoxon(&same, &same).unwrap();
    assert_eq!((w.statistic, w.p_value), (0.0, 1.0));
}

#[test]
fn nonsense_is_refused() {
    let one = [1.0];
    assert_eq!(paired_t(&one, &one), Err(SignificanceError::TooFew { len: 1, expected: 2 }));
    assert_eq!(wilcoxon(&[], &[]), Err(SignificanceError::TooFew { len: 0, expected: 1 }));
    assert_eq!(paired_t(&one, &[1.0, 2.0]), Err(SignificanceError::Unpaired { a: 1, b: 2 }));
    let nan = wilcoxon(&[1.0, f64::NAN], &[1.0, 2.0]);
    assert!(matches!(nan, Err(SignificanceError::NotFinite { index: 1, .. })));
    assert_eq!(bootstrap(&one, 1.0, 9, Seed::new(1)), Err(SignificanceError::Probability { value: 1.0 }));
    assert_eq!(bootstrap(&one, 0.9, 0, Seed::new(1)), Err(SignificanceError::NoResample));
    assert_eq!(holm(&[0.5, 1.5]), Err(SignificanceError::Probability { value: 1.5 }));
}
