use seoro_eval::consistency::{Consistency, ConsistencyError};
use seoro_eval::significance::{SignificanceError, Test};
use seoro_eval::*;

fn send_and_sync<T: Send + Sync>() {}

#[test]
fn public_types_cross_threads() {
    send_and_sync::<Case<'_>>();
    send_and_sync::<Consistency>();
    send_and_sync::<ConsistencyError>();
    send_and_sync::<EvalError>();
    send_and_sync::<Evaluation>();
    send_and_sync::<Exposure>();
    send_and_sync::<Metric>();
    send_and_sync::<MetricError>();
    send_and_sync::<Options<'_>>();
    send_and_sync::<Ranking>();
    send_and_sync::<Rated<'_>>();
    send_and_sync::<RatingErrors>();
    send_and_sync::<SignificanceError>();
    send_and_sync::<Test>();
    send_and_sync::<Ties>();
}

#[cfg(feature = "figures")]
#[test]
fn public_types_of_figures_cross_threads() {
    send_and_sync::<figure::FigureError>();
    send_and_sync::<figure::Point>();
    send_and_sync::<figure::Scatter>();
    send_and_sync::<tsne::Distance>();
    send_and_sync::<tsne::Init>();
    send_and_sync::<tsne::Map>();
    send_and_sync::<tsne::Run<'_>>();
    send_and_sync::<tsne::Tsne>();
    send_and_sync::<tsne::TsneError>();
}
