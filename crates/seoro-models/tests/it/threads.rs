//! Public types cross threads.

use seoro_models::conformance::Failure;
use seoro_models::persist::PersistError;
use seoro_models::registry::{FittedModel, Model, Visit};
use seoro_models::{FitError, Recommender};

fn crosses<T: Send + Sync + ?Sized>() {}

struct Crosses;

impl Visit for Crosses {
    fn visit<R: Recommender>(&mut self) {
        crosses::<R>();
        crosses::<R::Fitted>();
    }
}

#[test]
fn public_types_cross_threads() {
    Model::visit_all(&mut Crosses);
    crosses::<Model>();
    crosses::<dyn FittedModel>();
    crosses::<FitError>();
    crosses::<PersistError>();
    crosses::<Failure>();
    #[cfg(feature = "networks")]
    {
        use seoro_models::train::{Descent, Optimizer, PairBatch, Pairs, Parameters, Rprop, Whole};
        crosses::<(Descent, Optimizer, Rprop, Parameters)>();
        crosses::<(PairBatch, Pairs<'_>, Whole<PairBatch>)>();
        crosses::<(seoro_models::graph::Graph, seoro_models::graph::GraphError)>();
        crosses::<(seoro_models::train::Pairwise<'_>, seoro_models::ops::Triples, seoro_models::ops::Reach)>(
        );
    }
}
