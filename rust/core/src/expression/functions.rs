//! What the functions do. A signature names the kinds of the arguments and of the result: `n` a number, `t` a text, `x`
//! either, the same for all of them.

use std::borrow::Cow;
use std::ops::Range;

use super::dates::{self, Date};
use super::{Item, MOST_BYTES, truth};
use crate::float::Float;
use crate::logarithm;
use crate::simd::dispatch;

/// What a function does: of one row, and of the columns of a block in the place of its first argument.
#[derive(Debug)]
pub enum Body {
    One(fn(f64) -> f64, fn(&mut [f64])),
    Two(fn(f64, f64) -> f64, fn(&mut [f64], &[f64])),
    OfText(fn(&str) -> f64),
    OfTexts(fn(&str, &str) -> f64),
    OfDate(fn(&Date) -> f64),
    /// Of a text, and in place of many that are all ASCII.
    Change(fn(&str) -> String, fn(&mut str)),
    Cut(fn(&str) -> Option<Range<usize>>),
    /// Writes to the end of a text; `false` if it is missing.
    Join(fn(&str, &str, &mut String) -> bool),
    Replace,
    Slice,
    Part,
    IsMissing,
    Coalesce,
    If,
}

type Known = (&'static str, &'static str, char, Body);

/// A function of a number; missing if that is.
macro_rules! one {
    ($name:literal, $f:expr) => {
        ($name, "n", 'n', Body::One($f, |x| each(x, $f)))
    };
}

/// A function of two numbers; missing if one of them is.
macro_rules! two {
    ($name:literal, $f:expr) => {
        ($name, "nn", 'n', Body::Two($f, |a, b| each_two(a, b, $f)))
    };
}

fn each(x: &mut [f64], f: impl Fn(f64) -> f64) {
    for x in x {
        *x = if x.is_nan() { *x } else { f(*x) };
    }
}

/// Of numbers of which none is missing by `many`, else by `f`.
#[inline(always)]
fn each_by(x: &mut [f64], f: fn(f64) -> f64, many: impl Fn(&mut [f64])) {
    if x.iter().any(|x| x.is_nan()) { each(x, f) } else { many(x) }
}

fn each_two(a: &mut [f64], b: &[f64], f: impl Fn(f64, f64) -> f64) {
    for (a, b) in a.iter_mut().zip(b) {
        // Comparisons of NaN are false, not missing.
        *a = if a.is_nan() | b.is_nan() { f64::NAN } else { f(*a, *b) };
    }
}

const fn of_texts(name: &'static str, f: fn(&str, &str) -> f64) -> Known {
    (name, "tt", 'n', Body::OfTexts(f))
}

const fn of_date(name: &'static str, f: fn(&Date) -> f64) -> Known {
    (name, "t", 'n', Body::OfDate(f))
}

