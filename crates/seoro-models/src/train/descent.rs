//! How parameters follow the gradient.

use crate::FitError;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// An optimiser; in a recipe its name, as `optimizer = "adam"`, or a table that sets something of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Optimizer {
    /// `x ← x − η g`.
    Sgd,
    /// Adam (Kingma and Ba 2015).
    Adam(Adam),
    /// Adagrad (Duchi, Hazan and Singer 2011).
    Adagrad(Adagrad),
    /// RProp, for gradients of the whole objective (Riedmiller and Braun 1993).
    Rprop(Rprop),
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer::Adam(Adam::default())
    }
}

/// An optimiser as it is written with its settings.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", remote = "Optimizer")]
enum Tabled {
    Sgd,
    Adam(Adam),
    Adagrad(Adagrad),
    Rprop(Rprop),
}

impl<'de> Deserialize<'de> for Optimizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.is_human_readable() {
            true => deserializer.deserialize_any(Written),
            false => Tabled::deserialize(deserializer),
        }
    }
}

/// An optimiser as people write it.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Optimizer;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of an optimiser, or a table with its settings below its name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Optimizer, E> {
        match name {
            "sgd" => Ok(Optimizer::Sgd),
            "adam" => Ok(Optimizer::Adam(Adam::default())),
            "adagrad" => Ok(Optimizer::Adagrad(Adagrad::default())),
            "rprop" => Ok(Optimizer::Rprop(Rprop::default())),
            other => Err(E::unknown_variant(other, &["sgd", "adam", "adagrad", "rprop"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Optimizer, A::Error> {
        let optimizer = Tabled::deserialize(MapAccessDeserializer::new(&mut map))?;
        match map.next_key::<de::IgnoredAny>()? {
            None => Ok(optimizer),
            Some(_) => Err(de::Error::custom("a second optimiser; expected one")),
        }
    }
}

impl Optimizer {
    /// How many moments it keeps of each parameter.
    pub(crate) fn moments(self) -> usize {
        match self {
            Optimizer::Sgd => 0,
            Optimizer::Adagrad(_) => 1,
            Optimizer::Adam(_) | Optimizer::Rprop(_) => 2,
        }
    }

    /// What the moments are before the first step.
    pub(crate) fn initial(self) -> f32 {
        match self {
            Optimizer::Adagrad(adagrad) => adagrad.initial as f32,
            _ => 0.0,
        }
    }
}

/// Adam: `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`, `x ← x − η m̂ / (√v̂ + ε)` with both means corrected for their
/// start at 0 (algorithm 1 of the paper; Keras adds ε to the uncorrected root instead).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// β₁.
    pub beta1: f64,
    /// β₂.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// Whether rows without a gradient stay as they are: faster, and not the paper's Adam.
    pub lazy: bool,
}

/// The paper's.
impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, lazy: false }
    }
}

/// Adagrad: `s ← s + g²`, `x ← x − η g / (√s + ε)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adagrad {
    /// ε.
    pub epsilon: f64,
    /// `s` before the first step.
    pub initial: f64,
}

/// PyTorch's.
impl Default for Adagrad {
    fn default() -> Self {
        Self { epsilon: 1e-10, initial: 0.0 }
    }
}

/// RProp: each number has a step `d` of its own, which grows while its gradient keeps its sign and shrinks where that
/// changes; a number whose gradient has just changed its sign stays for once (the variant iRprop⁻ of Igel and Hüsken 2003,
/// which is PyTorch's). The learning rate is the first `d`; what a schedule makes of it later changes nothing.
///
/// ```text
/// d ← min(η⁺ d, most) where g g₋₁ > 0,  max(η⁻ d, least) and g ← 0 where g g₋₁ < 0        x ← x − d sign(g)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rprop {
    /// η⁻.
    pub shrink: f64,
    /// η⁺.
    pub grow: f64,
    /// The smallest step.
    pub least: f64,
    /// The largest step.
    pub most: f64,
}

/// PyTorch's.
impl Default for Rprop {
    fn default() -> Self {
        Self { shrink: 0.5, grow: 1.2, least: 1e-6, most: 50.0 }
    }
}

