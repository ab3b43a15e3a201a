//! What the training columns looked like: the baseline that drift is measured against travels with the model.

use crate::container::Tensors;
use crate::error::LoadError;
use crate::json::{Fields, Json, invalid};
use crate::schema::{Kind, Schema};

/// Statistics of one training column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnStatistics {
    /// Rows.
    pub count: usize,
    /// Missing cells among them.
    pub missing: usize,
    /// What the cells looked like.
    pub values: Values,
}

/// The distribution of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Of numbers. NaN where all cells were missing.
    Numbers {
        /// Mean.
        mean: f64,
        /// Standard deviation (of the population).
        std: f64,
        /// Rising inner edges of the quantile bins; a bin is what lies at or below its edge and above the one before.
        edges: Vec<f64>,
        /// Cells per bin: one more than `edges`.
        counts: Vec<i64>,
    },
    /// Of texts.
    Texts {
        /// The most frequent texts.
        categories: Vec<String>,
        /// Cells of each; then of all others.
        counts: Vec<i64>,
    },
}

pub fn read(
    list: Vec<Json>,
    schema: &Schema,
    tensors: &mut Tensors<'_>,
) -> Result<Vec<ColumnStatistics>, LoadError> {
    if list.len() != schema.columns().len() {
        return invalid("it has not one entry of statistics per column");
    }
    let mut out = Vec::with_capacity(list.len());
    for (j, (json, column)) in list.into_iter().zip(schema.columns()).enumerate() {
        let mut f = Fields::new(json, format!("statistics of column {j}"))?;
        let (count, missing) = (f.size("count")?, f.size("missing")?);
        let counts = tensors.ints(&f.text("counts")?)?;
        let values = if column.kind == Kind::Text {
            Values::Texts { categories: tensors.texts(&f.text("categories")?)?, counts }
        } else {
            let moments = tensors.numbers(&f.text("moments")?, true)?;
            let edges = tensors.numbers(&f.text("edges")?, false)?;
            let (&[mean, std], true) = (moments.as_slice(), edges.is_sorted()) else {
                return invalid(format!("the statistics of column {j} are malformed"));
            };
            Values::Numbers { mean, std, edges, counts }
        };
        f.end()?;
        let (bins, counts) = match &values {
            Values::Numbers { edges, counts, .. } => (edges.len() + 1, counts),
            Values::Texts { categories, counts } => (categories.len() + 1, counts),
        };
        let sum = counts.iter().try_fold(0i64, |a, &b| if b < 0 { None } else { a.checked_add(b) });
        let present = count.checked_sub(missing).and_then(|n| i64::try_from(n).ok());
        if counts.len() != bins || sum.is_none() || sum != present {
            return invalid(format!("the counts of column {j} do not add up"));
        }
        out.push(ColumnStatistics { count, missing, values });
    }
    Ok(out)
}
