//! The numbers the world is made of.

use serde::{Deserialize, Serialize};

/// Raised with every change to [`Parameters::default`] or to the equations; part of a result's key.
///
/// A change needs a reason in the changelog, and every table on the world is run again.
pub const VERSION: u32 = 1;

/// The numbers the world is made of; the default is the frozen world. Symbols are those of the [module](super).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// How many users.
    pub users: usize,
    /// How many items.
    pub items: usize,
    /// How many days the world lasts, T.
    pub days: f64,
    /// How many genres.
    pub genres: usize,
    /// How many channels.
    pub channels: usize,
    /// How many regions users live in.
    pub regions: usize,
    /// D, the dimensions of taste.
    pub dimensions: usize,
    /// κ, how much taste decides.
    pub taste: f64,
    /// ρ, the share of taste that demographics explain.
    pub demographic_share: f64,
    /// γ, the share of an item's place in taste space that its genres explain.
    pub genre_share: f64,
    /// η, the share that its channel explains.
    pub channel_share: f64,
    /// s, the exponent of popularity.
    pub zipf_exponent: f64,
    /// q, how many ranks the head of the popularity curve is flattened by.
    pub zipf_shift: f64,
    /// The share of items that are there from the start; the others are uploaded evenly over the days.
    pub old_share: f64,
    /// How many days before the start the first item was uploaded.
    pub backlog_days: f64,
    /// A, how many times its later weight a new item has on top of it.
    pub fresh_boost: f64,
    /// τ, the days in which freshness falls to 1/e.
    pub fresh_days: f64,
    /// How many successors an item has.
    pub successors: usize,
    /// μ, the chance that an event within a session follows from the one before.
    pub follow: f64,
    /// The fewest events of a user.
    pub least_events: usize,
    /// How many more a user has on average, exponentially distributed.
    pub more_events: f64,
    /// The most events of a user.
    pub most_events: usize,
    /// How many events a session has on average beyond its two, geometrically distributed.
    pub session_extra: f64,
    /// The mean rating before it is rounded into 1 to 5.
    pub rating_mean: f64,
    /// The standard deviation of users' rating biases.
    pub user_bias: f64,
    /// The standard deviation of items' qualities.
    pub item_quality: f64,
    /// How many stars a unit of affinity adds.
    pub rating_taste: f64,
    /// The scale of a rating's logistic noise.
    pub rating_noise: f64,
    /// The median length of an item in seconds.
    pub length_median: f64,
    /// The standard deviation of the lengths' logarithms.
    pub length_spread: f64,
    /// How much a star adds to the log-odds of watching on.
    pub watch_quality: f64,
    /// The standard deviation of those log-odds for one user and item.
    pub watch_noise: f64,
    /// How many items are shown beside each one clicked.
    pub distractors: usize,
    /// The chance that an event is preceded by a search.
    pub search_chance: f64,
    /// ν, the chance that a searched token is any token.
    pub search_noise: f64,
    /// The most tokens of a search.
    pub search_tokens: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            users: 2000,
            items: 1000,
            days: 56.0,
            genres: 12,
            channels: 60,
            regions: 5,
            dimensions: 6,
            taste: 1.8,
            demographic_share: 0.3,
            genre_share: 0.6,
            channel_share: 0.15,
            zipf_exponent: 1.0,
            zipf_shift: 10.0,
            old_share: 0.6,
            backlog_days: 200.0,
            fresh_boost: 4.0,
            fresh_days: 5.0,
            successors: 6,
            follow: 0.25,
            least_events: 20,
            more_events: 30.0,
            most_events: 150,
            session_extra: 3.0,
            rating_mean: 2.6,
            user_bias: 0.4,
            item_quality: 0.4,
            rating_taste: 1.0,
            rating_noise: 0.4,
            length_median: 300.0,
            length_spread: 0.6,
            watch_quality: 1.0,
            watch_noise: 0.7,
            distractors: 4,
            search_chance: 0.25,
            search_noise: 0.1,
            search_tokens: 2,
        }
    }
}

