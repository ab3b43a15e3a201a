//! Categories of columns: learned, looked up, written as numbers or as one-hot rows.

use ferroflow_core::encode::{self, Codes, Column, Lookup, Number, NumberSource, Source, Table, TextTable};
use numpy::{
    Element, IntoPyArray, PyArray1, PyArray2, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray1,
    PyReadonlyArray2, PyReadwriteArray2, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arrow_text::{ArrowColumn, ArrowSource, EntrySource};
use crate::door::enter;
use crate::strings::{Cell, Coder, FIRST, LearnedTexts, NAN, NONE, ObjectLearner, Objects};

/// A 1-d column of numbers of any type and stride.
enum Numbers<'py> {
    I8(PyReadonlyArray1<'py, i8>),
    I16(PyReadonlyArray1<'py, i16>),
    I32(PyReadonlyArray1<'py, i32>),
    I64(PyReadonlyArray1<'py, i64>),
    U8(PyReadonlyArray1<'py, u8>),
    U16(PyReadonlyArray1<'py, u16>),
    U32(PyReadonlyArray1<'py, u32>),
    U64(PyReadonlyArray1<'py, u64>),
    F32(PyReadonlyArray1<'py, f32>),
    F64(PyReadonlyArray1<'py, f64>),
}

macro_rules! with_numbers {
    ($numbers:expr, $x:ident => $body:expr) => {
        match $numbers {
            Numbers::I8($x) => $body,
            Numbers::I16($x) => $body,
            Numbers::I32($x) => $body,
            Numbers::I64($x) => $body,
            Numbers::U8($x) => $body,
            Numbers::U16($x) => $body,
            Numbers::U32($x) => $body,
            Numbers::U64($x) => $body,
            Numbers::F32($x) => $body,
            Numbers::F64($x) => $body,
        }
    };
}

impl<'py> Numbers<'py> {
    fn new(array: &Bound<'py, PyUntypedArray>) -> Option<Self> {
        fn get<'py, T: Element>(array: &Bound<'py, PyUntypedArray>) -> Option<PyReadonlyArray1<'py, T>> {
            array.cast::<PyArray1<T>>().ok()?.try_readonly().ok()
        }
        let dtype = array.dtype();
        match (dtype.kind(), dtype.itemsize()) {
            (b'i', 1) => get(array).map(Self::I8),
            (b'i', 2) => get(array).map(Self::I16),
            (b'i', 4) => get(array).map(Self::I32),
            (b'i', 8) => get(array).map(Self::I64),
            (b'u', 1) => get(array).map(Self::U8),
            (b'u', 2) => get(array).map(Self::U16),
            (b'u', 4) => get(array).map(Self::U32),
            (b'u', 8) => get(array).map(Self::U64),
            (b'f', 4) => get(array).map(Self::F32),
            (b'f', 8) => get(array).map(Self::F64),
            _ => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::I8(_) | Self::I16(_) | Self::I32(_) | Self::I64(_) => Kind::Signed,
            Self::U8(_) | Self::U16(_) | Self::U32(_) | Self::U64(_) => Kind::Unsigned,
            Self::F32(_) | Self::F64(_) => Kind::Float,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Signed,
    Unsigned,
    Float,
}

/// A column as Python hands it over.
enum Given<'py> {
    Objects(Objects<'py>),
    Numbers(Numbers<'py>),
    Arrow(Bound<'py, ArrowColumn>),
}

impl<'py> Given<'py> {
    fn new(column: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(array) = column.cast::<PyUntypedArray>() {
            let given = if array.dtype().kind() == b'O' {
                Objects::new(column).map(Self::Objects)
            } else {
                Numbers::new(array).map(Self::Numbers)
            };
            if let Some(given) = given {
                return Ok(given);
            }
        } else if let Ok(arrow) = column.cast::<ArrowColumn>() {
            return Ok(Self::Arrow(arrow.clone()));
        }
        let name = column.get_type().name()?;
        Err(PyTypeError::new_err(format!("a column has to be a 1-d array or an ArrowColumn, not {name}")))
    }

    fn rows(&self) -> usize {
        match self {
            Self::Objects(x) => x.len(),
            Self::Numbers(x) => with_numbers!(x, x => x.len()),
            Self::Arrow(x) => x.get().rows(),
        }
    }
}

type Array<'py> = Bound<'py, PyAny>;
type Learned<'py> = (Array<'py>, Option<Array<'py>>, Option<Array<'py>>, Option<Array<'py>>);

/// The order of learned texts and missing ones, and the place of each id in it; last that of no id. Are the texts distinct?
fn order(texts: &LearnedTexts, missing: [bool; 2]) -> (Vec<u32>, Vec<u32>, bool) {
    let (mut order, distinct) = texts.0.sorted(FIRST..texts.len() as u32);
    order.extend(missing.iter().zip([NONE, NAN]).filter(|(there, _)| **there).map(|(_, id)| id));
    let mut ranks = vec![0; texts.len() + 1];
    for (rank, &id) in order.iter().enumerate() {
        ranks[id as usize] = rank as u32;
    }
    ranks[texts.len()] = order.len() as u32;
    (order, ranks, distinct)
}

fn array_of_texts<'py>(
    py: Python<'py>,
    order: &[u32],
    mut text: impl FnMut(u32) -> PyResult<Py<PyAny>>,
) -> PyResult<Array<'py>> {
    let values = order
        .iter()
        .map(|&id| match id {
            NONE => Ok(py.None()),
            NAN => Ok(py.import("numpy")?.getattr("nan")?.unbind()),
            _ => text(id),
        })
        .collect::<PyResult<Vec<Py<PyAny>>>>()?;
    Ok(values.into_pyarray(py).into_any())
}

fn counts_in<'py>(py: Python<'py>, order: &[u32], counts: &[u64]) -> Array<'py> {
    let counts: Vec<i64> =
        order.iter().map(|&id| counts.get(id as usize).copied().unwrap_or(0) as i64).collect();
    counts.into_pyarray(py).into_any()
}

fn learn_objects<'py>(
    py: Python<'py>,
    objects: &Objects<'py>,
    count: bool,
    keep: bool,
) -> PyResult<Option<Learned<'py>>> {
    let rows = objects.len();
    let mut ids = vec![0; rows];
    let mut learner = ObjectLearner::new(rows);
    if !learner.ids(py, objects, &mut ids)? {
        return Ok(None);
    }
    let ObjectLearner { texts, firsts, missing, .. } = learner;
    let (counts, order, ranks, ids) = enter(py, move |_| {
        let mut counts = vec![0_u64; if count { texts.len() } else { 0 }];
        if count {
            ids.iter().for_each(|&id| counts[id as usize] += 1);
        }
        let (order, ranks, _) = order(&texts, missing);
        Ok((counts, order, ranks, ids))
    })?;
    let categories = array_of_texts(py, &order, |id| Ok(firsts[(id - FIRST) as usize].clone_ref(py)))?;
    let counts = count.then(|| counts_in(py, &order, &counts));
    let kept = keep.then(|| (ids.into_pyarray(py).into_any(), ranks.into_pyarray(py).into_any()));
    let (ids, ranks) = kept.unzip();
    Ok(Some((categories, counts, ids, ranks)))
}

fn learn_arrow<'py>(
    py: Python<'py>,
    column: &ArrowColumn,
    count: bool,
    keep: bool,
) -> PyResult<Option<Learned<'py>>> {
    let size = if column.is_dictionary() { column.entries() + 1 } else { column.rows() };
    let mut missing = [false; 2];
    missing[column.missing() as usize] = column.null_count() > 0;
    let (texts, counts, ids, order, ranks) = enter(py, |exec| {
        let mut ids = vec![0; if keep { size } else { 0 }];
        let (mut texts, mut counts) = column.learn(keep.then_some(&mut ids), count, true, exec)?;
        let (mut order, mut ranks, distinct) = self::order(&texts, missing);
        if !distinct {
            (texts, counts) = column.learn(keep.then_some(&mut ids), count, false, exec)?;
            (order, ranks, _) = self::order(&texts, missing);
        }
        Ok((texts, counts, ids, order, ranks))
    })?;
    let categories =
        array_of_texts(py, &order, |id| Ok(PyString::from_bytes(py, texts.0.text(id))?.into_any().unbind()))?;
    let counts = count.then(|| counts_in(py, &order, &counts));
    let kept = keep.then(|| (ids.into_pyarray(py).into_any(), ranks.into_pyarray(py).into_any()));
    let (ids, ranks) = kept.unzip();
    Ok(Some((categories, counts, ids, ranks)))
}

fn learn_numbers<'py, T: Number + Element>(
    py: Python<'py>,
    x: &PyReadonlyArray1<'py, T>,
    count: bool,
    keep: bool,
) -> PyResult<Option<Learned<'py>>> {
    let view = x.as_array();
    let learned = enter(py, |exec| encode::learn(view, count, keep, exec))?;
    let mut values: Vec<T> = learned.keys.iter().map(|&key| T::from_key(key)).collect();
    if T::FLOAT {
        if values.iter().any(|v| v.is_infinite()) {
            return Ok(None);
        }
        let zero = T::from_key(0.0_f64.key());
        if let Some(place) = values.iter_mut().find(|v| **v == zero) {
            // Which zero NumPy keeps where there are both is an accident of its sorting.
            let mut zeros = view.iter().copied().filter(|v| *v == zero);
            let first = zeros.next().unwrap_or(zero);
            if zeros.any(|v| v.is_negative_zero() != first.is_negative_zero()) {
                return Ok(None);
            }
            *place = first;
        }
    }
    let categories = values.into_pyarray(py).into_any();
    let mut ranks = learned.ranks;
    ranks.push(ranks.len() as u32);
    let counts = count
        .then(|| learned.counts.iter().map(|&n| n as i64).collect::<Vec<_>>().into_pyarray(py).into_any());
    let ranks = learned.ids.is_some().then(|| ranks.into_pyarray(py).into_any());
    Ok(Some((categories, counts, learned.ids.map(|ids| ids.into_pyarray(py).into_any()), ranks)))
}

/// (categories, counts, ids, ranks) of a column: `ranks[ids[i]]` is the place of row i among the sorted categories, and
/// the last of `ranks` their number.
/// Counts if `count`, ids if `keep` (and if looking up again would cost more); a dictionary's ids are those of its
/// entries and last that of null. `None` for a column that is not plain:
/// objects that are neither str, None nor NaN, infinities, both zeros.
#[pyfunction]
#[allow(clippy::type_complexity, reason = "a Python tuple")]
fn learn_categories<'py>(
    py: Python<'py>,
    column: &Bound<'py, PyAny>,
    count: bool,
    keep: bool,
) -> PyResult<Option<Learned<'py>>> {
    match Given::new(column)? {
        Given::Objects(objects) => learn_objects(py, &objects, count, keep),
        Given::Numbers(x) => with_numbers!(&x, x => learn_numbers(py, x, count, keep)),
        Given::Arrow(column) => learn_arrow(py, column.get(), count, keep),
    }
}

