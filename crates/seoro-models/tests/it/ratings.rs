//! Models of ratings on data whose hidden ratings are known, and what they make of ratings that are not as they should be.

use seoro_core::{Histories, ItemId, Items, Log, Query, Score, ScoreError, Seed, UserId, Vocab};
use seoro_models::mf::{Feedback, FunkSvd};
use seoro_models::rbm::Rbm;
use seoro_models::{FitError, Recommender, Run, Side, Training};
use std::sync::Arc;

const USERS: u32 = 40;
const ITEMS: u32 = 30;

fn is_hidden(user: u32, item: u32) -> bool {
    (user * 7 + item * 3).is_multiple_of(11)
}

/// What `user` gives `item`: three kinds of users, and half a star for those items whose number is even.
fn rating(user: u32, item: u32) -> f32 {
    let same = user % 3 == item % 3;
    (if same { 4.0 } else { 1.5 }) + if item.is_multiple_of(2) { 0.5 } else { 0.0 }
}

/// Ratings but those hidden; the last user and the last item have none.
fn log(change: impl Fn(f32) -> f32) -> Log {
    let pairs = (0..USERS).flat_map(|user| (0..ITEMS).map(move |item| (user, item)));
    let known: Vec<(u32, u32)> = pairs.filter(|&(user, item)| !is_hidden(user, item)).collect();
    let (users, items) = known.iter().map(|&(user, item)| (UserId(user), ItemId(item))).unzip();
    let ratings = known.iter().map(|&(user, item)| change(rating(user, item))).collect();
    let vocab = |rows: u32| Arc::new(Vocab::numbered(rows + 1));
    Log::new(users, items, Some(ratings), None, vocab(USERS), vocab(ITEMS)).unwrap()
}

fn fit<R: Recommender>(recipe: &R, log: &Log) -> Result<R::Fitted, FitError> {
    let histories = Histories::new(log);
    let mut run = Run::new(Seed::new(3));
    run.threads = 2;
    recipe.fit(&Training::new(log, &histories), &mut run)
}

fn rmse(model: &dyn Score, log: &Log) -> f64 {
    let histories = Histories::new(log);
    let hidden = (0..USERS).flat_map(|user| (0..ITEMS).map(move |item| (user, item)));
    let hidden: Vec<(u32, u32)> = hidden.filter(|&(user, item)| is_hidden(user, item)).collect();
    let pairs: Vec<_> =
        hidden.iter().map(|&(user, item)| (histories.query(UserId(user)), ItemId(item))).collect();
    let mut found = vec![0.0; pairs.len()];
    model.rate().unwrap().rate(&pairs, &mut found).unwrap();
    let errors =
        hidden.iter().zip(&found).map(|(&(user, item), found)| f64::from(found - rating(user, item)));
    (errors.map(|error| error * error).sum::<f64>() / found.len() as f64).sqrt()
}

fn rbm(rows: Side) -> Rbm {
    Rbm {
        rows,
        hidden: 20,
        batch_size: 5,
        epochs: 400,
        momentum: 0.5,
        learning_rate_decay: 1.0,
        regularization: 0.003,
        ..Rbm::default()
    }
}

#[test]
fn machines_find_hidden_ratings_from_either_side() {
    let log = log(|rating| rating);
    for rows in [Side::Users, Side::Items] {
        let found = rmse(&fit(&rbm(rows), &log).unwrap(), &log);
        assert!(found < 0.4, "{rows:?}: {found}");
    }
}

#[test]
fn strangers_and_items_without_ratings_get_what_the_recipe_says() {
    let log = log(|rating| rating);
    for rows in [Side::Users, Side::Items] {
        let model = fit(&Rbm { unseen: Some(2.25), ..rbm(rows) }, &log).unwrap();
        let (stranger, beyond) =
            (Query::new(&[]).user(UserId(USERS)), Query::new(&[]).user(UserId(USERS + 9)));
        let mut out = [0.0; 2];
        model.rate().unwrap().rate(&[(stranger, ItemId(0)), (beyond, ItemId(1))], &mut out).unwrap();
        assert_eq!(out, [2.25; 2]);
        let histories = Histories::new(&log);
        let query = histories.query(UserId(0));
        model.rate().unwrap().rate(&[(query, ItemId(ITEMS))], &mut out[..1]).unwrap();
        assert_eq!(out[0], 2.25, "an item without ratings");
        let beyond = model.rate().unwrap().rate(&[(query, ItemId(ITEMS + 1))], &mut out[..1]);
        assert!(matches!(beyond, Err(ScoreError::Item { .. })));
    }
}

