//! The plain definition of each kernel, one number after another: the reference of the tests.

use crate::ItemId;
use crate::Scored;

/// See [`dot`](super::dot).
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// See [`squared_l2`](super::squared_l2).
pub fn squared_l2(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// See [`axpy`](super::axpy).
pub fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}

/// See [`attract`](super::attract).
pub fn attract(keep: f32, by: f32, x: &mut [f32], y: &mut [f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (keep * *x + by * *y, keep * *y + by * *x);
    }
}

/// See [`attract_repel`](super::attract_repel).
pub fn attract_repel(keep: f32, by: f32, x: &mut [f32], y: &mut [f32], z: &mut [f32]) {
    for ((x, y), z) in x.iter_mut().zip(y).zip(z) {
        (*x, *y, *z) = (keep * *x + by * (*y - *z), keep * *y + by * *x, keep * *z - by * *x);
    }
}

/// See [`dot_rows`](super::dot_rows).
pub fn dot_rows(query: &[f32], rows: &[f32], out: &mut [f32]) {
    for (row, out) in out.iter_mut().enumerate() {
        *out = dot(query, &rows[row * query.len()..(row + 1) * query.len()]);
    }
}

/// See [`sum`](super::sum).
pub fn sum(x: &[f32]) -> f32 {
    x.iter().sum()
}

/// See [`exp`](super::exp).
pub fn exp(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = x.exp());
}

/// See [`sigmoid`](super::sigmoid).
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// See [`top_k`](super::top_k): sorts everything.
pub fn top_k(scores: &[f32], k: usize) -> Result<Vec<Scored>, ItemId> {
    if let Some(item) = scores.iter().position(|score| score.is_nan()) {
        return Err(ItemId(item as u32));
    }
    let mut all: Vec<Scored> =
        (0..).map(ItemId).zip(scores).map(|(item, &score)| Scored { item, score }).collect();
    all.sort_by(|a, b| b.score.partial_cmp(&a.score).expect("no NaN").then(a.item.cmp(&b.item)));
    all.truncate(k);
    Ok(all)
}

/// See [`argmax_less`](super::argmax_less).
pub fn argmax_less(scores: &[f32], less: &[f32]) -> usize {
    let (mut best, mut at) = (f32::NEG_INFINITY, 0);
    for (place, (score, less)) in scores.iter().zip(less).enumerate() {
        if score - less > best {
            (best, at) = (score - less, place);
        }
    }
    at
}

/// See [`nearest_column`](super::nearest_column).
pub fn nearest_column(point: &[f32], columns: &[f32], less: &[f32]) -> usize {
    let product = |column: usize| {
        point.iter().enumerate().map(|(row, number)| number * columns[row * less.len() + column]).sum()
    };
    let products: Vec<f32> = (0..less.len()).map(product).collect();
    argmax_less(&products, less)
}

/// See [`adam`](super::adam): in double precision, from the formula of the paper.
pub fn adam(
    (learning_rate, beta1, beta2, epsilon): (f64, f64, f64, f64),
    step: i32,
    g: &[f32],
    x: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    for (((g, x), m), v) in g.iter().zip(x).zip(m).zip(v) {
        let gradient = f64::from(*g);
        let first = beta1 * f64::from(*m) + (1.0 - beta1) * gradient;
        let second = beta2 * f64::from(*v) + (1.0 - beta2) * gradient * gradient;
        let (unbiased, root) = (first / (1.0 - beta1.powi(step)), (second / (1.0 - beta2.powi(step))).sqrt());
        *x = (f64::from(*x) - learning_rate * unbiased / (root + epsilon)) as f32;
        (*m, *v) = (first as f32, second as f32);
    }
}

/// See [`adagrad`](super::adagrad).
pub fn adagrad(learning_rate: f32, epsilon: f32, g: &[f32], x: &mut [f32], sum: &mut [f32]) {
    for ((g, x), sum) in g.iter().zip(x).zip(sum) {
        *sum += g * g;
        *x -= learning_rate * g / (sum.sqrt() + epsilon);
    }
}