enum Known {
    Texts { table: TextTable, none: u32, nan: u32 },
    Numbers { lookup: Lookup, kind: Kind },
}

/// The categories of one column, to look values up in.
#[pyclass(frozen, module = "ferroflow._core")]
struct Categories {
    known: Known,
    n: u32,
}

#[pymethods]
impl Categories {
    /// `values` are distinct, in the order of their places; raises `TypeError` for objects of other kinds.
    #[new]
    fn new(py: Python<'_>, values: &Bound<'_, PyAny>) -> PyResult<Self> {
        let given = Given::new(values)?;
        let n = given.rows() as u32;
        let known = match &given {
            Given::Numbers(x) => {
                let keys: Vec<u64> = with_numbers!(x, x => x.as_array().iter().map(|v| v.key()).collect());
                Known::Numbers { lookup: Lookup::new(&keys), kind: x.kind() }
            }
            Given::Objects(objects) => {
                let (mut table, mut none, mut nan) = (TextTable::new(), n, n);
                let mut places = vec![0; n as usize];
                let plain = Coder::new(1).codes(py, objects, &mut places, |cell, row| match cell {
                    Cell::Text(text) => table.insert_hashed(row.hash, text),
                    Cell::None => {
                        none = table.skip();
                        none
                    }
                    Cell::Nan => {
                        nan = table.skip();
                        nan
                    }
                })?;
                if !plain {
                    return Err(PyTypeError::new_err("categories have to be str, None or NaN"));
                }
                Known::Texts { table, none, nan }
            }
            Given::Arrow(_) => return Err(PyTypeError::new_err("categories have to be an array")),
        };
        Ok(Self { known, n })
    }
}

