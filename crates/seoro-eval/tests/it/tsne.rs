use seoro_core::{Matrix, Seed};
use seoro_eval::tsne::{Distance, Init, Map, Run, Tsne, TsneError};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Three clusters in 20 dimensions, `per` points of each, one after the other; a point's cluster is its place modulo 3.
fn clusters(per: usize, seed: u64) -> Matrix {
    let mut rng = Seed::new(seed).child("clusters").rng();
    let mut points = Matrix::zeros(3 * per, 20);
    for row in 0..points.rows() {
        for (column, x) in points.row_mut(row).iter_mut().enumerate() {
            let centre = if column % 3 == row % 3 { 4.0 } else { 0.0 };
            *x = (centre + rng.normal()) as f32;
        }
    }
    points
}

/// The share of points whose nearest ten in the map are mostly of their own cluster.
fn purity(map: &Matrix, cluster: impl Fn(usize) -> usize) -> f64 {
    let pure = |row: usize| {
        let mut others: Vec<usize> = (0..map.rows()).filter(|&other| other != row).collect();
        let distance = |other: &usize| {
            let (a, b) = (map.row(row), map.row(*other));
            (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
        };
        others.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        others[..10].iter().filter(|&&other| cluster(other) == cluster(row)).count() > 5
    };
    (0..map.rows()).filter(|&row| pure(row)).count() as f64 / map.rows() as f64
}

fn short() -> Tsne {
    Tsne { perplexity: 15.0, iterations: 400, exaggerated: 100, ..Tsne::default() }
}

#[test]
fn clusters_stay_together() {
    let points = clusters(80, 1);
    let each = [(0.5, Init::Pca), (0.5, Init::Random), (0.0, Init::Pca)];
    for (theta, init) in each {
        for distance in [Distance::Euclidean, Distance::Cosine] {
            let recipe = Tsne { theta, init, distance, ..short() };
            let map = recipe.fit(&points, &Run::new(Seed::new(5))).unwrap();
            let pure = purity(&map.positions, |row| row % 3);
            assert!(pure > 0.98, "{recipe:?}: {pure}");
            assert!(map.divergence > 0.0 && map.divergence < 1.5, "{recipe:?}: {}", map.divergence);
        }
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let points = clusters(60, 2);
    let mut order: Vec<usize> = (0..points.rows()).collect();
    Seed::new(8).rng().shuffle(&mut order);
    let mut shuffled = Matrix::zeros(points.rows(), points.cols());
    for (place, &row) in order.iter().enumerate() {
        shuffled.row_mut(place).copy_from_slice(points.row(row));
    }
    let fit = |points: &Matrix| short().fit(points, &Run::new(Seed::new(5))).unwrap();
    let (map, other) = (fit(&points), fit(&shuffled));
    assert!(purity(&map.positions, |row| row % 3) > 0.98);
    assert!(purity(&other.positions, |place| order[place] % 3) > 0.98);
    assert!((map.divergence - other.divergence).abs() < 0.1, "{} {}", map.divergence, other.divergence);
}

#[test]
fn a_map_depends_on_the_seed_and_not_on_threads() {
    let points = clusters(120, 3);
    for theta in [0.0, 0.5] {
        let recipe = Tsne { theta, iterations: 120, ..short() };
        let fit = |threads, seed| {
            let mut run = Run::new(Seed::new(seed));
            run.threads = threads;
            let map = recipe.fit(&points, &run).unwrap();
            let bits: Vec<u32> = map.positions.as_slice().iter().map(|x| x.to_bits()).collect();
            (bits, map.divergence.to_bits())
        };
        assert_eq!(fit(1, 5), fit(2, 5));
        assert_eq!(fit(3, 5), fit(0, 5));
        assert_ne!(fit(1, 5), fit(1, 6));
    }
}

#[test]
fn given_neighbours_make_the_same_map() {
    let points = clusters(40, 4);
    let recipe = Tsne { perplexity: 12.0, ..short() };
    let distance = |a: usize, b: usize| {
        let pairs = points.row(a).iter().zip(points.row(b));
        pairs.map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt()
    };
    let list = |row: usize| {
        let mut list: Vec<(u32, f32)> = (0..points.rows())
            .filter(|&other| other != row)
            .map(|other| (other as u32, distance(row, other)))
            .collect();
        list.sort_by(|a, b| a.1.total_cmp(&b.1));
        list.truncate(36);
        list
    };
    let lists: Vec<_> = (0..points.rows()).map(list).collect();
    let run = Run::new(Seed::new(5));
    // Steps that do not overshoot, which would make much of the last bits.
    let first = Tsne { iterations: 15, learning_rate: Some(2.5), ..recipe.clone() };
    let found = first.fit(&points, &run).unwrap();
    assert_near(&first.fit_neighbours(&points, &lists, &run).unwrap(), &found);
    let given = recipe.fit_neighbours(&points, &lists, &run).unwrap();
    assert!(purity(&given.positions, |row| row % 3) > 0.98);
}

/// Two maps are the same but for rounding.
fn assert_near(map: &Map, other: &Map) {
    let length = |numbers: &[f32]| numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
    let pairs = map.positions.as_slice().iter().zip(other.positions.as_slice());
    let differences: Vec<f32> = pairs.map(|(a, b)| a - b).collect();
    let share = length(&differences) / length(other.positions.as_slice());
    assert!(share < 0.01, "{share}");
    assert!((map.divergence - other.divergence).abs() < 1e-3 * other.divergence);
}

#[test]
fn equal_points_are_no_trouble() {
    let mut twins = clusters(40, 6);
    for row in 0..60 {
        let other = twins.row(row / 3 * 3).to_vec();
        twins.row_mut(row).copy_from_slice(&other);
    }
    let same = Matrix::from_vec(50, 2, vec![3.0; 100]).unwrap();
    let line = Matrix::from_vec(50, 1, (0..50u8).map(f32::from).collect()).unwrap();
    for points in [twins, same, line] {
        for (theta, init) in [(0.0, Init::Pca), (0.5, Init::Random), (0.5, Init::Pca)] {
            let recipe = Tsne { perplexity: 5.0, iterations: 300, theta, init, ..Tsne::default() };
            let map = recipe.fit(&points, &Run::new(Seed::new(1))).unwrap();
            assert!(map.positions.as_slice().iter().all(|x| x.is_finite()) && map.divergence.is_finite());
            let column = |axis: usize| (0..points.rows()).map(move |row| (row, axis));
            let wide = |axis| column(axis).any(|(row, axis)| map.positions.row(row)[axis].abs() > 0.1);
            assert!(wide(0) && wide(1), "{recipe:?}");
        }
    }
}

#[test]
fn sizes_and_places_of_vectors_do_not_matter() {
    let points = clusters(30, 7);
    let recipe = Tsne { perplexity: 10.0, iterations: 15, learning_rate: Some(1.9), ..Tsne::default() };
    let fit = |by: f32, beyond: f32| {
        let numbers = points.as_slice().iter().map(|x| x * by + beyond).collect();
        recipe.fit(&Matrix::from_vec(90, 20, numbers).unwrap(), &Run::new(Seed::new(1))).unwrap()
    };
    let plain = fit(1.0, 0.0);
    for (by, beyond) in [(1e-30, 0.0), (1e37, 0.0), (1.0, 1000.0)] {
        assert_near(&fit(by, beyond), &plain);
    }
}

#[test]
fn observers_see_the_divergence_fall() {
    let seen = Mutex::new(Vec::new());
    let observe = |done: usize, divergence: f64| seen.lock().unwrap().push((done, divergence));
    let mut run = Run::new(Seed::new(1));
    run.observe = Some(&observe);
    let recipe = short();
    let map = recipe.fit(&clusters(40, 1), &run).unwrap();
    let seen = seen.lock().unwrap().clone();
    assert_eq!(
        seen.iter().map(|seen| seen.0).collect::<Vec<_>>(),
        [0, 50, 100, 150, 200, 250, 300, 350, 400]
    );
    assert_eq!(seen.last().unwrap().1, map.divergence);
    assert!(seen[0].1 > seen[4].1 && seen[4].1 >= 0.98 * map.divergence, "{seen:?}");
    run.observe = None;
    assert_eq!(recipe.fit(&clusters(40, 1), &run).unwrap(), map);
}

#[test]
fn a_fit_can_be_stopped() {
    let cancel = AtomicBool::new(false);
    let stop = |done: usize, _: f64| cancel.store(done == 50, Ordering::Relaxed);
    let mut run = Run::new(Seed::new(1));
    run.cancel = &cancel;
    run.observe = Some(&stop);
    assert_eq!(short().fit(&clusters(40, 1), &run), Err(TsneError::Cancelled));
    run.observe = None;
    assert_eq!(short().fit(&clusters(40, 1), &run), Err(TsneError::Cancelled));
}

#[test]
fn memory_is_limited() {
    let points = clusters(40, 1);
    let mut run = Run::new(Seed::new(1));
    let recipe = Tsne { iterations: 1, ..short() };
    run.memory = Some(recipe.memory(&points) - 1);
    assert!(matches!(recipe.fit(&points, &run), Err(TsneError::Memory { .. })));
    assert!(matches!(
        recipe.fit_neighbours(&points, &vec![vec![]; 120], &run),
        Err(TsneError::FewNeighbours { row: 0, len: 0, .. })
    ));
    run.memory = Some(recipe.memory(&points));
    assert!(recipe.fit(&points, &run).is_ok());
    assert!(Tsne { theta: 0.0, ..recipe.clone() }.memory(&points) > recipe.memory(&points));
}

#[test]
fn nonsense_is_refused() {
    let run = Run::new(Seed::new(1));
    let points = clusters(10, 1);
    let small = Tsne { perplexity: 5.0, iterations: 5, ..Tsne::default() };
    let refuse = |points: &Matrix, recipe: &Tsne| recipe.fit(points, &run).unwrap_err();
    assert_eq!(refuse(&Matrix::zeros(3, 2), &small), TsneError::TooFew { points: 3 });
    assert_eq!(refuse(&Matrix::zeros(30, 0), &small), TsneError::NoColumns);
    for perplexity in [9.8, 0.5, f64::NAN, f64::INFINITY, -1.0] {
        let refused = refuse(&points, &Tsne { perplexity, ..small.clone() });
        assert!(matches!(refused, TsneError::Perplexity { points: 30, .. }), "{refused}");
    }
    assert!(Tsne { perplexity: 29.0 / 3.0, ..small.clone() }.fit(&points, &run).is_ok());
    let fields = [
        ("exaggeration", Tsne { exaggeration: 0.5, ..small.clone() }),
        ("learning_rate", Tsne { learning_rate: Some(0.0), ..small.clone() }),
        ("learning_rate", Tsne { learning_rate: Some(f64::NAN), ..small.clone() }),
        ("momentum", Tsne { momentum: 1.0, ..small.clone() }),
        ("final_momentum", Tsne { final_momentum: -0.1, ..small.clone() }),
        ("theta", Tsne { theta: 1.5, ..small.clone() }),
        ("theta", Tsne { theta: f64::NAN, ..small.clone() }),
    ];
    for (name, recipe) in fields {
        let refused = refuse(&points, &recipe);
        assert!(matches!(refused, TsneError::Recipe { field, .. } if field == name), "{refused}");
    }
    let mut strange = points.clone();
    strange.row_mut(3)[4] = f32::INFINITY;
    let expected = TsneError::NotFinite { row: 3, column: 4, value: f32::INFINITY };
    assert_eq!(refuse(&strange, &small), expected);
    let mut zero = points.clone();
    zero.row_mut(7).fill(0.0);
    assert!(small.fit(&zero, &run).is_ok());
    let cosine = Tsne { distance: Distance::Cosine, ..small.clone() };
    assert_eq!(refuse(&zero, &cosine), TsneError::Zero { row: 7 });
    let wild = Tsne { learning_rate: Some(1e300), iterations: 50, ..small.clone() };
    assert!(matches!(refuse(&points, &wild), TsneError::Diverged { .. }));
}

#[test]
fn nonsense_neighbours_are_refused() {
    let run = Run::new(Seed::new(1));
    let points = Matrix::from_vec(4, 1, vec![0.0, 1.0, 2.0, 3.0]).unwrap();
    let recipe = Tsne { perplexity: 1.0, iterations: 5, ..Tsne::default() };
    let good = vec![vec![(1, 1.0)], vec![(0, 1.0), (2, 1.0)], vec![(1, 1.0)], vec![(2, 1.0)]];
    assert!(recipe.fit_neighbours(&points, &good, &run).is_ok());
    let refuse = |list: Vec<(u32, f32)>| {
        let mut lists = good.clone();
        lists[1] = list;
        recipe.fit_neighbours(&points, &lists, &run).unwrap_err()
    };
    assert_eq!(refuse(vec![]), TsneError::FewNeighbours { row: 1, len: 0, perplexity: 1.0 });
    for neighbour in [1, 4, u32::MAX] {
        assert_eq!(refuse(vec![(neighbour, 1.0)]), TsneError::Neighbour { row: 1, neighbour, points: 4 });
    }
    assert_eq!(refuse(vec![(0, 1.0), (0, 1.0)]), TsneError::Neighbour { row: 1, neighbour: 0, points: 4 });
    for distance in [-1.0, f32::NAN, f32::INFINITY] {
        let refused = refuse(vec![(0, distance)]);
        assert!(matches!(refused, TsneError::Distance { row: 1, neighbour: 0, .. }), "{refused}");
    }
    let lists = recipe.fit_neighbours(&points, &good[1..], &run);
    assert_eq!(lists, Err(TsneError::Lists { lists: 3, points: 4 }));
}

#[test]
fn unknown_fields_of_a_recipe_are_refused() {
    let recipe: Tsne =
        serde_json::from_str(r#"{"perplexity": 12, "init": "random", "distance": "cosine"}"#).unwrap();
    let expected =
        Tsne { perplexity: 12.0, init: Init::Random, distance: Distance::Cosine, ..Tsne::default() };
    assert_eq!(recipe, expected);
    assert!(serde_json::from_str::<Tsne>(r#"{"perplexitty": 12}"#).is_err());
}