#[test]
fn a_rating_that_training_had_none_of_counts_as_the_nearest() {
    let log = log(|rating| rating);
    let model = fit(&rbm(Side::Users), &log).unwrap();
    let history = [ItemId(0), ItemId(1)];
    let scores = |values: &[f32]| {
        let mut scores = vec![0.0; ITEMS as usize + 1];
        model.score(&[Query::new(&history).values(values)], Items::All, &mut scores).unwrap();
        scores
    };
    assert_eq!(scores(&[9.0, 1.6]), scores(&[4.5, 1.5]));
    assert_ne!(scores(&[4.5, 1.5]), scores(&[1.5, 4.5]));
}

/// Calls `check` with each model of ratings.
fn on_each(check: impl Fn(&str, &dyn Fn(&Log) -> Result<Box<dyn Score>, FitError>)) {
    check("rbm", &|log| Ok(Box::new(fit(&Rbm { epochs: 1, ..rbm(Side::Items) }, log)?)));
    let funk = FunkSvd { feedback: Feedback::Ratings, factors: 4, epochs: 1, ..FunkSvd::default() };
    check("funk-svd", &move |log| Ok(Box::new(fit(&funk, log)?)));
    #[cfg(feature = "networks")]
    for rows in [Side::Users, Side::Items] {
        let recipe = seoro_models::autorec::AutoRec { rows, hidden: 4, epochs: 1, ..Default::default() };
        check("autorec", &move |log| Ok(Box::new(fit(&recipe, log)?)));
        let ae = seoro_models::autoencoder::Ae {
            feedback: Feedback::Ratings,
            rows,
            epochs: 1,
            ..Default::default()
        };
        check("ae", &move |log| Ok(Box::new(fit(&ae, log)?)));
    }
}

#[test]
fn data_without_ratings_are_refused() {
    let rated = log(|rating| rating);
    let (users, items) = (rated.users().to_vec(), rated.items().to_vec());
    let (user_vocab, item_vocab) = (rated.user_vocab().clone(), rated.item_vocab().clone());
    let bare = Log::new(users, items, None, None, user_vocab, item_vocab).unwrap();
    on_each(|name, fit| {
        let refused = fit(&bare).map(|_| ());
        assert!(matches!(refused, Err(FitError::Missing { .. })), "{name}: {refused:?}");
    });
}

#[test]
fn predictions_keep_to_the_range_of_training() {
    // On a scale of its own.
    let log = log(|rating| 100.0 + 10.0 * rating);
    let histories = Histories::new(&log);
    on_each(|name, fit| {
        let model = fit(&log).unwrap();
        let pairs: Vec<_> = (0..ITEMS).map(|item| (histories.query(UserId(0)), ItemId(item))).collect();
        let mut found = vec![0.0; pairs.len()];
        model.rate().unwrap().rate(&pairs, &mut found).unwrap();
        assert!(found.iter().all(|rating| (115.0..=145.0).contains(rating)), "{name}: {found:?}");
    });
}

#[test]
fn ratings_beyond_a_declared_scale_are_refused() {
    let log = log(|rating| rating);
    let refused = fit(&Rbm { scale: Some([1.0, 4.0]), ..rbm(Side::Users) }, &log);
    match refused {
        Err(FitError::Rating { rating, low, high, .. }) => assert_eq!((rating, low, high), (4.5, 1.0, 4.0)),
        other => panic!("{:?}", other.map(|_| ())),
    }
    let upside_down = fit(&Rbm { scale: Some([5.0, 1.0]), ..rbm(Side::Users) }, &log);
    assert!(matches!(upside_down, Err(FitError::Parameter { parameter: "scale", .. })));
}

