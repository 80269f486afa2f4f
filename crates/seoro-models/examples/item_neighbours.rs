//! Fits ItemKNN on a file of lines `user item` (rows as numbers), times it, and prints the neighbours of an item:
//! `cargo run --release -p seoro-models --example item_neighbours -- pairs.txt [neighbours] [threads] [cosine|tfidf]`.
//! Without a file it takes the embedded world.
#![allow(clippy::print_stdout)]

use seoro_core::world::World;
use seoro_core::{Histories, ItemId, Log, Seed, UserId, Vocab};
use seoro_models::similarity::Weighting;
use seoro_models::{ItemKnn, Recommender, Run, Training};
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let log = match arguments.first() {
        Some(path) => read_pairs(path)?,
        None => World::new().implicit(),
    };
    let neighbours = arguments.get(1).map_or(Ok(50), |text| text.parse())?;
    let mut run = Run::new(Seed::new(1));
    run.threads = arguments.get(2).map_or(Ok(0), |text| text.parse())?;
    let weighting = match arguments.get(3).map(String::as_str) {
        Some("tfidf") => Weighting::TfIdf,
        _ => Weighting::None,
    };

    let histories = Histories::new(&log);
    let recipe = ItemKnn { neighbours, weighting, ..ItemKnn::default() };
    let start = Instant::now();
    let model = recipe.fit(&Training::new(&log, &histories), &mut run)?;
    let seconds = start.elapsed().as_secs_f64();

    let weights = model.weights();
    let sum: f64 = (0..weights.rows()).flat_map(|row| weights.values(row)).map(|&s| f64::from(s)).sum();
    println!("{} similarities, {sum:.3} in all, in {seconds:.3} s", weights.entries());
    for (item, similarity) in weights.row(0).take(5) {
        println!("item 0 counts {similarity:.3} for item {item}");
    }
    Ok(())
}

fn read_pairs(path: &str) -> Result<Log, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let (mut users, mut items) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (user, item) = line.split_once(' ').ok_or("expected lines `user item`")?;
        users.push(UserId(user.parse()?));
        items.push(ItemId(item.trim().parse()?));
    }
    let rows = |ids: Option<u32>| Arc::new(Vocab::numbered(ids.map_or(0, |id| id + 1)));
    let vocabs = (rows(users.iter().map(|u| u.0).max()), rows(items.iter().map(|i| i.0).max()));
    Ok(Log::new(users, items, None, None, vocabs.0, vocabs.1)?)
}
