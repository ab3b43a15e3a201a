//! Minima of functions of one number, step by step as SciPy finds them (Brent, 1973), so that they are the same.

#![allow(
    clippy::float_cmp,
    clippy::many_single_char_names,
    reason = "the letters and comparisons of the algorithm"
)]

/// A bracket's values: `(xa, xb, xc, fb)`.
type Bracket = (f64, f64, f64, f64);

/// SciPy's `fminbound`: the minimum between two bounds.
pub fn bounded(f: impl Fn(f64) -> f64, low: f64, high: f64, tolerance: f64) -> f64 {
    const MOST: usize = 500;
    let root = 2.2e-16_f64.sqrt();
    let golden = 0.5 * (3.0 - 5.0_f64.sqrt());
    let (mut a, mut b) = (low, high);
    let mut third = a + golden * (b - a);
    let (mut second, mut x) = (third, third);
    let (mut step, mut before) = (0.0, 0.0_f64);
    let mut fx = f(x);
    let (mut f_third, mut f_second) = (fx, fx);
    let mut middle = 0.5 * (a + b);
    let mut tol1 = root * x.abs() + tolerance / 3.0;
    let mut tol2 = 2.0 * tol1;
    let mut calls = 1;
    while (x - middle).abs() > tol2 - 0.5 * (b - a) {
        let mut is_golden = true;
        if before.abs() > tol1 {
            let mut r = (x - second) * (fx - f_third);
            let mut q = (x - third) * (fx - f_second);
            let mut p = (x - third) * q - (x - second) * r;
            q = 2.0 * (q - r);
            if q > 0.0 {
                p = -p;
            }
            q = q.abs();
            r = before;
            before = step;
            if p.abs() < (0.5 * q * r).abs() && p > q * (a - x) && p < q * (b - x) {
                is_golden = false;
                step = p / q;
                let at = x + step;
                if at - a < tol2 || b - at < tol2 {
                    step = if middle >= x { tol1 } else { -tol1 };
                }
            }
        }
        if is_golden {
            before = if x >= middle { a - x } else { b - x };
            step = golden * before;
        }
        let size = step.abs().max(tol1);
        let at = if step >= 0.0 { x + size } else { x - size };
        let fu = f(at);
        calls += 1;
        if fu <= fx {
            if at >= x {
                a = x;
            } else {
                b = x;
            }
            (third, f_third) = (second, f_second);
            (second, f_second) = (x, fx);
            (x, fx) = (at, fu);
        } else {
            if at < x {
                a = at;
            } else {
                b = at;
            }
            if fu <= f_second || second == x {
                (third, f_third) = (second, f_second);
                (second, f_second) = (at, fu);
            } else if fu <= f_third || third == x || third == second {
                (third, f_third) = (at, fu);
            }
        }
        middle = 0.5 * (a + b);
        tol1 = root * x.abs() + tolerance / 3.0;
        tol2 = 2.0 * tol1;
        if calls >= MOST {
            break;
        }
    }
    x
}

/// SciPy's `bracket`: three points of which the middle one is lowest; None where it finds none.
fn bracket(f: &impl Fn(f64) -> f64, mut xa: f64, mut xb: f64) -> Option<Bracket> {
    const GOLDEN: f64 = 1.618_034;
    const TINY: f64 = 1e-21;
    const GROWTH: f64 = 110.0;
    const MOST: usize = 1_000;
    let (mut fa, mut fb) = (f(xa), f(xb));
    if fa < fb {
        (xa, xb) = (xb, xa);
        (fa, fb) = (fb, fa);
    }
    let mut xc = xb + GOLDEN * (xb - xa);
    let mut fc = f(xc);
    let mut rounds = 0;
    while fc < fb {
        let t1 = (xb - xa) * (fb - fc);
        let t2 = (xb - xc) * (fb - fa);
        let value = t2 - t1;
        let divisor = if value.abs() < TINY { 2.0 * TINY } else { 2.0 * value };
        let mut w = xb - ((xb - xc) * t2 - (xb - xa) * t1) / divisor;
        let limit = xb + GROWTH * (xc - xb);
        if rounds > MOST {
            return None;
        }
        rounds += 1;
        let mut fw;
        if (w - xc) * (xb - w) > 0.0 {
            fw = f(w);
            if fw < fc {
                (xa, xb) = (xb, w);
                (fa, fb) = (fb, fw);
                break;
            } else if fw > fb {
                (xc, fc) = (w, fw);
                break;
            }
            w = xc + GOLDEN * (xc - xb);
            fw = f(w);
        } else if (w - limit) * (limit - xc) >= 0.0 {
            w = limit;
            fw = f(w);
        } else if (w - limit) * (xc - w) > 0.0 {
            fw = f(w);
            if fw < fc {
                (xb, xc) = (xc, w);
                w = xc + GOLDEN * (xc - xb);
                (fb, fc) = (fc, fw);
                fw = f(w);
            }
        } else {
            w = xc + GOLDEN * (xc - xb);
            fw = f(w);
        }
        (xa, xb, xc) = (xb, xc, w);
        (fa, fb, fc) = (fb, fc, fw);
    }
    let lowest = (fb < fc && fb <= fa) || (fb < fa && fb <= fc);
    let ordered = (xa < xb && xb < xc) || (xc < xb && xb < xa);
    let finite = xa.is_finite() && xb.is_finite() && xc.is_finite();
    (lowest && ordered && finite).then_some((xa, xb, xc, fb))
}

