//! Probabilities of scores, inside the graph: those of a model's output.

use super::whole::Function;
use super::{Made, OpReader};
use crate::json::invalid;
use crate::predictions::Link;

#[derive(Debug)]
struct Probabilities {
    single: bool,
    link: Link,
}

pub fn read(r: &mut OpReader<'_, '_, '_>) -> Made {
    let single = r.fields.single()?;
    let (name, scores) = (r.fields.text("name")?, r.input.len());
    let Some(link) = Link::named(&name, scores) else {
        return invalid(format!("the link '{name}' of {} does not fit {scores} scores", r.place()));
    };
    r.whole(scores.max(2), Box::new(Probabilities { single, link }))
}

impl Function for Probabilities {
    fn of(&self, x: &[f64], _: &mut Vec<f64>, out: &mut [f64]) -> bool {
        if self.single {
            self.link.row::<f32>(x, out);
        } else {
            self.link.row::<f64>(x, out);
        }
        out.iter().all(|p| p.is_finite())
    }
}