/// One column, ready to be read without the interpreter, and how many ids it has.
enum Ready<'a> {
    Ids(Vec<u32>, u32),
    Source(Box<dyn Source + 'a>, u32),
}

fn ready<'a>(
    py: Python<'_>,
    given: &'a Given<'_>,
    categories: Option<&'a Categories>,
    len: usize,
) -> PyResult<Option<Ready<'a>>> {
    let Some(categories) = categories else {
        // Ids or codes that are there already; the table's last entry is for what is negative or too large.
        let n = len.saturating_sub(1) as u32;
        let x = match given {
            Given::Numbers(x) => x,
            Given::Arrow(column) if column.get().is_dictionary() => {
                return Ok(Some(Ready::Source(Box::new(EntrySource::new(column.get())), n)));
            }
            _ => return Ok(None),
        };
        let source: Box<dyn Source + 'a> = match x {
            Numbers::I8(x) => Box::new(Codes { codes: x.as_array(), n }),
            Numbers::I16(x) => Box::new(Codes { codes: x.as_array(), n }),
            Numbers::I32(x) => Box::new(Codes { codes: x.as_array(), n }),
            Numbers::I64(x) => Box::new(Codes { codes: x.as_array(), n }),
            Numbers::U8(x) => Box::new(Codes { codes: x.as_array(), n }),
            Numbers::U16(x) => Box::new(Codes { codes: x.as_array(), n }),
            Numbers::U32(x) => Box::new(Codes { codes: x.as_array(), n }),
            _ => return Ok(None),
        };
        return Ok(Some(Ready::Source(source, n)));
    };
    let n = categories.n;
    Ok(match (given, &categories.known) {
        (Given::Numbers(x), Known::Numbers { lookup, kind }) if x.kind() == *kind => {
            let source: Box<dyn Source + 'a> =
                with_numbers!(x, x => Box::new(NumberSource { x: x.as_array(), lookup }));
            Some(Ready::Source(source, n))
        }
        (Given::Arrow(column), Known::Texts { table, none, nan }) => {
            let column = column.get();
            let missing = if column.missing() == NAN { *nan } else { *none };
            Some(Ready::Source(Box::new(ArrowSource::new(column, table, missing, n)), n))
        }
        (Given::Objects(objects), Known::Texts { table, none, nan }) => {
            let mut ids = vec![0; objects.len()];
            let plain = Coder::new(objects.len()).codes(py, objects, &mut ids, |cell, row| match cell {
                Cell::Text(text) => table.find_hashed(row.hash, text).unwrap_or(n),
                Cell::None => *none,
                Cell::Nan => *nan,
            })?;
            plain.then_some(Ready::Ids(ids, n))
        }
        _ => None,
    })
}

