use seoro_core::world::{Parameters, START, VERSION, World, WorldError, shuffled};
use seoro_core::*;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// One question with one answer: a row of scores `[I]`, the item sought, the items not to be found again.
struct Sought<'a> {
    target: ItemId,
    hidden: &'a [ItemId],
}

impl Sought<'_> {
    /// Whether the target is among the ten best, equal scores before it.
    fn found(&self, scores: &[f64]) -> f64 {
        let above = scores.iter().enumerate().filter(|&(item, &score)| {
            let item = ItemId(item as u32);
            item != self.target && !self.hidden.contains(&item) && score >= scores[self.target.index()]
        });
        f64::from(u8::from(above.count() < 10))
    }
}

/// The mean, and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// How many standard errors `a` lies above `b`, in pairs.
fn ahead(a: &[f64], b: &[f64]) -> f64 {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let (mean, error) = mean(&differences);
    mean / error
}

fn oracle_scores(oracle: &world::Oracle, event: &Event) -> Vec<f64> {
    let mut out = vec![0.0; oracle.n_items()];
    let query = Query::new(&[]).user(event.user).at(event.time.unwrap());
    oracle.score(&[query], Items::All, &mut out).unwrap();
    out.into_iter().map(f64::from).collect()
}

fn popularity(train: &Log) -> Vec<f64> {
    let mut counts = vec![0.0; train.n_items()];
    train.items().iter().for_each(|item| counts[item.index()] += 1.0);
    counts
}

/// Items scored by their cosine with those of the history.
struct CoOccurrence {
    cosines: Vec<Vec<f64>>,
}

impl CoOccurrence {
    fn new(train: &Log) -> Self {
        let n = train.n_items();
        let counts = popularity(train);
        let mut cosines = vec![vec![0.0; n]; n];
        let histories = Histories::new(train);
        for user in 0..train.n_users() as u32 {
            let items = histories.items(UserId(user));
            for &a in items {
                items.iter().filter(|&&b| a != b).for_each(|b| cosines[a.index()][b.index()] += 1.0);
            }
        }
        for (a, row) in cosines.iter_mut().enumerate() {
            row.iter_mut().enumerate().for_each(|(b, x)| *x /= (counts[a] * counts[b]).max(1.0).sqrt());
        }
        Self { cosines }
    }

    fn scores(&self, history: &[ItemId]) -> Vec<f64> {
        let mut scores = vec![0.0; self.cosines.len()];
        for item in history {
            scores.iter_mut().zip(&self.cosines[item.index()]).for_each(|(score, x)| *score += x);
        }
        scores
    }
}

/// Which targets popularity, co-occurrence and, where given, oracles find under leave-one-out.
fn hits(log: &Log, oracles: &[world::Oracle]) -> Vec<Vec<f64>> {
    let split = Splitter::LeaveOneOut.split(log, Seed::new(1)).unwrap();
    let histories = Histories::new(&split.train);
    let (popularity, co_occurrence) = (popularity(&split.train), CoOccurrence::new(&split.train));
    let mut hits = vec![Vec::new(); 2 + oracles.len()];
    for event in split.test.events() {
        let hidden = histories.items(event.user);
        let sought = Sought { target: event.item, hidden };
        hits[0].push(sought.found(&popularity));
        hits[1].push(sought.found(&co_occurrence.scores(hidden)));
        for (oracle, hits) in oracles.iter().zip(&mut hits[2..]) {
            hits.push(sought.found(&oracle_scores(oracle, &event)));
        }
    }
    hits
}

#[test]
fn the_world_is_frozen() {
    // A changed fingerprint is a changed world: raise VERSION, give the reason in the changelog, run every table again.
    assert_eq!((VERSION, WORLD.fingerprint()), (1, 0xffef_073e_449c_b7b0));
    let seed = Seed::new(2);
    let small = || Parameters { users: 50, ..Parameters::default() };
    let world = World::generate(small(), seed).unwrap();
    assert_eq!(world.fingerprint(), World::generate(small(), seed).unwrap().fingerprint());
    assert_ne!(world.fingerprint(), World::generate(small(), Seed::new(3)).unwrap().fingerprint());
}

