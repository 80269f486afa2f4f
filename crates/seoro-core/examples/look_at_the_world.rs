//! Prints what the embedded world looks like: `cargo run --example look_at_the_world --features world`.

#![allow(clippy::print_stdout)]

use seoro_core::world::World;
use seoro_core::{ColumnData, Histories, ItemId, Items, Log, Query, Score, ScoreError, UserId};

fn main() -> Result<(), ScoreError> {
    let world = World::new();
    let ratings = world.ratings();
    println!("{} interactions, fingerprint {:016x}", ratings.len(), world.fingerprint());

    bars("stars", (1..=5).map(|stars| (stars.to_string(), count(&ratings, |e| e.value == stars as f32))));
    let mut popularity = vec![0; ratings.n_items()];
    ratings.items().iter().for_each(|item| popularity[item.index()] += 1);
    popularity.sort_unstable_by(|a, b| b.cmp(a));
    let ranks = [1, 3, 10, 30, 100, 300, 900];
    bars("events of the item at rank", ranks.iter().map(|&rank| (rank.to_string(), popularity[rank - 1])));
    let sessions = Histories::new(&world.sessions());
    let length = |session: u32| sessions.items(UserId(session)).len();
    let of_length = |n: usize| (0..sessions.n_users() as u32).filter(|&session| length(session) == n).count();
    bars("sessions of length", (2..10).map(|n| (n.to_string(), of_length(n))));

    one_life(&world, UserId(7))
}

/// The last session of a user, with what the oracle thought of each choice.
fn one_life(world: &World, user: UserId) -> Result<(), ScoreError> {
    let (implicit, titles, features, oracle) =
        (world.implicit(), world.titles(), world.item_features(), world.oracle());
    let histories = Histories::new(&implicit);
    let (items, times) = (histories.items(user), histories.times(user).unwrap_or_default());
    println!("\nthe last six choices of user {user}: chance, title, genres");
    for (&item, &time) in items.iter().zip(times).skip(items.len() - 6) {
        let mut chance = [0.0];
        let query = Query::new(&[]).user(user).at(time);
        oracle.score(&[query], Items::Lists(&[&[item]]), &mut chance)?;
        println!("  {:.3}  {}  {}", chance[0], titles[item.index()], genres(features.column("genre"), item));
    }
    Ok(())
}

fn genres(column: Option<&ColumnData>, item: ItemId) -> String {
    let Some(column @ ColumnData::Labels { labels, .. }) = column else { return String::new() };
    let names = column.codes(item.index()).iter().filter_map(|&code| labels.name(code));
    names.collect::<Vec<_>>().join(", ")
}

fn count(log: &Log, which: impl Fn(&seoro_core::Event) -> bool) -> usize {
    log.events().filter(|event| which(event)).count()
}

fn bars(title: &str, rows: impl Iterator<Item = (String, usize)> + Clone) {
    let most = rows.clone().map(|(_, n)| n).max().unwrap_or(1).max(1);
    println!("\n{title}");
    for (label, n) in rows {
        println!("{label:>5} {n:>6} {}", "█".repeat(50 * n / most));
    }
}
