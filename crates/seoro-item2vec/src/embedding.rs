//! What a training makes.

use crate::train::Trained;
use crate::{Output, Vectors, VectorsError};
use seoro_core::{Matrix, Vocab, kernel};
use serde::{Deserialize, Serialize};

/// Which vectors of a word to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Take {
    /// The word's own: the input vectors, `[V, D]`.
    #[default]
    Centre,
    /// Those it is foretold by: the output vectors, `[V, D]`.
    Context,
    /// The mean of both, `[V, D]`.
    Average,
    /// Both beside each other, `[V, 2D]`.
    Concatenation,
}

/// Words or items with their vectors, as they were learned.
#[derive(Clone, Debug)]
pub struct Embedding {
    names: Vocab,
    counts: Vec<u64>,
    centre: Matrix,
    /// Absent where the output has no vectors of words.
    context: Option<Matrix>,
}

impl Embedding {
    pub(crate) fn new(names: Vocab, counts: Vec<u64>, trained: Trained, output: Output) -> Self {
        let Trained { input, output: context } = trained;
        let context = (!matches!(output, Output::Hierarchical)).then_some(context);
        Self { names, counts, centre: input, context }
    }

    /// The words, the most frequent first; or the items, by their rows.
    pub fn names(&self) -> &Vocab {
        &self.names
    }

    /// How often each stands in what was learned from.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The input vectors `[V, D]`.
    pub fn centre(&self) -> &Matrix {
        &self.centre
    }

    /// The output vectors `[V, D]`; none under hierarchical softmax, whose output vectors belong to inner nodes.
    pub fn context(&self) -> Option<&Matrix> {
        self.context.as_ref()
    }

    /// The vectors by their names.
    ///
    /// # Errors
    /// [`VectorsError::NoContext`] where output vectors are asked for and there are none.
    pub fn vectors(&self, take: Take) -> Result<Vectors, VectorsError> {
        let context = || self.context.as_ref().ok_or(VectorsError::NoContext);
        let matrix = match take {
            Take::Centre => self.centre.clone(),
            Take::Context => context()?.clone(),
            Take::Average => {
                let mut sum = self.centre.clone();
                kernel::axpy(1.0, context()?.as_slice(), sum.as_mut_slice());
                sum.as_mut_slice().iter_mut().for_each(|number| *number *= 0.5);
                sum
            }
            Take::Concatenation => {
                let (context, dim) = (context()?, self.centre.cols());
                let mut both = Matrix::zeros(self.centre.rows(), 2 * dim);
                for row in 0..both.rows() {
                    both.row_mut(row)[..dim].copy_from_slice(self.centre.row(row));
                    both.row_mut(row)[dim..].copy_from_slice(context.row(row));
                }
                both
            }
        };
        Vectors::new(self.names.clone(), matrix)
    }
}
