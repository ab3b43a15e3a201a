//! Weighted sums of a row's likeness to the rows that the file holds: support vector machines.

use ferroflow_core::activation::Activation;
use ferroflow_core::{Float, linear, simd};

use super::whole::Function;
use super::{Made, OpReader};
use crate::json::invalid;

#[derive(Debug, Clone, Copy)]
enum Likeness {
    Linear,
    /// `(gamma x . s + coef0) ^ degree`
    Poly(u32),
    /// `exp(-gamma |x - s|^2)`
    Rbf,
    /// `tanh(gamma x . s + coef0)`
    Sigmoid,
}

#[derive(Debug)]
struct Kernel {
    likeness: Likeness,
    gamma: f64,
    coef0: f64,
    /// Row by row.
    rows: Vec<f64>,
    n_rows: usize,
    /// A row for each output, with a weight for each row.
    weights: Vec<f64>,
    bias: Vec<f64>,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let (name, degree) = (r.fields.text("name")?, r.fields.size("degree")?);
    let likeness = match (name.as_str(), u32::try_from(degree)) {
        ("linear", _) => Likeness::Linear,
        ("poly", Ok(degree)) => Likeness::Poly(degree),
        ("rbf", _) => Likeness::Rbf,
        ("sigmoid", _) => Likeness::Sigmoid,
        _ => return invalid(format!("{} has the kernel '{name}' of degree {degree}", r.place())),
    };
    let parameters = r.tensors.numbers(&r.fields.text("parameters")?, false)?;
    let &[gamma, coef0] = parameters.as_slice() else {
        return invalid(format!("{} has not two parameters", r.place()));
    };
    let (n_rows, width, rows) = r.tensors.matrix(&r.fields.text("rows")?)?;
    r.fits("rows", width, r.input.len())?;
    let (outputs, of, weights) = r.tensors.matrix(&r.fields.text("weights")?)?;
    r.fits("weights", of, n_rows)?;
    let bias = r.tensors.numbers(&r.fields.text("bias")?, false)?;
    r.fits("bias", bias.len(), outputs)?;
    if width == 0 || n_rows == 0 {
        return invalid(format!("{} holds no rows", r.place()));
    }
    r.compiler.work(rows.len());
    r.whole(outputs, Box::new(Kernel { likeness, gamma, coef0, rows, n_rows, weights, bias }))
}

impl Kernel {
    #[inline(always)]
    fn sums(&self, x: &[f64], work: &mut Vec<f64>, out: &mut [f64]) {
        work.clear();
        let rows = self.rows.chunks_exact(x.len());
        match self.likeness {
            Likeness::Rbf => {
                work.extend(rows.map(|s| -self.gamma * squared_distance(x, s)));
                f64::exp_each(work);
            }
            likeness => work.extend(rows.map(|s| {
                let dot = linear::score(x, s, 0.0);
                match likeness {
                    Likeness::Poly(degree) => power(self.gamma * dot + self.coef0, degree),
                    Likeness::Sigmoid => Activation::Tanh.of(self.gamma * dot + self.coef0),
                    _ => dot,
                }
            })),
        }
        for ((weights, bias), out) in self.weights.chunks_exact(self.n_rows).zip(&self.bias).zip(out) {
            *out = linear::score(work, weights, *bias);
        }
    }
}

/// Summed in eight lanes, as [`linear::score`] sums.
#[inline(always)]
fn squared_distance(x: &[f64], s: &[f64]) -> f64 {
    let mut lanes = [0.0; linear::LANES];
    let (xs, ss) = (x.as_chunks::<{ linear::LANES }>(), s.as_chunks::<{ linear::LANES }>());
    for (x, s) in xs.0.iter().zip(ss.0) {
        for k in 0..linear::LANES {
            lanes[k] += (x[k] - s[k]) * (x[k] - s[k]);
        }
    }
    for (lane, (x, s)) in lanes.iter_mut().zip(xs.1.iter().zip(ss.1)) {
        *lane += (x - s) * (x - s);
    }
    linear::add_lanes(lanes)
}

/// By squaring, the lowest bit of the exponent first.
fn power(base: f64, mut exponent: u32) -> f64 {
    let (mut square, mut product) = (base, 1.0);
    while exponent > 0 {
        if exponent % 2 == 1 {
            product *= square;
        }
        square *= square;
        exponent /= 2;
    }
    product
}

impl Function for Kernel {
    fn of(&self, x: &[f64], work: &mut Vec<f64>, out: &mut [f64]) -> bool {
        simd::run(
            #[inline(always)]
            || self.sums(x, work, out),
        );
        x.iter().chain(&*out).all(|v| v.is_finite())
    }
}