/// What becomes of the learning rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// Each epoch multiplies it.
    Exponential {
        /// What with.
        decay: f64,
    },
    /// It falls to a share of itself, in equal steps by epoch, reached in the last one.
    Linear {
        /// The share.
        last: f64,
    },
    /// It rises in equal steps by epoch until it is whole, and then falls as in `Linear`; for large batches.
    Warmup {
        /// The epoch in which it is whole.
        epochs: usize,
        /// The share of itself that it falls to.
        last: f64,
    },
}

/// How parameters follow the gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Descent {
    /// The optimiser.
    pub optimizer: Optimizer,
    /// η.
    pub learning_rate: f64,
    /// What becomes of it.
    pub schedule: Schedule,
    /// The largest Euclidean norm that the gradient of all parameters may have; a larger one is scaled down to it.
    pub clip: Option<f64>,
    /// Samples a batch.
    pub batch_size: usize,
    /// Passes over the data.
    pub epochs: usize,
}

impl Default for Descent {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::default(),
            learning_rate: 0.001,
            schedule: Schedule::Constant,
            clip: None,
            batch_size: 256,
            epochs: 20,
        }
    }
}

impl Descent {
    /// The learning rate of epoch `epoch`, counted from 1.
    pub(crate) fn rate(&self, epoch: usize) -> f64 {
        let before = (epoch - 1) as f64;
        self.learning_rate
            * match self.schedule {
                Schedule::Constant => 1.0,
                Schedule::Exponential { decay } => decay.powf(before),
                Schedule::Linear { last } => 1.0 - (1.0 - last) * before / (self.epochs.max(2) - 1) as f64,
                Schedule::Warmup { epochs, .. } if epoch < epochs => epoch as f64 / epochs as f64,
                Schedule::Warmup { epochs, last } => {
                    let epochs = epochs.max(1);
                    let left = self.epochs.saturating_sub(epochs).max(1) as f64;
                    1.0 - (1.0 - last) * (epoch - epochs) as f64 / left
                }
            }
    }

    /// Refuses what cannot be descended by.
    ///
    /// # Errors
    /// [`FitError::Parameter`].
    pub(crate) fn check(&self, model: &'static str) -> Result<(), FitError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let share = |value: f64| (0.0..1.0).contains(&value);
        let mut checks = vec![
            ("learning_rate", self.learning_rate, positive(self.learning_rate), "a positive number"),
            (
                "batch_size",
                self.batch_size as f64,
                (1..=1 << 24).contains(&self.batch_size),
                "between 1 and 2^24",
            ),
        ];
        if let Some(clip) = self.clip {
            checks.push(("clip", clip, positive(clip), "a positive number"));
        }
        match self.schedule {
            Schedule::Constant => {}
            Schedule::Exponential { decay } => {
                checks.push(("decay", decay, positive(decay), "a positive number"));
            }
            Schedule::Linear { last } | Schedule::Warmup { last, .. } => {
                checks.push(("last", last, (0.0..=1.0).contains(&last), "between 0 and 1"));
            }
        }
        match self.optimizer {
            Optimizer::Sgd => {}
            Optimizer::Adam(Adam { beta1, beta2, epsilon, .. }) => checks.extend([
                ("beta1", beta1, share(beta1), "at least 0 and below 1"),
                ("beta2", beta2, share(beta2), "at least 0 and below 1"),
                (
                    "epsilon",
                    epsilon,
                    positive(epsilon) && epsilon as f32 > 0.0,
                    "a positive number of 32 bits",
                ),
            ]),
            Optimizer::Adagrad(Adagrad { epsilon, initial }) => checks.extend([
                (
                    "epsilon",
                    epsilon,
                    positive(epsilon) && epsilon as f32 > 0.0,
                    "a positive number of 32 bits",
                ),
                ("initial", initial, initial.is_finite() && initial >= 0.0, "a number, at least 0"),
            ]),
            Optimizer::Rprop(Rprop { shrink, grow, least, most }) => checks.extend([
                ("shrink", shrink, shrink > 0.0 && shrink < 1.0, "above 0 and below 1"),
                ("grow", grow, grow.is_finite() && grow >= 1.0, "a number, at least 1"),
                ("least", least, positive(least) && least as f32 > 0.0, "a positive number of 32 bits"),
                ("most", most, most.is_finite() && most >= least, "a number, at least `least`"),
            ]),
        }
        match checks.into_iter().find(|check| !check.2) {
            Some((parameter, value, _, expected)) => {
                Err(FitError::Parameter { model, parameter, value, expected })
            }
            None => Ok(()),
        }
    }
}
