//! The mean of what the nearest of the file's rows have.

use super::kernel::squared_distance;
use super::whole::Function;
use super::{Made, OpReader};
use crate::json::invalid;

#[derive(Debug, Clone, Copy)]
enum Metric {
    Manhattan,
    Euclidean,
    Minkowski(f64),
    Chebyshev,
}

#[derive(Debug)]
struct Nearest {
    metric: Metric,
    k: usize,
    by_distance: bool,
    /// Row by row.
    rows: Vec<f64>,
    values: Vec<f64>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let (k, by_distance) = (r.fields.size("k")?, r.fields.bool("by_distance")?);
    let metric = match r.fields.text("metric")?.as_str() {
        "manhattan" => Metric::Manhattan,
        "euclidean" => Metric::Euclidean,
        "chebyshev" => Metric::Chebyshev,
        "minkowski" => match r.tensors.numbers(&r.fields.text("p")?, false)?.as_slice() {
            &[p] if p > 0.0 => Metric::Minkowski(p),
            _ => return invalid(format!("{} has not one power above 0", r.place())),
        },
        other => return invalid(format!("{} has the metric '{other}'", r.place())),
    };
    let (n_rows, width, rows) = r.tensors.matrix(&r.fields.text("rows")?)?;
    r.fits("rows", width, r.input.len())?;
    let (of, outputs, values) = r.tensors.matrix(&r.fields.text("values")?)?;
    r.fits("values", of, n_rows)?;
    if width == 0 || outputs == 0 || k == 0 || k > n_rows {
        return invalid(format!("{} wants {k} of {n_rows} rows", r.place()));
    }
    r.whole(outputs, Box::new(Nearest { metric, k, by_distance, rows, values }))
}

impl Metric {
    /// What orders as the distance does.
    fn reduced(self, x: &[f64], s: &[f64]) -> f64 {
        let gaps = x.iter().zip(s).map(|(x, s)| (x - s).abs());
        match self {
            Self::Euclidean => squared_distance(x, s),
            Self::Manhattan => gaps.sum(),
            Self::Minkowski(p) => gaps.map(|gap| libm::pow(gap, p)).sum(),
            Self::Chebyshev => gaps.fold(0.0, f64::max),
        }
    }

    fn distance(self, reduced: f64) -> f64 {
        match self {
            Self::Euclidean => reduced.sqrt(),
            Self::Manhattan | Self::Chebyshev => reduced,
            Self::Minkowski(p) => libm::pow(reduced, 1.0 / p),
        }
    }
}

impl Function for Nearest {
    fn of(&self, x: &[f64], work: &mut Vec<f64>, out: &mut [f64]) -> bool {
        // The k nearest so far, nearest first: what orders them, then the rows' numbers.
        work.clear();
        work.resize(2 * self.k, f64::INFINITY);
        let (near, which) = work.split_at_mut(self.k);
        for (i, s) in self.rows.chunks_exact(x.len()).enumerate() {
            let d = self.metric.reduced(x, s);
            if !d.is_finite() {
                return false;
            }
            if d < near[self.k - 1] {
                // Behind those that are as near.
                let at = near.partition_point(|other| *other <= d);
                near[at..].rotate_right(1);
                which[at..].rotate_right(1);
                (near[at], which[at]) = (d, i as f64);
            }
        }
        let exact = self.by_distance && near[0] == 0.0;
        let (mut sum, width) = (0.0, out.len());
        out.fill(0.0);
        for (d, i) in near.iter().zip(&*which) {
            let weight = match (self.by_distance, exact) {
                (false, _) => 1.0,
                (true, true) => f64::from(u8::from(*d == 0.0)),
                (true, false) => 1.0 / self.metric.distance(*d),
            };
            sum += weight;
            let at = *i as usize * width;
            for (out, value) in out.iter_mut().zip(&self.values[at..at + width]) {
                *out += weight * value;
            }
        }
        out.iter_mut().for_each(|v| *v /= sum);
        out.iter().all(|v| v.is_finite())
    }
}
