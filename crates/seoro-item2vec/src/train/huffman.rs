//! Huffman's code of words by their counts (Huffman 1952): frequent words have short codes.

/// For each word, the inner nodes from the root down to it, and which side it lies on at each.
#[derive(Debug)]
pub(crate) struct Huffman {
    /// Where each word's path starts, and the end: `[V + 1]`.
    starts: Vec<usize>,
    nodes: Vec<u32>,
    /// Whether the word lies on the second side.
    sides: Vec<bool>,
}

impl Huffman {
    /// The code of words with these counts, at least one; equal counts are joined in the order of words.
    pub(crate) fn new(counts: &[u64]) -> Self {
        let words = counts.len();
        // Two queues suffice where leaves come sorted: joined nodes arise in order of their counts.
        let mut leaves: Vec<u32> = (0..words as u32).collect();
        leaves.sort_by_key(|&word| counts[word as usize]);
        let mut sums: Vec<u64> = Vec::with_capacity(words.saturating_sub(1));
        // By node, leaves first: the inner node above, and the side.
        let mut above = vec![(0u32, false); (2 * words).saturating_sub(1)];
        let (mut leaf, mut joined) = (0, 0);
        for inner in 0..words.saturating_sub(1) {
            let mut sum = 0;
            for side in [false, true] {
                let is_leaf =
                    leaf < words && (joined >= sums.len() || counts[leaves[leaf] as usize] <= sums[joined]);
                let (node, count) = if is_leaf {
                    leaf += 1;
                    (leaves[leaf - 1] as usize, counts[leaves[leaf - 1] as usize])
                } else {
                    joined += 1;
                    (words + joined - 1, sums[joined - 1])
                };
                above[node] = (inner as u32, side);
                sum += count;
            }
            sums.push(sum);
        }
        Self::from_parents(words, &above)
    }

    fn from_parents(words: usize, above: &[(u32, bool)]) -> Self {
        let root = (2 * words).saturating_sub(2);
        let (mut starts, mut nodes, mut sides) = (vec![0], Vec::new(), Vec::new());
        for word in 0..words {
            let mut node = word;
            while node != root {
                let (inner, side) = above[node];
                nodes.push(inner);
                sides.push(side);
                node = words + inner as usize;
            }
            let start = starts[word];
            nodes[start..].reverse();
            sides[start..].reverse();
            starts.push(nodes.len());
        }
        Self { starts, nodes, sides }
    }

    /// The inner nodes from the root down, and the side at each.
    pub(crate) fn path(&self, word: u32) -> (&[u32], &[bool]) {
        let span = self.starts[word as usize]..self.starts[word as usize + 1];
        (&self.nodes[span.clone()], &self.sides[span])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_prefix_free_and_shortest() {
        let counts = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41];
        let huffman = Huffman::new(&counts);
        let mut total = 0;
        let mut codes = Vec::new();
        for (word, count) in counts.iter().enumerate() {
            let (nodes, sides) = huffman.path(word as u32);
            assert_eq!(nodes.len(), sides.len());
            assert_eq!(nodes[0], counts.len() as u32 - 2, "the root is the last node joined");
            total += count * sides.len() as u64;
            codes.push(sides.to_vec());
        }
        assert_eq!(total, least(&counts));
        for (place, code) in codes.iter().enumerate() {
            assert!(
                codes.iter().enumerate().all(|(other, longer)| other == place || !longer.starts_with(code))
            );
        }
    }

    /// The sum of all joined nodes, joined the slow way.
    fn least(counts: &[u64]) -> u64 {
        let (mut left, mut total) = (counts.to_vec(), 0);
        while left.len() > 1 {
            left.sort_unstable_by(|a, b| b.cmp(a));
            let joined = left.pop().unwrap() + left.pop().unwrap();
            total += joined;
            left.push(joined);
        }
        total
    }

    #[test]
    fn one_word_needs_no_code() {
        assert_eq!(Huffman::new(&[5]).path(0), (&[][..], &[][..]));
    }
}