#[test]
fn lives_are_sound() {
    let log = WORLD.ratings();
    assert!((90_000..110_000).contains(&log.len()), "{} events", log.len());
    let histories = Histories::new(&log);
    let ColumnData::Numeric(uploaded) = WORLD.item_features().column("upload").unwrap().clone() else {
        panic!("upload is a number")
    };
    for user in (0..log.n_users() as u32).map(UserId) {
        let (items, times) = (histories.items(user), histories.times(user).unwrap());
        assert!((20..=150).contains(&items.len()));
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(items.iter().collect::<HashSet<_>>().len(), items.len(), "each pair once");
        for (item, &time) in items.iter().zip(times) {
            let day = (time - START) as f64 / 86_400_000.0;
            assert!(f64::from(uploaded[item.index()]) < day + 1e-3, "item {item} before its upload");
        }
    }
    assert!(log.values().unwrap().iter().all(|stars| [1.0, 2.0, 3.0, 4.0, 5.0].contains(stars)));
    assert_eq!(WORLD.implicit(), log.clone().without_values());
    assert_eq!(WORLD.watches().without_values(), log.without_values());
}

#[test]
fn popularity_has_a_long_tail() {
    let mut counts = popularity(&WORLD.implicit());
    counts.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = counts.iter().sum();
    let head = counts[..100].iter().sum::<f64>() / total;
    assert!((0.35..0.5).contains(&head), "the top tenth of the items has {head} of the events");
    // Between ranks 10 and 320, a factor of 32, a power law falls by its exponent in each doubling.
    let halvings = (counts[9] / counts[319]).log2() / 5.0;
    assert!((0.4..0.9).contains(&halvings), "exponent {halvings}");
}

#[test]
fn the_oracle_knows_the_chances() {
    let (oracle, log) = (WORLD.oracle(), WORLD.implicit());
    let split = Splitter::LeaveOneOut.split(&log, Seed::new(1)).unwrap();
    let histories = Histories::new(&split.train);
    let (mut surprise, mut gap) = (Vec::new(), Vec::new());
    for event in split.test.events() {
        let p = oracle_scores(&oracle, &event);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-4);
        assert!(histories.items(event.user).iter().all(|item| p[item.index()] == 0.0));
        // What is expected of the target's chance and of its place among the ten best, under the oracle's own law.
        surprise.push(p[event.item.index()] - p.iter().map(|p| p * p).sum::<f64>());
        let mut best: Vec<usize> = (0..p.len()).collect();
        best.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
        let hit = f64::from(u8::from(best[..10].contains(&event.item.index())));
        gap.push(hit - best[..10].iter().map(|&item| p[item]).sum::<f64>());
    }
    for (what, differences) in [("chance", surprise), ("hit", gap)] {
        let (mean, error) = mean(&differences);
        assert!(mean.abs() < 3.0 * error, "{what}: {mean} off, standard error {error}");
        assert!(error < 0.02);
    }
}

#[test]
fn the_session_oracle_knows_the_chances() {
    let (oracle, sessions) = (WORLD.session_oracle(), WORLD.sessions());
    let gap: Vec<f64> = sessions
        .events()
        .filter(|event| event.user.0 % 20 == 0)
        .map(|event| {
            let p = oracle_scores(&oracle, &event);
            p[event.item.index()] - p.iter().map(|p| p * p).sum::<f64>()
        })
        .collect();
    let (mean, error) = mean(&gap);
    assert!(mean.abs() < 3.0 * error && error < 0.005, "{mean} off, standard error {error}");
}

#[test]
fn what_can_be_learned_lies_between_popularity_and_the_oracle() {
    let oracles = [WORLD.oracle(), WORLD.oracle().knowing_searches()];
    let hits = hits(&WORLD.implicit(), &oracles);
    let rates: Vec<f64> = hits.iter().map(|hits| mean(hits).0).collect();
    assert!((0.05..0.1).contains(&rates[0]), "popularity {}", rates[0]);
    assert!(rates[2] > 0.35, "oracle {}", rates[2]);
    for (worse, better) in [(0, 1), (1, 2), (2, 3)] {
        let ahead = ahead(&hits[better], &hits[worse]);
        assert!(ahead > 3.0, "{rates:?}: {better} is {ahead} standard errors ahead of {worse}");
    }
}

#[test]
fn shuffled_labels_leave_popularity() {
    let log = WORLD.implicit();
    let shuffled = shuffled(&log, Seed::new(7));
    assert_eq!(shuffled.users(), log.users());
    assert_eq!(shuffled.times(), log.times());
    assert_eq!(popularity(&shuffled), popularity(&log));
    let pairs: HashSet<_> = shuffled.events().map(|event| (event.user, event.item)).collect();
    assert_eq!(pairs.len(), log.len());
    let kept = log.items().iter().zip(shuffled.items()).filter(|(a, b)| a == b).count();
    assert!(kept < log.len() / 50, "{kept} events kept their item");

    let hits = hits(&shuffled, &[]);
    assert!(ahead(&hits[1], &hits[0]) < 3.0, "{:?} against {:?}", mean(&hits[1]), mean(&hits[0]));
}

