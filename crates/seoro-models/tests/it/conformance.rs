//! Every registered model keeps the rules; models that do not are found out.

use seoro_models::registry::{Model, Visit};
use seoro_models::{Recommender, conformance};

struct Check(Vec<&'static str>);

impl Visit for Check {
    fn visit<R: Recommender>(&mut self) {
        if let Err(failure) = conformance::check(&R::checked()) {
            panic!("{}: {failure}", R::NAME);
        }
        self.0.push(R::NAME);
    }
}

#[test]
fn every_registered_model_keeps_the_rules() {
    let mut check = Check(Vec::new());
    Model::visit_all(&mut check);
    assert_eq!(check.0, Model::names());
}