/// In the order of their names.
#[allow(clippy::float_cmp, reason = "these are the comparisons asked for")]
static FUNCTIONS: &[Known] = &[
    one!("abs", f64::abs),
    two!("add", |a, b| a + b),
    two!("and", |a, b| truth(a != 0.0 && b != 0.0)),
    one!("ceil", f64::ceil),
    ("coalesce", "xx", 'x', Body::Coalesce),
    ("concat", "tt", 't', Body::Join(concat)),
    of_texts("contains", |a, b| truth(a.contains(b))),
    one!("cos", libm::cos),
    of_date("day", |d| f64::from(d.day)),
    of_date("days", Date::days),
    two!("divide", |a, b| a / b),
    of_texts("ends_with", |a, b| truth(a.ends_with(b))),
    two!("equal", |a, b| truth(a == b)),
    of_texts("equal_text", |a, b| truth(a == b)),
    ("exp", "n", 'n', Body::One(Float::exp, |x| dispatch!(each_by(x, Float::exp, f64::exp_each)))),
    one!("expm1", libm::expm1),
    one!("floor", f64::floor),
    two!("floor_divide", floor_divide),
    two!("greater", |a, b| truth(a > b)),
    two!("greater_equal", |a, b| truth(a >= b)),
    of_date("hour", |d| f64::from(d.hour)),
    ("if", "nxx", 'x', Body::If),
    ("is_missing", "x", 'n', Body::IsMissing),
    ("length", "t", 'n', Body::OfText(|t| t.chars().count() as f64)),
    two!("less", |a, b| truth(a < b)),
    two!("less_equal", |a, b| truth(a <= b)),
    of_texts("less_text", |a, b| truth(a < b)),
    ("log", "n", 'n', Body::One(Float::ln, |x| dispatch!(each_by(x, Float::ln, logarithm::ln_each)))),
    one!("log10", libm::log10),
    one!("log1p", libm::log1p),
    one!("log2", libm::log2),
    ("lower", "t", 't', Body::Change(str::to_lowercase, str::make_ascii_lowercase)),
    two!("max", |a, b| if b > a { b } else { a }),
    two!("min", |a, b| if b < a { b } else { a }),
    of_date("minute", |d| f64::from(d.minute)),
    two!("modulo", |a, b| divide(a, b).1),
    of_date("month", |d| f64::from(d.month)),
    two!("multiply", |a, b| a * b),
    one!("negative", |x| -x),
    one!("not", |x| truth(x == 0.0)),
    ("number", "t", 'n', Body::OfText(number)),
    two!("or", |a, b| truth(a != 0.0 || b != 0.0)),
    ("part", "ttn", 't', Body::Part),
    two!("power", libm::pow),
    ("replace", "ttt", 't', Body::Replace),
    one!("round", f64::round_ties_even),
    one!("sign", |x| if x == 0.0 { x } else { x.signum() }),
    one!("sin", libm::sin),
    ("slice", "tnn", 't', Body::Slice),
    one!("sqrt", f64::sqrt),
    of_texts("starts_with", |a, b| truth(a.starts_with(b))),
    ("strip", "t", 't', Body::Cut(strip)),
    two!("subtract", |a, b| a - b),
    one!("tan", libm::tan),
    ("upper", "t", 't', Body::Change(str::to_uppercase, str::make_ascii_uppercase)),
    of_date("weekday", Date::weekday),
    of_date("year", |d| f64::from(d.year)),
];

/// A function's arguments, its result and how it is called.
pub fn find(name: &str) -> Option<(&'static str, char, &'static Body)> {
    let at = FUNCTIONS.binary_search_by(|known| known.0.cmp(name)).ok()?;
    let (_, takes, gives, body) = &FUNCTIONS[at];
    Some((takes, *gives, body))
}

/// The functions: name, kinds of the arguments, kind of the result.
pub fn signatures() -> impl Iterator<Item = (&'static str, &'static str, char)> {
    FUNCTIONS.iter().map(|known| (known.0, known.1, known.2))
}

fn number_of(waiting: &mut Vec<Item<'_>>) -> f64 {
    match waiting.pop() {
        Some(Item::Number(v)) => v,
        _ => f64::NAN,
    }
}

/// The text that waits last.
pub fn text<'a>(waiting: &mut Vec<Item<'a>>) -> Option<Cow<'a, str>> {
    match waiting.pop() {
        Some(Item::Text(text)) => text,
        _ => None,
    }
}

/// A part of a text; a borrowed one stays borrowed.
pub fn cut<'a>(text: Cow<'a, str>, part: impl FnOnce(&str) -> Option<Range<usize>>) -> Option<Cow<'a, str>> {
    let range = part(&text)?;
    match text {
        Cow::Borrowed(text) => text.get(range).map(Cow::Borrowed),
        Cow::Owned(text) => text.get(range).map(|part| Cow::Owned(part.to_owned())),
    }
}