/// Why there is no world of these parameters.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum WorldError {
    /// A parameter outside its range.
    #[error("world: {parameter} = {value}; expected {expected}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What was expected, in words.
        expected: &'static str,
    },
}

impl Parameters {
    /// How many items are there from the start.
    pub(super) fn old_items(&self) -> usize {
        (self.items as f64 * self.old_share) as usize
    }

    /// Refuses what the equations are not made for.
    ///
    /// # Errors
    /// [`WorldError::Parameter`], for the first parameter outside its range.
    pub fn check(&self) -> Result<(), WorldError> {
        self.check_counts()?;
        all(self.shares(), "a share from 0 to 1", |x| (0.0..=1.0).contains(&x))?;
        all(self.positive(), "a positive number", |x| x > 0.0 && x.is_finite())?;
        all(self.not_negative(), "a number that is not negative", |x| x >= 0.0 && x.is_finite())?;
        let slopes = [self.rating_mean, self.rating_taste, self.watch_quality];
        let names = ["rating_mean", "rating_taste", "watch_quality"];
        all(names.into_iter().zip(slopes), "a finite number", f64::is_finite)?;
        // exp(days / fresh_days) must stay a number.
        let lasting = self.days / self.fresh_days < 500.0;
        one("fresh_days", self.fresh_days, "more than days / 500", lasting)
    }

    fn check_counts(&self) -> Result<(), WorldError> {
        let counts = [
            ("users", self.users, 1 << 24),
            ("items", self.items, 1 << 20),
            ("genres", self.genres, 100),
            ("channels", self.channels, 1000),
            ("regions", self.regions, 1000),
            ("dimensions", self.dimensions, 1024),
        ];
        for (name, value, most) in counts {
            one(name, value as f64, "at least 1, and no giant", (1..=most).contains(&value))?;
        }
        let (least, most) = (self.least_events, self.most_events);
        one("least_events", least as f64, "at least 2", least >= 2)?;
        // Then nobody runs out of items.
        let enough = (least..self.old_items()).contains(&most);
        one("most_events", most as f64, "least_events or more, fewer than the old items", enough)?;
        one("successors", self.successors as f64, "fewer than items", self.successors < self.items)?;
        one("distractors", self.distractors as f64, "at most 1000", self.distractors <= 1000)?;
        let tokens = self.search_tokens;
        one("search_tokens", f64::from(tokens), "from 1 to 1000", (1..=1000).contains(&tokens))
    }

    fn shares(&self) -> [(&'static str, f64); 8] {
        [
            ("demographic_share", self.demographic_share),
            ("genre_share", self.genre_share),
            ("channel_share", self.channel_share),
            ("genre_share + channel_share", self.genre_share + self.channel_share),
            ("old_share", self.old_share),
            ("follow", self.follow),
            ("search_chance", self.search_chance),
            ("search_noise", self.search_noise),
        ]
    }

    fn positive(&self) -> [(&'static str, f64); 4] {
        [
            ("days", self.days),
            ("fresh_days", self.fresh_days),
            ("rating_noise", self.rating_noise),
            ("length_median", self.length_median),
        ]
    }

    fn not_negative(&self) -> [(&'static str, f64); 11] {
        [
            ("taste", self.taste),
            ("zipf_exponent", self.zipf_exponent),
            ("zipf_shift", self.zipf_shift),
            ("backlog_days", self.backlog_days),
            ("fresh_boost", self.fresh_boost),
            ("more_events", self.more_events),
            ("session_extra", self.session_extra),
            ("user_bias", self.user_bias),
            ("item_quality", self.item_quality),
            ("length_spread", self.length_spread),
            ("watch_noise", self.watch_noise),
        ]
    }
}

fn one(parameter: &'static str, value: f64, expected: &'static str, sound: bool) -> Result<(), WorldError> {
    if sound { Ok(()) } else { Err(WorldError::Parameter { parameter, value, expected }) }
}

fn all(
    values: impl IntoIterator<Item = (&'static str, f64)>,
    expected: &'static str,
    sound: impl Fn(f64) -> bool,
) -> Result<(), WorldError> {
    values.into_iter().try_for_each(|(name, value)| one(name, value, expected, sound(value)))
}