fn write<T: Element + Copy + Send + Sync>(
    py: Python<'_>,
    ready: &[Ready<'_>],
    tables: &[Bound<'_, PyAny>],
    out: &Bound<'_, PyUntypedArray>,
) -> PyResult<Vec<bool>> {
    let tables: Vec<PyReadonlyArray1<'_, T>> =
        tables.iter().map(|t| Ok(t.cast::<PyArray1<T>>()?.readonly())).collect::<PyResult<_>>()?;
    let mut out: PyReadwriteArray2<'_, T> = out.cast::<PyArray2<T>>()?.readwrite();
    let codes: Vec<Option<Codes<'_, u32>>> = ready
        .iter()
        .map(|ready| match ready {
            Ready::Ids(ids, n) => Some(Codes { codes: ndarray::ArrayView1::from(ids), n: *n }),
            Ready::Source(..) => None,
        })
        .collect();
    let mut columns = Vec::with_capacity(ready.len());
    for ((ready, codes), table) in ready.iter().zip(&codes).zip(&tables) {
        let (source, unknown): (&dyn Source, u32) = match (ready, codes) {
            (Ready::Ids(_, n), Some(codes)) => (codes, *n),
            (Ready::Source(source, n), _) => (&**source, *n),
            (Ready::Ids(..), None) => continue,
        };
        let table = table.as_slice()?;
        if table.len() != unknown as usize + 1 {
            return Err(PyTypeError::new_err(
                "a table needs one output per category, and one for the unknown",
            ));
        }
        columns.push(Column { source, table, unknown });
    }
    let out = out.as_slice_mut()?;
    enter(py, |exec| encode::encode(&columns, out, exec))
}

/// Writes `tables[j][place]` of each row's value in column j into `out[:, j]`, and tells which columns had unknown
/// values (they get the table's last entry). A column without categories holds places already. `None` if a column
/// is not plain, or of another kind than its categories.
#[pyfunction]
fn encode_columns<'py>(
    py: Python<'py>,
    columns: Vec<Bound<'py, PyAny>>,
    categories: Vec<Option<Bound<'py, Categories>>>,
    tables: Vec<Bound<'py, PyAny>>,
    out: &Bound<'py, PyUntypedArray>,
) -> PyResult<Option<Vec<bool>>> {
    let k = columns.len();
    let shape = out.shape();
    if categories.len() != k || tables.len() != k || shape.len() != 2 || shape[1] != k {
        return Err(PyTypeError::new_err("columns, categories, tables and out have to agree in width"));
    }
    let given = columns.iter().map(Given::new).collect::<PyResult<Vec<_>>>()?;
    if given.iter().any(|column| column.rows() != shape[0]) {
        return Err(PyTypeError::new_err("columns have to be as long as out"));
    }
    let mut all = Vec::with_capacity(k);
    for ((given, categories), table) in given.iter().zip(&categories).zip(&tables) {
        let Some(one) = ready(py, given, categories.as_ref().map(|c| c.get()), table.len()?)? else {
            return Ok(None);
        };
        all.push(one);
    }
    Ok(Some(match out.dtype().itemsize() {
        1 => write::<u8>(py, &all, &tables, out)?,
        2 => write::<u16>(py, &all, &tables, out)?,
        4 => write::<u32>(py, &all, &tables, out)?,
        _ => write::<u64>(py, &all, &tables, out)?,
    }))
}

/// How often each of `n` codes appears, and last how often a negative one does.
#[pyfunction]
fn count_codes<'py>(
    py: Python<'py>,
    codes: &Bound<'py, PyUntypedArray>,
    n: u32,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    fn count<T: Element + Copy + Sync + TryInto<u32>>(
        py: Python<'_>,
        codes: &PyReadonlyArray1<'_, T>,
        n: u32,
    ) -> PyResult<Vec<u64>> {
        let codes = codes.as_array();
        enter(py, |_| Ok(encode::count_codes(codes, n)))
    }
    let counts = match Numbers::new(codes) {
        Some(Numbers::I8(x)) => count(py, &x, n)?,
        Some(Numbers::I16(x)) => count(py, &x, n)?,
        Some(Numbers::I32(x)) => count(py, &x, n)?,
        Some(Numbers::I64(x)) => count(py, &x, n)?,
        Some(Numbers::U8(x)) => count(py, &x, n)?,
        Some(Numbers::U16(x)) => count(py, &x, n)?,
        Some(Numbers::U32(x)) => count(py, &x, n)?,
        _ => return Err(PyTypeError::new_err("codes have to be a 1-d array of integers")),
    };
    Ok(counts.into_iter().map(|n| n as i64).collect::<Vec<_>>().into_pyarray(py))
}

