//! Expressions of columns.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::slice::ChunksMut;
use std::sync::Mutex;

use arrow_array::LargeStringArray;
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use ferroflow_core::Exec;
use ferroflow_core::expression::{Cells, Item, Kind, Made, Program, signatures};
use numpy::{PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrow_text::ArrowColumn;
use crate::door::enter;
use crate::fresh::fresh;

/// Bytes that the patterns of one transformer may take.
const MOST_PATTERNS: usize = 8 << 20;
/// Rows of a block: a column of numbers of it stays in the nearest cache.
const BLOCK: usize = 1 << 10;
/// Blocks of a piece, the unit that a thread takes.
const PIECE: usize = 16;
/// Rows times steps from which threads pay.
const PARALLEL_FROM: usize = 1 << 17;
/// Bytes of texts that a block's steps may make: with more it goes row by row.
const MOST_MADE: usize = 1 << 24;

/// A column as it comes in.
#[derive(FromPyObject)]
enum Column<'py> {
    Texts(Bound<'py, ArrowColumn>),
    Numbers(PyReadonlyArray1<'py, f64>),
}

/// The same, to read from.
enum View<'a> {
    Unused,
    Numbers(&'a [f64]),
    Texts(&'a ArrowColumn),
}

impl<'a> View<'a> {
    fn of(column: Option<&'a Column<'_>>) -> PyResult<Self> {
        Ok(match column {
            Some(Column::Numbers(numbers)) => Self::Numbers(numbers.as_slice()?),
            Some(Column::Texts(texts)) => Self::Texts(texts.get()),
            None => Self::Unused,
        })
    }

    /// Is it of this kind and length?
    fn fits(&self, kind: Kind, rows: usize) -> bool {
        match self {
            Self::Numbers(numbers) => kind == Kind::Number && numbers.len() == rows,
            Self::Texts(texts) => kind == Kind::Text && texts.rows() == rows && !texts.is_dictionary(),
            Self::Unused => false,
        }
    }
}

/// A piece of a column as it goes out.
enum Piece<'a> {
    Numbers(&'a mut [f64]),
    Texts(Made),
}

impl<'a> Piece<'a> {
    fn next(column: &mut Option<ChunksMut<'a, f64>>) -> Self {
        match column {
            Some(chunks) => Self::Numbers(chunks.next().unwrap_or_default()),
            None => Self::Texts(Made::default()),
        }
    }
}

/// A checked program of an ExpressionTransformer.
#[pyclass(frozen, module = "ferroflow._core", name = "Expressions")]
struct PyExpressions {
    programs: Vec<Program>,
    kinds: Vec<Kind>,
}

#[pymethods]
impl PyExpressions {
    /// Checks the programs over columns, of which `texts_at` are texts.
    #[new]
    fn new(
        programs: Vec<Vec<String>>,
        numbers: Vec<f64>,
        texts: Vec<String>,
        are_texts: Vec<bool>,
    ) -> PyResult<Self> {
        let kind = |&is_text: &bool| if is_text { Kind::Text } else { Kind::Number };
        let kinds: Vec<Kind> = are_texts.iter().map(kind).collect();
        let mut memory = MOST_PATTERNS;
        let check = |words: &Vec<String>| Program::new(words, &numbers, &texts, &kinds, &mut memory);
        let programs =
            programs.iter().map(check).collect::<Result<Vec<_>, _>>().map_err(PyValueError::new_err)?;
        Ok(Self { programs, kinds })
    }

    /// The columns that the programs read.
    #[getter]
    fn used(&self) -> BTreeSet<usize> {
        self.programs.iter().flat_map(Program::columns).collect()
    }

    /// What each program makes of the columns, which have `rows` cells each; those that it does not read may be None.
    fn run<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<Option<Column<'py>>>,
        rows: usize,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let views: Vec<_> =
            columns.iter().map(|column| View::of(column.as_ref())).collect::<PyResult<_>>()?;
        let fit = views.len() == self.kinds.len()
            && self.used().iter().all(|&j| views[j].fits(self.kinds[j], rows));
        if !fit {
            return Err(PyValueError::new_err("the columns do not fit the expressions"));
        }
        let array = |program: &Program| {
            // SAFETY: NumPy hands out uninitialised memory that nobody else sees; every element is written before it is
            // returned, and on an error the arrays are dropped unseen.
            (program.kind() == Kind::Number).then(|| unsafe { fresh::<f64, _>(py, rows, false) })
        };
        let arrays: Vec<_> = self.programs.iter().map(array).collect();
        let mut numbers = Vec::with_capacity(arrays.len());
        for array in &arrays {
            // SAFETY: the arrays were just made, are contiguous, and this is the only reference to each.
            numbers.push(array.as_ref().map(|array| unsafe { array.as_slice_mut() }).transpose()?);
        }
        let texts = enter(py, |exec| self.pieces(&views, rows, numbers, exec))?;
        let mut texts = texts.into_iter();
        arrays
            .into_iter()
            .map(|array| match array {
                Some(array) => Ok(array.into_any()),
                None => {
                    let column = texts.next().flatten().ok_or_else(too_long)?;
                    Ok(Bound::new(py, ArrowColumn::of_texts(column))?.into_any())
                }
            })
            .collect()
    }
}

fn too_long() -> PyErr {
    PyValueError::new_err("a column of texts is too long")
}

impl PyExpressions {
    /// Writes the `numbers` that programs make; returns the texts of the others.
    fn pieces(
        &self,
        views: &[View<'_>],
        rows: usize,
        numbers: Vec<Option<&mut [f64]>>,
        exec: &Exec<'_>,
    ) -> Result<Vec<Option<LargeStringArray>>, ferroflow_core::Error> {
        let piece = BLOCK * PIECE;
        let mut columns: Vec<_> =
            numbers.into_iter().map(|numbers| numbers.map(|numbers| numbers.chunks_mut(piece))).collect();
        let pieces: Vec<Mutex<Vec<Piece<'_>>>> = (0..rows.div_ceil(piece))
            .map(|_| Mutex::new(columns.iter_mut().map(Piece::next).collect()))
            .collect();
        let steps: usize = self.programs.iter().map(Program::len).sum();
        exec.only_if(rows.saturating_mul(steps) >= PARALLEL_FROM).for_each(pieces.len(), |k| {
            if let Ok(mut out) = pieces[k].lock() {
                self.piece(views, k * piece, piece.min(rows - k * piece), &mut out);
            }
        })?;
        let mut texts: Vec<Vec<Made>> = self.programs.iter().map(|_| Vec::new()).collect();
        for piece in pieces {
            for (texts, piece) in texts.iter_mut().zip(piece.into_inner().unwrap_or_default()) {
                if let Piece::Texts(made) = piece {
                    texts.push(made);
                }
            }
        }
        let is_text = |program: &&Program| program.kind() == Kind::Text;
        Ok(self
            .programs
            .iter()
            .zip(&texts)
            .filter(|(program, _)| is_text(program))
            .map(|(_, made)| joined(made))
            .collect())
    }

    /// The rows from `begin` on, block by block.
    fn piece(&self, views: &[View<'_>], begin: usize, rows: usize, out: &mut [Piece<'_>]) {
        let used = self.used();
        for at in (0..rows).step_by(BLOCK) {
            let (first, rows) = (begin + at, BLOCK.min(rows - at));
            let mut read = vec![Made::default(); views.len()];
            for &j in &used {
                if let View::Texts(texts) = views[j] {
                    read[j] = texts.made(first, rows);
                }
            }
            let column = |j: usize| match views[j] {
                View::Numbers(numbers) => Cells::Numbers(numbers[first..first + rows].into()),
                _ => Cells::Made(Cow::Borrowed(&read[j])),
            };
            for (program, out) in self.programs.iter().zip(&mut *out) {
                match (program.run_block(rows, MOST_MADE, column), out) {
                    (Some(Cells::Numbers(from)), Piece::Numbers(to)) => {
                        to[at..at + rows].copy_from_slice(&from);
                    }
                    (Some(Cells::Made(from)), Piece::Texts(to)) => to.append(&from),
                    (Some(texts), Piece::Texts(to)) => (0..rows).for_each(|i| to.push(texts.text(i))),
                    (_, out) => {
                        let mut waiting = Vec::new();
                        for i in 0..rows {
                            let cell = |j: usize| match views[j] {
                                View::Numbers(numbers) => Item::Number(numbers[first + i]),
                                _ => Item::Text(read[j].get(i).map(Cow::Borrowed)),
                            };
                            match (program.run(cell, &mut waiting), &mut *out) {
                                (Item::Number(v), Piece::Numbers(to)) => to[at + i] = v,
                                (Item::Text(text), Piece::Texts(to)) => to.push(text.as_deref()),
                                _ => {}
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Texts one after the other as an Arrow array.
fn joined(made: &[Made]) -> Option<LargeStringArray> {
    let rows: usize = made.iter().map(|made| made.ends.len()).sum();
    let mut bytes = Vec::with_capacity(made.iter().map(|made| made.bytes.len()).sum());
    let mut ends = Vec::with_capacity(rows + 1);
    ends.push(0);
    for made in made {
        let begin = bytes.len();
        bytes.extend_from_slice(made.bytes.as_bytes());
        ends.extend(made.ends.iter().map(|end| (begin + end) as i64));
    }
    let nulls = made.iter().any(|made| made.missing.contains(&true)).then(|| {
        let there = made.iter().flat_map(|made| made.missing.iter().map(|missing| !missing));
        there.collect::<NullBuffer>()
    });
    LargeStringArray::try_new(OffsetBuffer::new(ends.into()), Buffer::from_vec(bytes), nulls).ok()
}

/// The functions: name, kinds of the arguments, kind of the result.
#[pyfunction]
fn expression_functions() -> Vec<(&'static str, &'static str, char)> {
    signatures().collect()
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyExpressions>()?;
    m.add_function(wrap_pyfunction!(expression_functions, m)?)
}
