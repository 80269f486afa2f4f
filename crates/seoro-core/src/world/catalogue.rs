//! The items: genres, channels, upload times, popularity, titles, and which item leads to which.

use super::Parameters;
use super::draw::{gumbel, normals, weighted};
use crate::features::FeaturesError;
use crate::{ColumnData, Csr, Features, Matrix, Rng, Seed, Vocab};
use rayon::prelude::*;
use std::sync::Arc;

/// How many words a genre has.
const GENRE_WORDS: u32 = 6;
/// How many words belong to no genre and no channel.
const COMMON_WORDS: u32 = 120;
/// How many words a title has.
pub(super) const TITLE: usize = 3;
/// The chance that an item has its channel's genre.
const CHANNEL_GENRE: f64 = 0.85;
/// The chance that an item has a second genre.
const SECOND_GENRE: f64 = 0.35;
/// How much likelier an item leads to one of its own channel.
const SAME_CHANNEL: f64 = 6.0;

/// One row an item.
#[derive(Clone, Debug)]
pub(super) struct Catalogue {
    /// φ `[I, D]`.
    pub(super) places: Matrix,
    /// π, the weight of popularity.
    pub(super) popularity: Vec<f64>,
    /// The day of upload, s; negative before the start.
    pub(super) uploaded: Vec<f64>,
    pub(super) quality: Vec<f64>,
    /// Seconds.
    pub(super) length: Vec<f64>,
    pub(super) genres: Vec<Vec<u32>>,
    pub(super) channel: Vec<u32>,
    /// The words of each title, as rows of `words`.
    pub(super) titles: Vec<[u32; TITLE]>,
    pub(super) words: Arc<Vocab>,
    /// F `[I, I]`: how strongly the row's item leads to the column's.
    pub(super) successors: Csr,
}

impl Catalogue {
    pub(super) fn new(p: &Parameters, seed: Seed) -> Self {
        let mut rng = seed.child("items").rng();
        let channel_genre: Vec<u32> = (0..p.channels).map(|_| rng.below(p.genres as u32)).collect();
        let channel_weight = zipf(p.channels, 0.7, 5.0);
        let channel: Vec<u32> = (0..p.items).map(|_| weighted(&mut rng, &channel_weight) as u32).collect();
        let genres: Vec<Vec<u32>> =
            channel.iter().map(|&c| genres_of(p, channel_genre[c as usize], &mut rng)).collect();
        let places = places(p, &genres, &channel, &mut rng);

        let mut popularity = zipf(p.items, p.zipf_exponent, p.zipf_shift);
        rng.shuffle(&mut popularity);
        let mut uploaded: Vec<f64> = (0..p.items).map(|item| upload_day(p, item, &mut rng)).collect();
        rng.shuffle(&mut uploaded);
        let quality = (0..p.items).map(|_| p.item_quality * rng.normal()).collect();
        let length = (0..p.items).map(|_| length(p, &mut rng)).collect();

        let title = |item: usize, rng: &mut Rng| {
            let genre_word = genres[item][0] * GENRE_WORDS + rng.below(GENRE_WORDS);
            let others = p.genres as u32 * GENRE_WORDS;
            [genre_word, others + channel[item], others + p.channels as u32 + rng.below(COMMON_WORDS)]
        };
        let titles = (0..p.items).map(|item| title(item, &mut rng)).collect();
        let successors = successors(p, &places, &popularity, &channel, seed.child("successors"));
        let words = Arc::new(words(p));
        Self { places, popularity, uploaded, quality, length, genres, channel, titles, words, successors }
    }

    /// The title of item `item`, its words capitalised.
    pub(super) fn title(&self, item: usize) -> String {
        let capitalised = self.titles[item].iter().map(|&word| {
            let name = self.words.name(word).unwrap_or_default();
            name[..1].to_uppercase() + &name[1..]
        });
        capitalised.collect::<Vec<_>>().join(" ")
    }

    /// P(token | item): a word of the title, or with chance `noise` any word.
    pub(super) fn token_chance(&self, item: usize, token: u32, noise: f64) -> f64 {
        let matches = self.titles[item].iter().filter(|&&word| word == token).count();
        (1.0 - noise) * matches as f64 / TITLE as f64 + noise / self.words.len() as f64
    }

    /// The columns genre, channel, words, upload (days since the start) and length (seconds).
    pub(super) fn features(&self, p: &Parameters) -> Result<Features, FeaturesError> {
        let mut features = Features::new(p.items);
        let labels = Arc::new(named("genre", p.genres));
        features.push("genre", label_column(self.genres.iter().map(Vec::as_slice), labels))?;
        let codes = self.channel.iter().map(|&channel| Some(channel)).collect();
        let labels = Arc::new(named("channel", p.channels));
        features.push("channel", ColumnData::Categorical { codes, labels })?;
        let words = self.titles.iter().map(<[u32; TITLE]>::as_slice);
        features.push("words", label_column(words, Arc::clone(&self.words)))?;
        let numeric = |column: &[f64]| ColumnData::Numeric(column.iter().map(|&x| x as f32).collect());
        features.push("upload", numeric(&self.uploaded))?;
        features.push("length", numeric(&self.length))?;
        Ok(features)
    }
}