#[test]
fn expected_ratings_are_the_mean_of_ratings() {
    let (oracle, log) = (WORLD.oracle(), WORLD.ratings());
    let pairs: Vec<_> = log.events().map(|event| (Query::new(&[]).user(event.user), event.item)).collect();
    let mut expected = vec![0.0; pairs.len()];
    Score::rate(&oracle).unwrap().rate(&pairs, &mut expected).unwrap();
    let errors: Vec<f64> =
        log.events().zip(&expected).map(|(e, x)| f64::from(e.value) - f64::from(*x)).collect();
    let (bias, error) = mean(&errors);
    assert!(bias.abs() < 3.0 * error, "{bias} ± {error}");
    let rmse = (errors.iter().map(|x| x * x).sum::<f64>() / errors.len() as f64).sqrt();
    let stars: Vec<f64> = log.events().map(|event| f64::from(event.value)).collect();
    let spread = mean(&stars).1 * (stars.len() as f64).sqrt();
    assert!(rmse < 0.75 && spread > 1.05, "rmse {rmse}, standard deviation {spread}");
}

#[test]
fn sessions_lead_from_item_to_item() {
    let log = WORLD.sessions();
    assert_eq!(log.len(), WORLD.implicit().len());
    let histories = Histories::new(&log);
    let mut followers: HashMap<ItemId, HashMap<ItemId, f64>> = HashMap::new();
    for session in (0..log.n_users() as u32).map(UserId) {
        let items = histories.items(session);
        assert!(items.len() >= 2);
        for pair in items.windows(2) {
            *followers.entry(pair[0]).or_default().entry(pair[1]).or_default() += 1.0;
        }
    }
    let (mut top, mut all) = (0.0, 0.0);
    for followers in followers.values() {
        let mut counts: Vec<f64> = followers.values().copied().collect();
        counts.sort_by(|a, b| b.total_cmp(a));
        all += counts.iter().sum::<f64>();
        top += counts.iter().take(6).sum::<f64>();
    }
    let share = top / all;
    assert!((0.25..0.5).contains(&share), "six successors take {share} of the steps");
    let starts: Vec<i64> =
        (0..log.n_users() as u32).map(|s| histories.times(UserId(s)).unwrap()[0]).collect();
    assert!(starts.is_sorted(), "sessions are numbered by their start");
}

#[test]
fn new_items_are_watched_more() {
    let log = WORLD.implicit();
    let ColumnData::Numeric(uploaded) = WORLD.item_features().column("upload").unwrap().clone() else {
        panic!("upload is a number")
    };
    // Events a day on items uploaded during the world, in their first three days and in three days two weeks later.
    let count = |from: f64| {
        let age = |event: &Event| {
            let day = (event.time.unwrap() - START) as f64 / 86_400_000.0;
            day - f64::from(uploaded[event.item.index()])
        };
        let uploaded_then = |event: &Event| (0.0..30.0).contains(&uploaded[event.item.index()]);
        log.events().filter(|e| uploaded_then(e) && (from..from + 3.0).contains(&age(e))).count() as f64
    };
    assert!(count(0.0) > 2.0 * count(14.0), "{} new, {} old", count(0.0), count(14.0));
}

#[test]
fn demographics_tell_of_taste() {
    let (log, users, items) = (WORLD.implicit(), WORLD.user_features(), WORLD.item_features());
    let (gender, genre) = (users.column("gender").unwrap(), items.column("genre").unwrap());
    let ColumnData::Categorical { labels, .. } = gender else { panic!("gender is a category") };
    assert_eq!(labels.len(), 2);
    let mut share = vec![[0.0f64; 2]; 12];
    let mut totals = [0.0f64; 2];
    for event in log.events() {
        let gender = gender.codes(event.user.index())[0] as usize;
        share[genre.codes(event.item.index())[0] as usize][gender] += 1.0;
        totals[gender] += 1.0;
    }
    let lifts = share.iter().map(|[a, b]| ((a / totals[0]) / (b / totals[1])).ln().abs());
    assert!(lifts.fold(0.0, f64::max) > 0.2, "some genre differs by gender: {share:?}");
}

