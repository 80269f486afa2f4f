//! What a search for hyper-parameters tries.

use seoro_core::Seed;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use toml::Spanned;

/// The values a search tries for each hyper-parameter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Values by hyper-parameter; all combinations are tried, or `draws` of them.
    pub grid: BTreeMap<String, Spanned<Vec<toml::Value>>>,
    /// How many combinations to draw at random; all where absent.
    pub draws: Option<NonZeroUsize>,
    /// Every how many epochs validation data is asked; 0 for models without epochs.
    #[serde(default)]
    pub every: usize,
}

impl Search {
    /// All combinations of the grid, or as many as are to be drawn: the same ones every time for a row of this name.
    pub fn recipes(&self, row: &str) -> Vec<toml::Table> {
        let mut recipes = vec![toml::Table::new()];
        for (parameter, values) in &self.grid {
            let with = |recipe: &toml::Table, value: &toml::Value| {
                let mut recipe = recipe.clone();
                recipe.insert(parameter.clone(), value.clone());
                recipe
            };
            recipes = recipes
                .iter()
                .flat_map(|recipe| values.get_ref().iter().map(move |value| with(recipe, value)))
                .collect();
        }
        if let Some(draws) = self.draws {
            Seed::new(0).child("search").child(row).rng().shuffle(&mut recipes);
            recipes.truncate(draws.get());
        }
        recipes
    }
}
