//! The triples of a batch, and the rows that they are of.

/// A user, an item that should score higher (the positive) and one that should score lower (the negative), each as a place among
/// the rows of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Triples {
    rows: Vec<u32>,
    users: Vec<u32>,
    positives: Vec<u32>,
    negatives: Vec<u32>,
    counts: Vec<f32>,
    /// Where the partners of each row start, and the end.
    starts: Vec<u32>,
    partners: Partners,
}

/// By row, in the order of the triples, what its gradient is a sum of.
#[derive(Clone, Debug, Default, PartialEq)]
struct Partners {
    /// The row beside it in a triple.
    rows: Vec<u32>,
    /// The triple, twice; and one more where one of the two rows is the negative's.
    signed: Vec<u32>,
}

impl Triples {
    /// The triples of these rows of a table, each a user's, the positive item's and the negative one's.
    pub fn new(triples: &[[u32; 3]]) -> Self {
        let named = Named::new(triples.iter().flatten().copied());
        let part = |part: usize| triples.iter().map(|triple| named.place(triple[part])).collect();
        let rows = named.rows();
        let mut all = Self { users: part(0), positives: part(1), negatives: part(2), ..Self::default() };
        all.counts = vec![0.0; rows.len()];
        all.rows = rows;
        for part in [&all.users, &all.positives, &all.negatives] {
            part.iter().for_each(|&place| all.counts[place as usize] += 1.0);
        }
        (all.starts, all.partners) = all.partners();
        all
    }

    /// The rows that triples are of, rising strictly.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// How many triples there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// How often each row stands in a triple.
    pub fn counts(&self) -> &[f32] {
        &self.counts
    }

    /// The rows of each triple.
    pub fn triples(&self) -> impl Iterator<Item = [u32; 3]> {
        (0..self.len()).map(move |triple| self.places(triple).map(|place| self.rows[place as usize]))
    }

    /// The places of a triple's user, positive and negative.
    pub(super) fn places(&self, triple: usize) -> [u32; 3] {
        [self.users[triple], self.positives[triple], self.negatives[triple]]
    }

    /// All users, all positives and all negatives.
    pub(super) fn parts(&self) -> [&[u32]; 3] {
        [&self.users, &self.positives, &self.negatives]
    }

    /// What a partner weighs, where `weights` are those of the triples: that, with the other sign where one of both is the negative.
    pub(super) fn partner_weight(&self, partner: usize, weights: &[f32]) -> f32 {
        let signed = self.partners.signed[partner];
        let weight = weights[signed as usize / 2];
        if signed % 2 == 1 { -weight } else { weight }
    }

    /// The partners of a row, and where they stand among all.
    pub(super) fn partners_of(&self, row: usize) -> (std::ops::Range<usize>, &[u32]) {
        let range = self.starts[row] as usize..self.starts[row + 1] as usize;
        (range.clone(), &self.partners.rows[range])
    }

    fn partners(&self) -> (Vec<u32>, Partners) {
        let pairs = || {
            (0..self.len()).flat_map(|triple| {
                let ([user, positive, negative], twice) = (self.places(triple), 2 * triple as u32);
                [
                    (user, positive, twice),
                    (user, negative, twice + 1),
                    (positive, user, twice),
                    (negative, user, twice + 1),
                ]
            })
        };
        let mut starts = vec![0u32; self.rows.len() + 1];
        pairs().for_each(|(row, ..)| starts[row as usize + 1] += 1);
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let (mut next, len) = (starts.clone(), 4 * self.len());
        let mut partners = Partners { rows: vec![0; len], signed: vec![0; len] };
        for (row, partner, signed) in pairs() {
            let place = next[row as usize] as usize;
            (partners.rows[place], partners.signed[place]) = (partner, signed);
            next[row as usize] += 1;
        }
        (starts, partners)
    }
}

/// Rows of a table, some of them named: a bit for each, so that a batch is sorted without comparing.
struct Named {
    words: Vec<u64>,
    /// How many named rows stand before each word.
    before: Vec<u32>,
}

impl Named {
    fn new(rows: impl Iterator<Item = u32> + Clone) -> Self {
        let mut words = vec![0u64; rows.clone().max().map_or(0, |last| last as usize / 64 + 1)];
        rows.for_each(|row| words[row as usize / 64] |= 1 << (row % 64));
        let count = |sum: &mut u32, word: &u64| {
            let before = *sum;
            *sum += word.count_ones();
            Some(before)
        };
        let before = words.iter().scan(0, count).collect();
        Self { words, before }
    }

    /// How many named rows stand before a named row.
    fn place(&self, row: u32) -> u32 {
        let (word, below) = (row as usize / 64, (1u64 << (row % 64)) - 1);
        self.before[word] + (self.words[word] & below).count_ones()
    }

    /// The named rows, rising strictly.
    fn rows(&self) -> Vec<u32> {
        let mut rows = Vec::new();
        for (place, &word) in self.words.iter().enumerate() {
            let mut left = word;
            while left != 0 {
                rows.push(place as u32 * 64 + left.trailing_zeros());
                left &= left - 1;
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_rise_and_triples_are_what_they_were() {
        let given = [[0, 70, 9], [0, 9, 70], [3, 70, 70], [0, 70, 640]];
        let triples = Triples::new(&given);
        assert_eq!((triples.rows(), triples.len()), (&[0, 3, 9, 70, 640][..], 4));
        assert_eq!(triples.counts(), [3.0, 1.0, 2.0, 5.0, 1.0]);
        assert_eq!(triples.triples().collect::<Vec<_>>(), given);
        assert!(Triples::new(&[]).is_empty());
    }

    #[test]
    fn partners_stand_in_the_order_of_triples() {
        let triples = Triples::new(&[[0, 7, 9], [0, 9, 7], [3, 7, 7]]);
        let weights = [1.0, 2.0, 4.0];
        let of = |row: usize| {
            let (range, partners) = triples.partners_of(row);
            range.map(|place| triples.partner_weight(place, &weights)).zip(partners.iter().copied()).collect()
        };
        let found: Vec<Vec<(f32, u32)>> = (0..4).map(of).collect();
        assert_eq!(found[0], [(1.0, 2), (-1.0, 3), (2.0, 3), (-2.0, 2)]);
        assert_eq!(found[1], [(4.0, 2), (-4.0, 2)]);
        assert_eq!(found[2], [(1.0, 0), (-2.0, 0), (4.0, 1), (-4.0, 1)]);
        assert_eq!(found[3], [(-1.0, 0), (2.0, 0)]);
    }
}