#[test]
fn signals_fit_the_log() {
    let (log, Signals { impressions, searches, .. }) = (WORLD.watches(), WORLD.signals());
    let (shown, asked) = (impressions.unwrap(), searches.unwrap());
    let mut clicks = HashMap::new();
    for row in 0..shown.items.len() {
        assert_eq!(shown.clicked[row], shown.watched[row] > 0.0);
        if shown.clicked[row] {
            clicks.insert((shown.users[row], shown.items[row]), (shown.times[row], shown.watched[row]));
        }
    }
    assert_eq!(clicks.len(), log.len());
    for event in log.events() {
        assert_eq!(clicks[&(event.user, event.item)], (event.time.unwrap(), event.value));
    }
    let rate = log.len() as f64 / shown.items.len() as f64;
    assert!((0.18..0.25).contains(&rate), "click rate {rate}");

    let (histories, words) = (Histories::new(&log), WORLD.item_features());
    let words = words.column("words").unwrap();
    let (mut fitting, mut tokens) = (0.0, 0.0);
    for row in 0..asked.users.len() {
        let times = histories.times(asked.users[row]).unwrap();
        let next = histories.items(asked.users[row])[times.partition_point(|&time| time <= asked.times[row])];
        for token in &asked.tokens[asked.starts[row]..asked.starts[row + 1]] {
            fitting += f64::from(u8::from(words.codes(next.index()).contains(token)));
            tokens += 1.0;
        }
    }
    assert!((0.88..0.93).contains(&(fitting / tokens)), "{} of the tokens fit", fitting / tokens);
    let titles = WORLD.titles();
    assert_eq!(titles.iter().filter(|title| title.split(' ').count() == 3).count(), 1000);
}

#[test]
fn the_oracle_answers_alike_however_it_is_asked() {
    let (oracle, log) = (WORLD.oracle(), WORLD.implicit());
    let (first, last) = (log.event(30), log.event(log.len() - 1));
    let queries = [first, last].map(|event| Query::new(&[]).user(event.user).at(event.time.unwrap()));
    let mut both = vec![0.0; 2000];
    oracle.score(&queries, Items::All, &mut both).unwrap();
    let mut block = vec![0.0; 20];
    oracle.score(&queries, Items::Range(90..100), &mut block).unwrap();
    assert_eq!(block, [&both[90..100], &both[1090..1100]].concat());
    let lists: [&[ItemId]; 2] = [&[ItemId(7), ItemId(3)], &[ItemId(999)]];
    let mut listed = vec![0.0; 3];
    oracle.score(&queries, Items::Lists(&lists), &mut listed).unwrap();
    assert_eq!(listed, [both[7], both[3], both[1999]]);

    let unknown = [queries[0], Query::new(&[]).user(UserId(2000))];
    let missing = ScoreError::Missing { query: 1, what: "user of the world" };
    assert_eq!(oracle.score(&unknown, Items::All, &mut both), Err(missing));
    let item = ScoreError::Item { item: ItemId(1000), n_items: 1000 };
    assert_eq!(Score::rate(&oracle).unwrap().rate(&[(queries[0], ItemId(1000))], &mut [0.0]), Err(item));
}

#[test]
fn without_a_time_the_oracle_gives_rates() {
    let (oracle, log) = (WORLD.oracle(), WORLD.implicit());
    let mut out = vec![0.0; 1000];
    let user = log.event(0).user;
    oracle.score(&[Query::new(&[]).user(user)], Items::All, &mut out).unwrap();
    let events = log.users().iter().filter(|&&other| other == user).count() as f32;
    assert!((out.iter().sum::<f32>() - events).abs() < 0.01, "rates sum to the number of events");
}

#[test]
fn impossible_worlds_are_refused() {
    let frozen = Parameters::default;
    for (name, parameters) in [
        ("users", Parameters { users: 0, ..frozen() }),
        ("follow", Parameters { follow: 1.5, ..frozen() }),
        ("fresh_days", Parameters { fresh_days: f64::NAN, ..frozen() }),
        ("most_events", Parameters { most_events: 700, ..frozen() }),
        ("successors", Parameters { successors: 1000, ..frozen() }),
    ] {
        let WorldError::Parameter { parameter, .. } = World::generate(parameters, Seed::new(1)).unwrap_err()
        else {
            panic!("a parameter is wrong")
        };
        assert_eq!(parameter, name);
    }
    assert!(serde_json::from_str::<Parameters>(r#"{"userz": 3}"#).is_err());
}
