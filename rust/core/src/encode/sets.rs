//! Rows that are sets: the numbers of what is in each, in ascending order, each once.

/// The CSR parts (indices, indptr) of rows whose numbers stand one after another in `numbers`, `lens[i]` of them in row i.
/// `lens` add up to no more than there are numbers.
#[must_use]
pub fn rows_of_sets(numbers: &[u32], lens: impl Iterator<Item = usize>) -> (Vec<i32>, Vec<i32>) {
    let mut indices: Vec<i32> = Vec::with_capacity(numbers.len());
    let mut indptr = vec![0];
    let mut rest = numbers;
    for len in lens {
        let (row, after) = rest.split_at(len.min(rest.len()));
        rest = after;
        let begin = indices.len();
        indices.extend(row.iter().map(|&number| number as i32));
        indices[begin..].sort_unstable();
        let mut end = begin;
        for i in begin..indices.len() {
            if end == begin || indices[end - 1] != indices[i] {
                indices[end] = indices[i];
                end += 1;
            }
        }
        indices.truncate(end);
        indptr.push(end as i32);
    }
    (indices, indptr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_there_once_and_in_order() {
        let (indices, indptr) = rows_of_sets(&[3, 1, 3, 2, 2, 0], [3, 0, 2, 1].into_iter());
        assert_eq!(indices, [1, 3, 2, 0]);
        assert_eq!(indptr, [0, 2, 2, 3, 4]);
    }
}