#[test]
fn a_rating_that_was_given_anew_plays_no_part() {
    let rated = log(|rating| rating);
    let again = |first: f32| {
        let mut users = vec![UserId(0)];
        let mut items = vec![rated.items()[0]];
        let mut ratings = vec![first];
        users.extend(rated.users());
        items.extend(rated.items());
        ratings.extend(rated.values().unwrap());
        let vocabs = (rated.user_vocab().clone(), rated.item_vocab().clone());
        Log::new(users, items, Some(ratings), None, vocabs.0, vocabs.1).unwrap()
    };
    // No other rating is a 5.
    let recipe = Rbm { epochs: 2, ..rbm(Side::Users) };
    assert!(fit(&recipe, &again(5.0)).unwrap() == fit(&recipe, &rated).unwrap());
}

#[test]
fn machines_refuse_what_they_cannot_do() {
    let parameter = |recipe: Rbm| match fit(&recipe, &log(|rating| rating)) {
        Err(FitError::Parameter { parameter, .. }) => parameter,
        other => panic!("{:?}", other.map(|_| ())),
    };
    let base = || rbm(Side::Users);
    assert_eq!(parameter(Rbm { hidden: 0, ..base() }), "hidden");
    assert_eq!(parameter(Rbm { gibbs_steps: 0, ..base() }), "gibbs_steps");
    assert_eq!(parameter(Rbm { momentum: 1.0, ..base() }), "momentum");
    assert_eq!(parameter(Rbm { learning_rate_decay: 1.5, ..base() }), "learning_rate_decay");
    assert_eq!(parameter(Rbm { unseen: Some(f64::NAN), ..base() }), "unseen");
    let count = std::cell::Cell::new(0.0);
    let each_another = log(|_| count.replace(count.get() + 1.0));
    assert!(matches!(fit(&base(), &each_another), Err(FitError::Numeric { .. })));
}

#[cfg(feature = "networks")]
mod networks {
    use super::*;
    use seoro_models::autoencoder::{Ae, AutoencoderModel, Corruption, RowLoss};
    use seoro_models::autorec::AutoRec;
    use seoro_models::cdae::Cdae;
    use seoro_models::ops::Activation;
    use seoro_models::train::{Adam, Optimizer};
    use seoro_models::{Checkpoint, Epoch};
    use std::sync::atomic::{AtomicBool, Ordering};

    fn autorec(rows: Side) -> AutoRec {
        AutoRec { rows, hidden: 12, epochs: 200, regularization: 0.1, ..AutoRec::default() }
    }

    #[test]
    fn autoencoders_find_hidden_ratings_from_either_side() {
        let log = log(|rating| rating);
        for rows in [Side::Users, Side::Items] {
            let found = rmse(&fit(&autorec(rows), &log).unwrap(), &log);
            assert!(found < 0.4, "{rows:?}: {found}");
            let bounded = AutoRec { output_activation: Activation::Sigmoid, ..autorec(rows) };
            let found = rmse(&fit(&bounded, &log).unwrap(), &log);
            assert!(found < 0.4, "{rows:?}, sigmoid: {found}");
        }
    }

    fn rated(model: &AutoencoderModel, query: Query<'_>, item: u32) -> f32 {
        let mut out = [0.0];
        model.rate().unwrap().rate(&[(query, ItemId(item))], &mut out).unwrap();
        out[0]
    }

    #[test]
    fn who_has_no_rating_gets_what_the_recipe_says_or_the_mean() {
        let log = log(|rating| rating);
        let values = log.values().unwrap();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        for rows in [Side::Users, Side::Items] {
            let short = AutoRec { epochs: 2, ..autorec(rows) };
            for (unseen, expected) in [(Some(2.25), 2.25), (None, mean)] {
                let model = fit(&AutoRec { unseen, ..short.clone() }, &log).unwrap();
                assert!((rated(&model, Query::new(&[]).user(UserId(USERS)), 0) - expected).abs() < 1e-4);
            }
            let ae = Ae { feedback: Feedback::Ratings, rows, epochs: 2, ..Ae::default() };
            let model = fit(&ae, &log).unwrap();
            assert!((rated(&model, Query::new(&[]).user(UserId(USERS)), 0) - mean).abs() < 1e-4);
        }
    }

