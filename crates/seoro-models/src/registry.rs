//! The models known by name: for the command line and the papers' files only. Everything else takes any
//! [`Recommender`], registered or not.

use crate::persist::{self, PersistError, WeightsError, folder};
use crate::{FitError, Recommender, Run, Training};
use seoro_core::Score;
use serde::{Deserializer, Serialize};
use std::path::Path;

/// A fitted model of any kind, which can be scored with and saved.
pub trait FittedModel: Send + Sync {
    /// The name of its recipe.
    fn name(&self) -> &'static str;

    /// The revision of its recipe.
    fn revision(&self) -> u32;

    /// The model, to ask.
    fn as_score(&self) -> &dyn Score;

    /// Writes the model to a file that [`load`] reads.
    ///
    /// # Errors
    /// [`PersistError::Io`].
    fn save(&self, path: &Path) -> Result<(), PersistError>;

    /// The model's numbers as the bytes of a safetensors file.
    ///
    /// # Errors
    /// [`WeightsError::Unwritable`].
    fn weights(&self) -> Result<Vec<u8>, WeightsError>;
}

/// What a recipe fits, together with the recipe's name.
pub struct Fitted<R: Recommender> {
    model: R::Fitted,
}

impl<R: Recommender> Fitted<R> {
    /// `model`, as fitted by a recipe of type `R`.
    pub fn new(model: R::Fitted) -> Self {
        Self { model }
    }

    /// Reads a model of this very type.
    ///
    /// # Errors
    /// As [`persist::load`].
    pub fn load(path: &Path) -> Result<Self, PersistError> {
        persist::load(path, R::NAME, R::REVISION).map(Self::new)
    }

    /// The model.
    pub fn into_inner(self) -> R::Fitted {
        self.model
    }
}

impl<R: Recommender> FittedModel for Fitted<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn revision(&self) -> u32 {
        R::REVISION
    }

    fn as_score(&self) -> &dyn Score {
        &self.model
    }

    fn save(&self, path: &Path) -> Result<(), PersistError> {
        persist::save(path, R::NAME, R::REVISION, &self.model)
    }

    fn weights(&self) -> Result<Vec<u8>, WeightsError> {
        folder::to_weights(&self.model)
    }
}

/// Something to do with the type of each registered model.
pub trait Visit {
    /// Visits one model.
    fn visit<R: Recommender>(&mut self);
}

/// Why a name and hyper-parameters are not a recipe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError<E: std::error::Error> {
    /// No model has this name.
    #[error("no model {name:?}; expected one of {}", Model::names().join(", "))]
    UnknownModel {
        /// The name.
        name: String,
    },
    /// The hyper-parameters are not the model's.
    #[error("{model}: {source}")]
    Parameters {
        /// The model.
        model: &'static str,
        /// What the deserialiser said.
        source: E,
    },
}

