#![doc = include_str!("../README.md")]

#[cfg(feature = "networks")]
pub mod autoencoder;
#[cfg(feature = "networks")]
pub mod autorec;
#[cfg(feature = "networks")]
pub mod cdae;
pub mod conformance;
pub mod cooccurrence_svd;
pub mod device;
pub mod ease;
mod epochs;
#[cfg(feature = "networks")]
pub mod gcn;
#[cfg(feature = "networks")]
pub mod graph;
pub mod ials;
mod inverse;
pub mod item2vec;
pub mod item_knn;
#[cfg(feature = "networks")]
pub mod lightgcn;
mod linalg;
pub mod mf;
#[cfg(feature = "networks")]
pub mod ncf;
#[cfg(feature = "networks")]
pub mod ngcf;
#[cfg(feature = "networks")]
pub mod ops;
pub mod persist;
pub mod popularity;
pub mod pure_svd;
pub mod rbm;
pub mod recommender;
pub mod registry;
mod rows;
pub mod rp3_beta;
pub mod run;
pub mod similarity;
mod svd;
mod taken;
#[cfg(feature = "networks")]
pub mod train;
pub mod user_knn;

pub use cooccurrence_svd::CooccurrenceSvd;
pub use device::DeviceName;
pub use ease::Ease;
pub use ials::Ials;
pub use item_knn::ItemKnn;
pub use item2vec::Item2Vec;
pub use popularity::Popularity;
pub use pure_svd::PureSvd;
pub use rbm::Rbm;
pub use recommender::{FitError, Recommender, Training};
pub use rows::Side;
pub use rp3_beta::Rp3Beta;
pub use run::{Checkpoint, Epoch, Run, Validate};
pub use user_knn::UserKnn;
