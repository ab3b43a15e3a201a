//! From a score for each pair of classes to a number for each class.

use ferroflow_core::linear;

use super::whole::Function;
use super::{Made, OpReader};
use crate::json::invalid;

#[derive(Debug)]
struct Pairs {
    gives: Gives,
}

#[derive(Debug)]
enum Gives {
    /// The pairs that each class won; nothing won, nothing lost goes to the second.
    Votes,
    /// The same, where nothing goes to the first, plus what the scores say of ties.
    Scores,
    /// Probabilities: the sigmoid of `-(a score + b)` for each pair, coupled.
    Coupled { a: Vec<f64>, b: Vec<f64> },
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let (classes, pairs) = (r.fields.size("classes")?, r.input.len());
    if classes < 2 || classes.checked_mul(classes - 1) != Some(2 * pairs) {
        return invalid(format!("{} has {pairs} pairs of {classes} classes", r.place()));
    }
    let gives = match r.fields.text("gives")?.as_str() {
        "votes" => Gives::Votes,
        "scores" => Gives::Scores,
        "probabilities" => {
            let a = r.tensors.numbers(&r.fields.text("a")?, false)?;
            let b = r.tensors.numbers(&r.fields.text("b")?, false)?;
            r.fits("a", a.len(), pairs)?;
            r.fits("b", b.len(), pairs)?;
            Gives::Coupled { a, b }
        }
        other => return invalid(format!("{} gives '{other}'", r.place())),
    };
    r.whole(classes, Box::new(Pairs { gives }))
}

/// The pairs of `n` classes in the order of their scores.
fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
}

impl Function for Pairs {
    fn of(&self, x: &[f64], work: &mut Vec<f64>, out: &mut [f64]) -> bool {
        let n = out.len();
        work.clear();
        match &self.gives {
            Gives::Votes => {
                out.fill(0.0);
                for ((i, j), score) in pairs(n).zip(x) {
                    out[if *score > 0.0 { i } else { j }] += 1.0;
                }
            }
            Gives::Scores => {
                out.fill(0.0);
                work.resize(n, 0.0);
                for ((i, j), score) in pairs(n).zip(x) {
                    work[i] += score;
                    work[j] -= score;
                    out[if *score < 0.0 { j } else { i }] += 1.0;
                }
                for (out, sum) in out.iter_mut().zip(&*work) {
                    *out += sum / (3.0 * (sum.abs() + 1.0));
                }
            }
            Gives::Coupled { a, b } => {
                // r[i n + j]: how probable i is beside j.
                work.resize(n * n + n, 0.0);
                for (k, (i, j)) in pairs(n).enumerate() {
                    let p = linear::sigmoid(-(x[k] * a[k] + b[k])).clamp(LEAST, 1.0 - LEAST);
                    work[i * n + j] = p;
                    work[j * n + i] = 1.0 - p;
                }
                let (r, room) = work.split_at_mut(n * n);
                couple(r, room, out);
            }
        }
        x.iter().chain(&*out).all(|v| v.is_finite())
    }
}

/// The least probability of a pair.
const LEAST: f64 = 1e-7;

/// Wu, Lin and Weng, "Probability estimates for multi-class classification by pairwise coupling" (2004), algorithm 2:
/// `p` minimises the sum over pairs of `(r_ji p_i - r_ij p_j)^2`, to 0.005 / n.
/// `qp` is room for one number a class.
fn couple(r: &[f64], qp: &mut [f64], p: &mut [f64]) {
    let n = p.len();
    // Q of the paper, whose rows are computed where they are read.
    let diagonal = |t: usize| (0..n).filter(|&j| j != t).map(|j| r[j * n + t] * r[j * n + t]).sum::<f64>();
    let q = |t: usize, j: usize| if t == j { diagonal(t) } else { -(r[j * n + t] * r[t * n + j]) };
    p.fill(1.0 / n as f64);
    for _ in 0..n.max(100) {
        let mut pqp = 0.0;
        for t in 0..n {
            qp[t] = (0..n).map(|j| q(t, j) * p[j]).sum();
            pqp += p[t] * qp[t];
        }
        let worst = qp.iter().fold(0.0f64, |worst, v| worst.max((v - pqp).abs()));
        if worst < 0.005 / n as f64 {
            return;
        }
        for t in 0..n {
            let d = diagonal(t);
            let step = (pqp - qp[t]) / d;
            p[t] += step;
            pqp = (pqp + step * (step * d + 2.0 * qp[t])) / (1.0 + step) / (1.0 + step);
            for j in 0..n {
                qp[j] = (qp[j] + step * q(t, j)) / (1.0 + step);
                p[j] /= 1.0 + step;
            }
        }
    }
}