impl Body {
    pub fn call<'a>(&self, waiting: &mut Vec<Item<'a>>) -> Item<'a> {
        match self {
            Self::One(f, _) => {
                let x = number_of(waiting);
                Item::Number(if x.is_nan() { x } else { f(x) })
            }
            Self::Two(f, _) => {
                let (b, a) = (number_of(waiting), number_of(waiting));
                Item::Number(if a.is_nan() || b.is_nan() { f64::NAN } else { f(a, b) })
            }
            Self::OfText(f) => Item::Number(text(waiting).map_or(f64::NAN, |t| f(&t))),
            Self::OfTexts(f) => {
                let (b, a) = (text(waiting), text(waiting));
                Item::Number(a.zip(b).map_or(f64::NAN, |(a, b)| f(&a, &b)))
            }
            Self::OfDate(f) => {
                let date = text(waiting).and_then(|t| dates::parse(&t));
                Item::Number(date.map_or(f64::NAN, |date| f(&date)))
            }
            Self::Change(f, _) => Item::Text(text(waiting).map(|t| Cow::Owned(f(&t)))),
            Self::Cut(f) => Item::Text(text(waiting).and_then(|t| cut(t, f))),
            Self::Join(f) => {
                let (b, a) = (text(waiting), text(waiting));
                Item::Text(a.zip(b).and_then(|(a, b)| written(|out| f(&a, &b, out))))
            }
            Self::Replace => {
                let (new, old, whole) = (text(waiting), text(waiting), text(waiting));
                Item::Text(match (whole, old, new) {
                    (Some(whole), Some(old), Some(new)) => written(|out| replace(&whole, &old, &new, out)),
                    _ => None,
                })
            }
            Self::Slice => {
                let (stop, start) = (number_of(waiting), number_of(waiting));
                Item::Text(text(waiting).and_then(|t| cut(t, |t| characters(t, start, stop))))
            }
            Self::Part => {
                let at = number_of(waiting);
                let (between, whole) = (text(waiting), text(waiting));
                Item::Text(
                    whole.zip(between).and_then(|(whole, between)| cut(whole, |t| piece(t, &between, at))),
                )
            }
            Self::IsMissing => Item::Number(match waiting.pop() {
                Some(Item::Number(v)) => truth(v.is_nan()),
                Some(Item::Text(text)) => truth(text.is_none()),
                None => f64::NAN,
            }),
            Self::Coalesce => {
                let other = waiting.pop();
                match waiting.pop() {
                    Some(Item::Number(v)) if v.is_nan() => other,
                    Some(Item::Text(None)) => other,
                    first => first,
                }
                .unwrap_or(Item::Number(f64::NAN))
            }
            Self::If => {
                let (no, yes) = (waiting.pop(), waiting.pop());
                let condition = number_of(waiting);
                let chosen = if condition != 0.0 { yes } else { no }.unwrap_or(Item::Number(f64::NAN));
                match chosen {
                    _ if !condition.is_nan() => chosen,
                    Item::Number(_) => Item::Number(f64::NAN),
                    Item::Text(_) => Item::Text(None),
                }
            }
        }
    }
}

