//! The class that scores tell: 1 in its column, else 0.

use super::whole::Function;
use super::{Made, OpReader};
use crate::json::invalid;
use crate::predictions::decide;

#[derive(Debug)]
struct Decide;

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let scores = r.input.len();
    if scores == 0 {
        return invalid(format!("{} decides by no scores", r.place()));
    }
    r.whole(scores.max(2), Box::new(Decide))
}

impl Function for Decide {
    fn of(&self, x: &[f64], _: &mut Vec<f64>, out: &mut [f64]) -> bool {
        out.fill(0.0);
        if let Some(out) = out.get_mut(decide(x) as usize) {
            *out = 1.0;
        }
        x.iter().all(|x| x.is_finite())
    }
}
