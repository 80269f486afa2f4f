use seoro_eval::significance::{SignificanceError, Test};
use seoro_eval::*;

fn send_and_sync<T: Send + Sync>() {}

#[test]
fn public_types_cross_threads() {
    send_and_sync::<Case<'_>>();
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