/// Floor and rest of a division, as Python and NumPy divide floats.
fn divide(a: f64, b: f64) -> (f64, f64) {
    let rest = libm::fmod(a, b);
    if b == 0.0 {
        return (a / b, rest);
    }
    let whole = (a - rest) / b;
    let (whole, rest) = match rest {
        0.0 => (whole, 0.0f64.copysign(b)),
        rest if (rest < 0.0) != (b < 0.0) => (whole - 1.0, rest + b),
        rest => (whole, rest),
    };
    if whole == 0.0 {
        return (0.0f64.copysign(a / b), rest);
    }
    let floor = whole.floor();
    (if whole - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

fn floor_divide(a: f64, b: f64) -> f64 {
    divide(a, b).0
}

/// A finite number, or missing.
fn number(text: &str) -> f64 {
    text.trim().parse().ok().filter(|v: &f64| v.is_finite()).unwrap_or(f64::NAN)
}

/// May a text of so many bytes be made of texts of which the longest has so many?
fn grows(bytes: usize, longest: usize) -> bool {
    bytes > longest && bytes > MOST_BYTES
}

fn concat(a: &str, b: &str, out: &mut String) -> bool {
    let fits = !grows(a.len() + b.len(), a.len().max(b.len()));
    if fits {
        out.push_str(a);
        out.push_str(b);
    }
    fits
}

pub fn replace(whole: &str, old: &str, new: &str, out: &mut String) -> bool {
    if new.len() > old.len() {
        let more = whole.matches(old).count().checked_mul(new.len() - old.len());
        if more.and_then(|more| more.checked_add(whole.len())).is_none_or(|bytes| grows(bytes, whole.len())) {
            return false;
        }
    }
    let mut end = 0;
    for (begin, part) in whole.match_indices(old) {
        out.push_str(&whole[end..begin]);
        out.push_str(new);
        end = begin + part.len();
    }
    out.push_str(&whole[end..]);
    true
}

/// What `write` wrote, unless it is missing.
fn written<'a>(write: impl FnOnce(&mut String) -> bool) -> Option<Cow<'a, str>> {
    let mut out = String::new();
    write(&mut out).then_some(Cow::Owned(out))
}

/// Where what stands between white space lies.
fn strip(text: &str) -> Option<Range<usize>> {
    let begin = text.len() - text.trim_start().len();
    Some(begin..begin + text.trim().len())
}

/// Where the characters from `start` to before `stop` lie, counted as Python counts.
pub fn characters(text: &str, start: f64, stop: f64) -> Option<Range<usize>> {
    if start.is_nan() || stop.is_nan() {
        return None;
    }
    let length = if start < 0.0 || stop < 0.0 { text.chars().count() as f64 } else { 0.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float of a text's length")]
    let place = |at: f64| (if at < 0.0 { (at + length).max(0.0) } else { at }) as usize;
    let (start, stop) = (place(start), place(stop));
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    let begin = byte(start);
    Some(begin..if stop > start { byte(stop) } else { begin })
}

/// Where the part number `at` between separators lies; from the end if below 0.
pub fn piece(text: &str, between: &str, at: f64) -> Option<Range<usize>> {
    if between.is_empty() || at.is_nan() {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "far ones are not there")]
    let part = if at < 0.0 {
        text.rsplit(between).nth((-at - 1.0) as usize)
    } else {
        text.split(between).nth(at as usize)
    }?;
    let begin = part.as_ptr() as usize - text.as_ptr() as usize;
    Some(begin..begin + part.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_in_order() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    #[allow(clippy::float_cmp)]
    fn divisions_round_down() {
        assert_eq!(divide(7.0, 2.0), (3.0, 1.0));
        assert_eq!(divide(-7.0, 2.0), (-4.0, 1.0));
        assert_eq!(divide(7.0, -2.0), (-4.0, -1.0));
        assert_eq!(divide(1.0, 0.1), (9.0, 0.099_999_999_999_999_95));
        assert_eq!(floor_divide(1.0, 0.0), f64::INFINITY);
    }

    #[test]
    fn texts_do_not_grow_without_end() {
        let long = "a".repeat(MOST_BYTES);
        let replaced = |whole: &str, old: &str, new: &str| {
            written(|out| replace(whole, old, new, out)).map(Cow::into_owned)
        };
        assert_eq!(written(|out| concat(&long, "b", out)), None);
        assert_eq!(replaced(&long, "a", "bb"), None);
        assert_eq!(replaced(&long, "a", "b").map(|t| t.len()), Some(MOST_BYTES));
        assert_eq!(replaced("ab", "", "-").as_deref(), Some("-a-b-"));
        assert_eq!(replaced("a--b-", "-", "").as_deref(), Some("ab"));
    }

    #[test]
    fn characters_are_counted() {
        let slice = |t: &'static str, a: f64, b: f64| characters(t, a, b).map(|r| &t[r]);
        assert_eq!(slice("Bäth", 1.0, 3.0), Some("ät"));
        assert_eq!(slice("Bäth", -2.0, 9.0), Some("th"));
        assert_eq!(slice("Bäth", 0.0, -1.0), Some("Bät"));
        assert_eq!(slice("Bäth", 3.0, 1.0), Some(""));
        assert_eq!(slice("Bäth", -9.0, 1.0), Some("B"));
        assert_eq!(slice("Bäth", f64::NAN, 1.0), None);
        let part = |t: &'static str, at: f64| piece(t, "-", at).map(|r| &t[r]);
        assert_eq!(part("a-bc-d", 1.0), Some("bc"));
        assert_eq!(part("a-bc-d", -1.0), Some("d"));
        assert_eq!(part("a-bc-d", 3.0), None);
    }
}
