//! What must hold for any bytes: no panic, and a model that loads answers each row alike alone and among others.

use ferroflow_frozen::{Batch, Cell, InputError, Kind, Limits, LoadError, Model, Output, Predictions};

const ROWS: usize = 40;
const NUMBERS: [f64; 10] = [0.0, -0.0, 1.0, -1.5, 5e-324, 1e-310, 1e9, -1e300, f64::NAN, 0.1];
const TEXTS: [&str; 5] = ["", "Bath", "a", "never seen: é, 漢字", "\u{0}"];

/// Reads bytes as a model file.
///
/// # Errors
/// As from [`Model::from_bytes`]: most inputs are refused.
pub fn load(bytes: &[u8]) -> Result<Model, LoadError> {
    Model::from_bytes(bytes, &Limits::default())
}

/// Reads bytes as a model file, and predicts rows that its schema allows.
///
/// # Panics
/// A row gives other bits alone than among others.
pub fn predict(bytes: &[u8]) -> bool {
    let Ok(model) = load(bytes) else { return false };
    let columns = model.schema().columns();
    let cell = |i: usize, j: usize| match columns[j].kind {
        Kind::Text => match &columns[j].categories {
            Some(seen) if !i.is_multiple_of(3) && !seen.is_empty() => Cell::Text(&seen[i % seen.len()]),
            _ => Cell::Text(TEXTS[(i + j) % TEXTS.len()]),
        },
        Kind::Boolean => Cell::Boolean(i.is_multiple_of(2)),
        Kind::Number | Kind::Integer => match NUMBERS[(i * 7 + j) % NUMBERS.len()] {
            x if x.is_nan() && !columns[j].nullable => Cell::Number(0.5),
            x => Cell::Number(x),
        },
    };
    let alone: Vec<Result<Predictions, InputError>> =
        (0..ROWS).map(|i| model.predict_row(|j| Ok::<_, InputError>(cell(i, j)))).collect();
    let kept: Vec<usize> = (0..ROWS).filter(|&i| alone[i].is_ok()).collect();
    let mut batch = Batch::new(model.schema(), kept.len());
    for &i in &kept {
        for j in 0..columns.len() {
            assert!(batch.push(j, cell(i, j)).is_ok(), "a cell is taken alone and not among others");
        }
    }
    let Ok(together) = model.predict(&batch) else { panic!("rows are taken alone and not together") };
    let expected: Vec<Predictions> = alone.into_iter().filter_map(Result::ok).collect();
    assert_eq!(all_bits(std::slice::from_ref(&together)), all_bits(&expected), "rows alone and together");
    true
}

/// Labels or values, probabilities, scores, each of all rows, with every NaN alike.
fn all_bits(predictions: &[Predictions]) -> [Vec<u64>; 3] {
    let bits = |x: &f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
    let mut out = [const { Vec::new() }; 3];
    for p in predictions {
        match &p.output {
            Output::Labels(labels) => out[0].extend(labels.iter().map(|&v| u64::from(v))),
            Output::Values { data, .. } => out[0].extend(data.iter().map(bits)),
        }
        out[1].extend(p.probabilities.iter().flatten().map(bits));
        out[2].extend(p.scores.iter().map(bits));
    }
    out
}