macro_rules! models {
    ($($(#[$only:meta])? $module:ident::$recipe:ident),* $(,)?) => {
        /// A recipe of any registered model; serialised, it is the recipe alone.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Model {
            $(
                $(#[$only])?
                #[doc = concat!("A recipe of [`", stringify!($module), "`](crate::", stringify!($module), ").")]
                $recipe(crate::$module::$recipe),
            )*
        }

        impl Model {
            /// The names of all registered models.
            pub fn names() -> &'static [&'static str] {
                &[$($(#[$only])? <crate::$module::$recipe as Recommender>::NAME),*]
            }

            /// The recipe of the model `name` with these hyper-parameters; those left out are the model's default.
            ///
            /// # Errors
            /// A name that no model has, or hyper-parameters that the model has not.
            pub fn parse<'de, D>(name: &str, parameters: D) -> Result<Self, RecipeError<D::Error>>
            where
                D: Deserializer<'de>,
            {
                match name {
                    $($(#[$only])? <crate::$module::$recipe as Recommender>::NAME => {
                        let model = <crate::$module::$recipe as Recommender>::NAME;
                        let recipe = serde::Deserialize::deserialize(parameters);
                        recipe.map(Self::$recipe).map_err(|source| RecipeError::Parameters { model, source })
                    })*
                    _ => Err(RecipeError::UnknownModel { name: name.to_owned() }),
                }
            }

            /// The model's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $($(#[$only])? Self::$recipe(_) => <crate::$module::$recipe as Recommender>::NAME,)*
                }
            }

            /// The model's revision.
            pub fn revision(&self) -> u32 {
                match self {
                    $($(#[$only])? Self::$recipe(_) => <crate::$module::$recipe as Recommender>::REVISION,)*
                }
            }

            /// Whether it is fitted on the run's device.
            pub fn on_device(&self) -> bool {
                match self {
                    $($(#[$only])? Self::$recipe(_) => <crate::$module::$recipe as Recommender>::ON_DEVICE,)*
                }
            }

            /// Learns from `train`.
            ///
            /// # Errors
            /// See [`FitError`].
            pub fn fit(
                &self,
                train: &Training<'_>,
                run: &mut Run<'_>,
            ) -> Result<Box<dyn FittedModel>, FitError> {
                match self {
                    $($(#[$only])? Self::$recipe(recipe) => {
                        Ok(Box::new(Fitted::<crate::$module::$recipe>::new(recipe.fit(train, run)?)))
                    })*
                }
            }

            /// The fitted model whose [`FittedModel::weights`] these are.
            ///
            /// # Errors
            /// [`WeightsError`].
            pub fn load_weights(&self, bytes: &[u8]) -> Result<Box<dyn FittedModel>, WeightsError> {
                match self {
                    $($(#[$only])? Self::$recipe(_) => {
                        let model = folder::from_weights(bytes)?;
                        Ok(Box::new(Fitted::<crate::$module::$recipe>::new(model)))
                    })*
                }
            }

            /// Visits the type of every registered model, in the order of [`Model::names`].
            pub fn visit_all(visitor: &mut impl Visit) {
                $($(#[$only])? visitor.visit::<crate::$module::$recipe>();)*
            }
        }

        /// Reads a fitted model of any registered kind.
        ///
        /// # Errors
        /// As [`persist::load`], and [`PersistError::UnknownModel`].
        pub fn load(path: &Path) -> Result<Box<dyn FittedModel>, PersistError> {
            let header = persist::header(path)?;
            match header.model.as_str() {
                $($(#[$only])? <crate::$module::$recipe as Recommender>::NAME => {
                    Ok(Box::new(Fitted::<crate::$module::$recipe>::load(path)?))
                })*
                _ => Err(PersistError::UnknownModel { path: path.to_owned(), model: header.model }),
            }
        }
    };
}

models! {
    popularity::Popularity,
    item_knn::ItemKnn,
    user_knn::UserKnn,
    rp3_beta::Rp3Beta,
    ease::Ease,
    pure_svd::PureSvd,
    ials::Ials,
    mf::MfLogistic,
    mf::MfBpr,
    mf::FunkSvd,
    rbm::Rbm,
    item2vec::Item2Vec,
    cooccurrence_svd::CooccurrenceSvd,
    #[cfg(feature = "networks")]
    ncf::Gmf,
    #[cfg(feature = "networks")]
    ncf::Mlp,
    #[cfg(feature = "networks")]
    ncf::NeuMf,
    #[cfg(feature = "networks")]
    autoencoder::Ae,
    #[cfg(feature = "networks")]
    autoencoder::Dae,
    #[cfg(feature = "networks")]
    autorec::AutoRec,
    #[cfg(feature = "networks")]
    cdae::Cdae,
    #[cfg(feature = "networks")]
    gcn::Gcn,
    #[cfg(feature = "networks")]
    ngcf::Ngcf,
    #[cfg(feature = "networks")]
    lightgcn::LightGcn,
}