/// SciPy's `brent`, from a first bracket of two points; None where it finds no bracket.
pub fn brent(f: impl Fn(f64) -> f64, first: (f64, f64)) -> Option<f64> {
    const TOLERANCE: f64 = 1.48e-8;
    const LEAST: f64 = 1.0e-11;
    const GOLDEN: f64 = 0.381_966_0;
    const MOST: usize = 500;
    let (xa, xb, xc, fb) = bracket(&f, first.0, first.1)?;
    let (mut x, mut w, mut v) = (xb, xb, xb);
    let (mut fx, mut fw, mut fv) = (fb, fb, fb);
    let (mut a, mut b) = if xa < xc { (xa, xc) } else { (xc, xa) };
    let (mut before, mut step) = (0.0_f64, 0.0_f64);
    for _ in 0..MOST {
        let tol1 = TOLERANCE * x.abs() + LEAST;
        let tol2 = 2.0 * tol1;
        let middle = 0.5 * (a + b);
        if (x - middle).abs() < tol2 - 0.5 * (b - a) {
            break;
        }
        let mut is_golden = true;
        if before.abs() > tol1 {
            let t1 = (x - w) * (fx - fv);
            let t2 = (x - v) * (fx - fw);
            let mut p = (x - v) * t2 - (x - w) * t1;
            let q = 2.0 * (t2 - t1);
            if q > 0.0 {
                p = -p;
            }
            let q = q.abs();
            let last = before;
            before = step;
            if p > q * (a - x) && p < q * (b - x) && p.abs() < (0.5 * q * last).abs() {
                is_golden = false;
                step = p / q;
                let u = x + step;
                if u - a < tol2 || b - u < tol2 {
                    step = if middle - x >= 0.0 { tol1 } else { -tol1 };
                }
            }
        }
        if is_golden {
            before = if x >= middle { a - x } else { b - x };
            step = GOLDEN * before;
        }
        let u = if step.abs() >= tol1 {
            x + step
        } else if step >= 0.0 {
            x + tol1
        } else {
            x - tol1
        };
        let fu = f(u);
        if fu > fx {
            if u < x {
                a = u;
            } else {
                b = u;
            }
            if fu <= fw || w == x {
                (v, fv) = (w, fw);
                (w, fw) = (u, fu);
            } else if fu <= fv || v == x || v == w {
                (v, fv) = (u, fu);
            }
        } else {
            if u >= x {
                a = x;
            } else {
                b = x;
            }
            (v, fv) = (w, fw);
            (w, fw) = (x, fx);
            (x, fx) = (u, fu);
        }
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minima_are_found() {
        assert!((bounded(|x| (x - 1.5).powi(2), -4.0, 9.0, 1e-9) - 1.5).abs() < 1e-8);
        assert!((bounded(|x| x, 2.0, 3.0, 1e-9) - 2.0).abs() < 1e-6);
        for at in [-40.0, -1.0, 0.0, 1.9, 70.0] {
            let found = brent(|x| (x - at).cosh().ln(), (-2.0, 2.0)).unwrap();
            assert!((found - at).abs() < 1e-6, "{found} {at}");
        }
        assert!(brent(|x| x, (-2.0, 2.0)).is_none());
    }
}