fn label_column<'a>(rows: impl Iterator<Item = &'a [u32]>, labels: Arc<Vocab>) -> ColumnData {
    let (mut starts, mut codes) = (vec![0], Vec::new());
    for row in rows {
        codes.extend_from_slice(row);
        starts.push(codes.len());
    }
    ColumnData::Labels { starts, codes, labels }
}

/// The vocabulary `what-0`, `what-1`, ….
pub(super) fn named(what: &str, n: usize) -> Vocab {
    vocab((0..n).map(|row| format!("{what}-{row}")))
}

fn vocab(names: impl Iterator<Item = String>) -> Vocab {
    let mut vocab = Vocab::new();
    for name in names {
        vocab.intern(&name).expect("far fewer names than 2^32");
    }
    vocab
}

/// Pronounceable words, each once: two of 70 syllables, scattered.
fn words(p: &Parameters) -> Vocab {
    const CONSONANTS: &[u8] = b"bdfghklmnprstv";
    const VOWELS: &[u8] = b"aeiou";
    let syllable = |n: usize| [CONSONANTS[n / VOWELS.len()], VOWELS[n % VOWELS.len()]];
    let syllables = CONSONANTS.len() * VOWELS.len();
    let n = p.genres * GENRE_WORDS as usize + p.channels + COMMON_WORDS as usize;
    vocab((0..n).map(|word| {
        // 2741 has no factor in common with 70², so no two of the first 4,900 words are equal.
        let place = word * 2741 % (syllables * syllables);
        let letters = [syllable(place / syllables), syllable(place % syllables)].concat();
        letters.into_iter().map(char::from).collect()
    }))
}

/// `(rank + shift)^−exponent` for rank 1 to `n`.
fn zipf(n: usize, exponent: f64, shift: f64) -> Vec<f64> {
    (1..=n).map(|rank| (rank as f64 + shift).powf(-exponent)).collect()
}

fn genres_of(p: &Parameters, channel_genre: u32, rng: &mut Rng) -> Vec<u32> {
    let any = rng.below(p.genres as u32);
    let first = if rng.unit() < CHANNEL_GENRE { channel_genre } else { any };
    let second = rng.below(p.genres as u32);
    if second != first && rng.unit() < SECOND_GENRE { vec![first, second] } else { vec![first] }
}

fn upload_day(p: &Parameters, item: usize, rng: &mut Rng) -> f64 {
    if item < p.old_items() { -p.backlog_days * rng.unit() } else { p.days * rng.unit() }
}

fn length(p: &Parameters, rng: &mut Rng) -> f64 {
    (p.length_median * (p.length_spread * rng.normal()).exp()).clamp(30.0, 1800.0).round()
}

/// φ = √γ genre + √η channel + √(1 − γ − η) own, each standard normal; two genres are averaged to the same length.
fn places(p: &Parameters, genres: &[Vec<u32>], channel: &[u32], rng: &mut Rng) -> Matrix {
    let (genre_place, channel_place) =
        (normals(p.genres, p.dimensions, rng), normals(p.channels, p.dimensions, rng));
    let mut places = normals(p.items, p.dimensions, rng);
    let own = (1.0 - p.genre_share - p.channel_share).max(0.0).sqrt();
    for (item, genres) in genres.iter().enumerate() {
        let genre = (p.genre_share / genres.len() as f64).sqrt();
        for (d, x) in places.row_mut(item).iter_mut().enumerate() {
            let genres: f32 = genres.iter().map(|&g| genre_place.row(g as usize)[d]).sum();
            let channel = channel_place.row(channel[item] as usize)[d];
            *x = own as f32 * *x + genre as f32 * genres + p.channel_share.sqrt() as f32 * channel;
        }
    }
    places
}

/// F: successors drawn without replacement by √π × similarity × channel, the k-th with strength 1/k.
fn successors(p: &Parameters, places: &Matrix, popularity: &[f64], channel: &[u32], seed: Seed) -> Csr {
    let row = |item: usize| {
        let mut rng = seed.index(item as u64).rng();
        let mut keyed: Vec<(f64, u32)> = (0..p.items)
            .map(|other| {
                let same = if channel[item] == channel[other] { SAME_CHANNEL.ln() } else { 0.0 };
                let similar = super::law::affinity(places.row(item), places.row(other));
                (0.5 * popularity[other].ln() + similar + same + gumbel(&mut rng), other as u32)
            })
            .collect();
        keyed.swap_remove(item);
        keyed.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let ranked = keyed[..p.successors].iter().enumerate();
        let mut row: Vec<(u32, f32)> =
            ranked.map(|(rank, &(_, other))| (other, 1.0 / (rank + 1) as f32)).collect();
        row.sort_unstable_by_key(|&(other, _)| other);
        row
    };
    let rows: Vec<_> = (0..p.items).into_par_iter().map(row).collect();
    Csr::from_sorted_rows(rows.into_iter(), p.items)
}