type Ints<'py> = Bound<'py, PyArray1<i32>>;

/// (indices, indptr) of the CSR matrix with a one at each column number of `matrix` that is not negative.
#[pyfunction]
fn csr_parts<'py>(py: Python<'py>, matrix: PyReadonlyArray2<'py, i32>) -> PyResult<(Ints<'py>, Ints<'py>)> {
    let k = matrix.shape()[1];
    let values = matrix.as_slice()?;
    let (indices, indptr) = enter(py, |_| Ok(encode::compact(values, k)))?;
    Ok((indices.into_pyarray(py), indptr.into_pyarray(py)))
}

/// Fills `data` with the one in `one` and `indptr` with the multiples of `k`: a CSR matrix of `k` ones in every row.
#[pyfunction]
fn one_per_place<'py>(
    py: Python<'py>,
    one: &Bound<'py, PyUntypedArray>,
    data: &Bound<'py, PyUntypedArray>,
    k: usize,
    indptr: &Bound<'py, PyArray1<i32>>,
) -> PyResult<()> {
    fn fill<T: Element + Copy + Send + Sync>(
        py: Python<'_>,
        one: &Bound<'_, PyUntypedArray>,
        data: &Bound<'_, PyUntypedArray>,
        k: usize,
        indptr: &mut [i32],
    ) -> PyResult<()> {
        let one = one.cast::<PyArray1<T>>()?.readonly();
        let Some(&one) = one.as_array().first() else {
            return Err(PyTypeError::new_err("one has to have an element"));
        };
        let mut data = data.cast::<PyArray1<T>>()?.readwrite();
        let data = data.as_slice_mut()?;
        enter(py, |exec| encode::one_per_place(one, data, k, indptr, exec))
    }
    let mut indptr = indptr.readwrite();
    let indptr = indptr.as_slice_mut()?;
    match data.dtype().itemsize() {
        1 => fill::<u8>(py, one, data, k, indptr),
        2 => fill::<u16>(py, one, data, k, indptr),
        4 => fill::<u32>(py, one, data, k, indptr),
        _ => fill::<u64>(py, one, data, k, indptr),
    }
}