    #[test]
    fn ratings_that_are_all_the_same_are_predicted() {
        let log = log(|_| 4.0);
        let histories = Histories::new(&log);
        for output_activation in [Activation::Sigmoid, Activation::Tanh, Activation::Linear] {
            let model = fit(&AutoRec { output_activation, epochs: 3, ..autorec(Side::Items) }, &log).unwrap();
            assert_eq!(rated(&model, histories.query(UserId(0)), 1), 4.0);
        }
    }

    #[test]
    fn a_declared_scale_is_the_range_of_predictions() {
        let log = log(|rating| rating);
        let histories = Histories::new(&log);
        let beyond = fit(&AutoRec { scale: Some([2.0, 5.0]), ..autorec(Side::Items) }, &log);
        assert!(matches!(beyond, Err(FitError::Rating { rating: 1.5, .. })));
        let wide = AutoRec {
            scale: Some([0.0, 10.0]),
            output_activation: Activation::Sigmoid,
            ..autorec(Side::Items)
        };
        let model = fit(&wide, &log).unwrap();
        assert!((0.0..=10.0).contains(&rated(&model, histories.query(UserId(0)), 1)));
    }

    #[test]
    fn denoising_autoencoders_learn_ratings_too() {
        let log = log(|rating| rating);
        let ae = Ae {
            feedback: Feedback::Ratings,
            hidden: 12,
            regularization: 0.1,
            learning_rate: 0.01,
            epochs: 200,
            batch_size: 8,
            ..Ae::default()
        };
        let noises = [Corruption::Mask(0.2), Corruption::Dropout(0.2), Corruption::Gaussian(0.3)];
        for corruption in noises.into_iter().chain([Corruption::None]) {
            let found = rmse(&fit(&ae.clone().corrupted(corruption), &log).unwrap(), &log);
            assert!(found < 0.6, "{corruption:?}: {found}");
        }
    }

    /// Interactions of users with items of their own kind, some of them hidden.
    fn interactions() -> Log {
        let pairs = (0..USERS).flat_map(|user| (0..ITEMS).map(move |item| (user, item)));
        let own = pairs.filter(|&(user, item)| user % 3 == item % 3 && !is_hidden(user, item));
        let (users, items) = own.map(|(user, item)| (UserId(user), ItemId(item))).unzip();
        let vocab = |rows: u32| Arc::new(Vocab::numbered(rows));
        Log::new(users, items, None, None, vocab(USERS), vocab(ITEMS)).unwrap()
    }

    /// The share of hidden own items that stand before all items of other kinds.
    fn found(model: &AutoencoderModel, log: &Log) -> f64 {
        let histories = Histories::new(log);
        let (mut right, mut all) = (0, 0);
        for user in 0..USERS {
            let mut scores = vec![0.0; ITEMS as usize];
            model.score(&[histories.query(UserId(user))], Items::All, &mut scores).unwrap();
            let other = (0..ITEMS).filter(|item| item % 3 != user % 3).map(|item| scores[item as usize]);
            let best = other.fold(f32::NEG_INFINITY, f32::max);
            let hidden = (0..ITEMS).filter(|&item| item % 3 == user % 3 && is_hidden(user, item));
            for item in hidden {
                all += 1;
                right += usize::from(scores[item as usize] > best);
            }
        }
        right as f64 / f64::from(all)
    }

    #[test]
    fn every_variant_of_cdae_finds_hidden_items() {
        let log = interactions();
        let linear = Activation::Linear;
        let base = Cdae { hidden: 8, batch_size: 4, epochs: 60, ..Cdae::default() };
        let m1 = Cdae {
            hidden_activation: linear,
            output_activation: linear,
            loss: RowLoss::Squared,
            learning_rate: 0.3,
            epochs: 200,
            ..base.clone()
        };
        let m2 = Cdae { hidden_activation: linear, ..base.clone() };
        let m3 = Cdae { output_activation: linear, loss: RowLoss::Squared, ..base.clone() };
        let tied = Cdae { tied: true, ..base.clone() };
        let dae = Cdae { user_nodes: false, ..base.clone() };
        for (name, recipe) in [("m1", m1), ("m2", m2), ("m3", m3), ("m4", base), ("tied", tied), ("dae", dae)]
        {
            let share = found(&fit(&recipe, &log).unwrap(), &log);
            assert!(share > 0.9, "{name}: {share}");
        }
    }