/// Writes the one in `one` into `out` (zeros, row by row or column by column) at each column number of `matrix` that is
/// not negative.
#[pyfunction]
fn scatter_ones<'py>(
    py: Python<'py>,
    matrix: PyReadonlyArray2<'py, i32>,
    one: &Bound<'py, PyUntypedArray>,
    out: &Bound<'py, PyUntypedArray>,
) -> PyResult<()> {
    scatter(py, matrix.as_slice()?, matrix.shape()[1], one, out)
}

/// The same at the column numbers `places[ids]`, one a row: for few rows.
#[pyfunction]
fn scatter_ids<'py>(
    py: Python<'py>,
    ids: PyReadonlyArray1<'py, u32>,
    places: PyReadonlyArray1<'py, i32>,
    one: &Bound<'py, PyUntypedArray>,
    out: &Bound<'py, PyUntypedArray>,
) -> PyResult<()> {
    let (ids, places) = (ids.as_slice()?, places.as_slice()?);
    let matrix: Vec<i32> = ids.iter().map(|&id| places.get(id as usize).copied().unwrap_or(-1)).collect();
    scatter(py, &matrix, 1, one, out)
}

fn scatter(
    py: Python<'_>,
    matrix: &[i32],
    k: usize,
    one: &Bound<'_, PyUntypedArray>,
    out: &Bound<'_, PyUntypedArray>,
) -> PyResult<()> {
    fn typed<T: Element + Copy + Send + Sync>(
        py: Python<'_>,
        matrix: &[i32],
        k: usize,
        one: &Bound<'_, PyUntypedArray>,
        out: &Bound<'_, PyUntypedArray>,
    ) -> PyResult<()> {
        let mut out = out.cast::<PyArray2<T>>()?.readwrite();
        let width = out.shape()[1];
        if out.shape()[0] * k != matrix.len() {
            return Err(PyTypeError::new_err("the rows of out have to be those of the column numbers"));
        }
        let one = one.cast::<PyArray1<T>>()?.readonly();
        let Some(&one) = one.as_array().first() else {
            return Err(PyTypeError::new_err("one has to have an element"));
        };
        let by_column = width > 1 && out.is_fortran_contiguous();
        let out = out.as_slice_mut()?;
        enter(py, |exec| {
            if by_column {
                encode::scatter_by_column(matrix, k, one, out, exec)
            } else {
                encode::scatter(matrix, k, one, out, width, exec)
            }
        })
    }
    match out.dtype().itemsize() {
        1 => typed::<u8>(py, matrix, k, one, out),
        2 => typed::<u16>(py, matrix, k, one, out),
        4 => typed::<u32>(py, matrix, k, one, out),
        _ => typed::<u64>(py, matrix, k, one, out),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<ArrowColumn>()?;
    m.add_class::<Categories>()?;
    m.add_function(wrap_pyfunction!(count_codes, m)?)?;
    m.add_function(wrap_pyfunction!(csr_parts, m)?)?;
    m.add_function(wrap_pyfunction!(encode_columns, m)?)?;
    m.add_function(wrap_pyfunction!(learn_categories, m)?)?;
    m.add_function(wrap_pyfunction!(one_per_place, m)?)?;
    m.add_function(wrap_pyfunction!(scatter_ids, m)?)?;
    m.add_function(wrap_pyfunction!(scatter_ones, m)?)
}