    #[test]
    fn where_nothing_went_in_nothing_goes_in() {
        let log = interactions();
        let model = fit(&Cdae { corruption: 1.0, epochs: 2, ..Cdae::default() }, &log).unwrap();
        let histories = Histories::new(&log);
        let scores = |query: Query<'_>| {
            let mut scores = vec![0.0; ITEMS as usize];
            model.score(&[query], Items::All, &mut scores).unwrap();
            scores
        };
        // A user is its node.
        assert_eq!(scores(histories.query(UserId(0))), scores(Query::new(&[]).user(UserId(0))));
        assert_ne!(scores(histories.query(UserId(0))), scores(histories.query(UserId(1))));
    }

    fn resumed<R: Recommender>(recipe: &R, log: &Log)
    where
        R::Fitted: PartialEq,
    {
        let histories = Histories::new(log);
        let training = Training::new(log, &histories);
        let run = || {
            let mut run = Run::new(Seed::new(3));
            run.threads = 2;
            run
        };
        let whole = recipe.fit(&training, &mut run()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint { path: folder.path().join("state"), every: 2 };
        let cancel = AtomicBool::new(false);
        let mut kill = |epoch: Epoch<'_>| cancel.store(epoch.epoch == 5, Ordering::Relaxed);
        let mut killed = run().cancelled_by(&cancel);
        killed.checkpoint = Some(checkpoint.clone());
        killed.observe = Some(&mut kill);
        assert!(matches!(recipe.fit(&training, &mut killed), Err(FitError::Cancelled)));
        let mut seen = Vec::new();
        let mut observe = |epoch: Epoch<'_>| seen.push(epoch.epoch);
        let mut again = run();
        again.checkpoint = Some(checkpoint);
        again.observe = Some(&mut observe);
        assert!(recipe.fit(&training, &mut again).unwrap() == whole, "{}", R::NAME);
        drop(again);
        assert_eq!(seen, [5, 6]);
    }

    #[test]
    fn cancelled_and_resumed_fits_equal_uninterrupted_ones() {
        let rated = log(|rating| rating);
        resumed(&AutoRec { epochs: 6, ..autorec(Side::Items) }, &rated);
        let adam = Optimizer::Adam(Adam::default());
        resumed(&AutoRec { optimizer: adam, epochs: 6, batch_size: Some(8), ..autorec(Side::Users) }, &rated);
        resumed(&Rbm { epochs: 6, ..rbm(Side::Users) }, &rated);
        resumed(&Cdae { hidden: 8, batch_size: 4, epochs: 6, ..Cdae::default() }, &interactions());
        resumed(&Ae { epochs: 6, ..Ae::default() }, &interactions());
    }

    #[test]
    fn bad_hyper_parameters_are_typed_errors() {
        let parameter = |recipe: Cdae| match fit(&recipe, &interactions()) {
            Err(FitError::Parameter { parameter, .. }) => parameter,
            other => panic!("{:?}", other.map(|_| ())),
        };
        assert_eq!(parameter(Cdae { hidden: 0, ..Cdae::default() }), "hidden");
        assert_eq!(parameter(Cdae { corruption: 1.5, ..Cdae::default() }), "corruption");
        assert_eq!(parameter(Cdae { regularization: -1.0, ..Cdae::default() }), "regularization");
        assert_eq!(parameter(Cdae { negatives: 1 << 20, ..Cdae::default() }), "negatives");
        let unseen = AutoRec { unseen: Some(f64::NAN), ..autorec(Side::Items) };
        assert!(matches!(fit(&unseen, &log(|rating| rating)), Err(FitError::Parameter { .. })));
    }
}
