//! Splitters: folds, training and test parts, and the rows of arrays gathered by them.

use ferroflow_core::Error;
use ferroflow_core::encode::TextTable;
use ferroflow_core::random::Mt19937;
use ferroflow_core::split::{self, Label, Order, TextRows, gather, groups};
use numpy::{
    Element, IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PySlice;

use std::sync::Mutex;

use crate::door::enter;
use crate::fresh::fresh;
use crate::strings::{Cell, Coder, Objects};

/// The stream of a seed, from which may be drawn again and again.
#[pyclass(frozen, module = "ferroflow._core")]
struct Stream(Mutex<Mt19937>);

#[pymethods]
impl Stream {
    #[new]
    fn new(seed: u32) -> Self {
        Self(Mutex::new(Mt19937::new(seed)))
    }
}

/// Where random numbers come from: a seed, a seed's stream, or the words and the position of a `RandomState`.
#[derive(FromPyObject)]
enum Source<'py> {
    Seed(u32),
    Stream(Bound<'py, Stream>),
    State(PyReadonlyArray1<'py, u32>, usize),
}

type State<'py> = (Bound<'py, PyArray1<u32>>, usize);
type Rows<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

impl Source<'_> {
    fn stream(&self) -> PyResult<Mt19937> {
        match self {
            Self::Seed(seed) => Ok(Mt19937::new(*seed)),
            Self::Stream(stream) => match stream.get().0.lock() {
                Ok(stream) => Ok(stream.clone()),
                Err(_) => Err(invalid("a draw from this stream failed")),
            },
            Self::State(key, pos) => {
                let key = <[u32; 624]>::try_from(key.as_slice()?)
                    .map_err(|_| PyValueError::new_err("MT19937 has 624 words"))?;
                Ok(Mt19937::from_state(key, *pos))
            }
        }
    }

    /// Where the stream stands now, if it was a `RandomState`'s.
    fn after<'py>(&self, py: Python<'py>, stream: &Mt19937) -> Option<State<'py>> {
        if let Self::Stream(drawn) = self
            && let Ok(mut drawn) = drawn.get().0.lock()
        {
            drawn.clone_from(stream);
        }
        let (key, pos) = stream.state();
        matches!(self, Self::State(..)).then(|| (PyArray1::from_slice(py, key), pos))
    }
}

fn after<'py>(py: Python<'py>, source: Option<&Source<'_>>, stream: Option<&Mt19937>) -> Option<State<'py>> {
    source?.after(py, stream?)
}

fn invalid(text: &str) -> PyErr {
    PyValueError::new_err(text.to_owned())
}

/// The class of each row.
#[pyclass(frozen, module = "ferroflow._core")]
struct Classes(split::Classes);

#[pymethods]
impl Classes {
    /// How many classes there are.
    fn __len__(&self) -> usize {
        self.0.counts.len()
    }

    /// Rows of the smallest class.
    #[getter]
    fn smallest(&self) -> u32 {
        self.0.counts.iter().copied().min().unwrap_or(0)
    }

    /// Rows of the largest class.
    #[getter]
    fn largest(&self) -> u32 {
        self.0.counts.iter().copied().max().unwrap_or(0)
    }

    /// The place of each row's class among the ascending ones.
    fn ranks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        Ok(enter(py, |_| Ok(self.0.ranks().collect::<Vec<_>>()))?.into_pyarray(py))
    }

    /// The first row of each class, in ascending order of the labels.
    fn firsts(&self) -> Vec<usize> {
        self.0.firsts()
    }

    /// Are the labels whole numbers, or no numbers at all?
    #[getter]
    fn whole(&self) -> bool {
        self.0.whole
    }

    /// Which of the `k` folds of GroupKFold tests each class, in ascending order.
    fn balanced<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Bound<'py, PyArray1<u32>>> {
        if k == 0 {
            return Err(invalid("there are no folds"));
        }
        Ok(enter(py, |_| Ok(groups::balanced(&self.0, k)))?.into_pyarray(py))
    }

    /// Folds of whole classes: the i-th in ascending order is tested by the `folds[i]`-th of `k`, or by none.
    fn folds(&self, py: Python<'_>, folds: PyReadonlyArray1<'_, u32>, k: usize) -> PyResult<Folds> {
        let folds = folds.as_slice()?;
        if folds.len() != self.0.counts.len() {
            return Err(invalid("there are not so many classes"));
        }
        Ok(Folds(enter(py, |_| Ok(split::Folds::of_groups(&self.0, folds, k)))?))
    }

    /// (rows to learn from, rows to test), where the i-th class in ascending order is for the former if `roles[i]` is 1, for
    /// the latter if it is 2, else for neither.
    fn part<'py>(&self, py: Python<'py>, roles: PyReadonlyArray1<'_, u8>) -> PyResult<Rows<'py>> {
        let roles = roles.as_slice()?;
        if roles.len() != self.0.counts.len() {
            return Err(invalid("there are not so many classes"));
        }
        filled(py, groups::part_sizes(&self.0, roles), |train, test| {
            enter(py, |_| {
                groups::part(&self.0, roles, train, test);
                Ok(())
            })
        })
    }
}

fn of_numbers<L: Label + Element + Sync>(
    py: Python<'_>,
    y: &Bound<'_, PyArray1<L>>,
) -> PyResult<Option<Classes>> {
    let y = y.try_readonly()?;
    let copied;
    let labels = if let Ok(labels) = y.as_slice() {
        labels
    } else {
        copied = y.as_array().to_vec();
        &copied
    };
    Ok(enter(py, |_| Ok(split::Classes::of_numbers(labels)))?.map(Classes))
}

/// The classes of a 1-d array of numbers, booleans or `str` objects; `None` for others, for NaN and for infinities.
#[pyfunction]
fn label_classes(py: Python<'_>, y: &Bound<'_, PyAny>) -> PyResult<Option<Classes>> {
    macro_rules! try_types {
        ($($t:ty),*) => {$(
            if let Ok(y) = y.cast::<PyArray1<$t>>() {
                return of_numbers(py, y);
            }
        )*};
    }
    try_types!(i64, f64, bool, i32, u8, f32, i8, i16, u16, u32, u64);
    let Some(objects) = Objects::new(y) else { return Ok(None) };
    let (mut texts, mut foreign) = (TextTable::new(), false);
    let mut codes = vec![0; objects.len()];
    let read = Coder::new(codes.len()).codes(py, &objects, &mut codes, |cell, row| {
        if let Cell::Text(text) = cell {
            return texts.insert_hashed(row.hash, text);
        }
        foreign = true;
        0
    })?;
    if !read || foreign {
        return Ok(None);
    }
    Ok(Some(Classes(enter(py, |_| Ok(split::Classes::of_texts(codes, &texts)))?)))
}

/// The classes of fixed-width strings, given by their code points.
#[pyfunction]
fn text_classes(py: Python<'_>, points: PyReadonlyArray2<'_, u32>) -> PyResult<Classes> {
    let texts = TextRows { width: points.shape()[1], points: points.as_slice()? };
    Ok(Classes(enter(py, |_| Ok(texts.classes()))?))
}

/// Which fold tests which row.
#[pyclass(frozen, module = "ferroflow._core")]
struct Folds(split::Folds);

#[pymethods]
impl Folds {
    /// Which fold tests each row.
    fn numbers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let mut out = vec![0; self.0.sizes(0).0 + self.0.sizes(0).1];
        enter(py, |_| {
            self.0.numbers(&mut out);
            Ok(())
        })?;
        Ok(out.into_pyarray(py))
    }

    /// (rows to learn from, rows to test) of a fold.
    fn rows<'py>(&self, py: Python<'py>, fold: usize) -> PyResult<Rows<'py>> {
        if fold >= self.0.count() {
            return Err(invalid("there are not so many folds"));
        }
        filled(py, self.0.sizes(fold), |train, test| enter(py, |exec| self.0.write(fold, train, test, exec)))
    }
}

fn stream(source: Option<&Source<'_>>) -> PyResult<Option<Mt19937>> {
    source.map(Source::stream).transpose()
}

/// (the folds of KFold, where the `RandomState` stands now).
#[pyfunction]
#[pyo3(signature = (n, k, source=None))]
fn plain_folds<'py>(
    py: Python<'py>,
    n: u32,
    k: usize,
    source: Option<Source<'py>>,
) -> PyResult<(Folds, Option<State<'py>>)> {
    if k == 0 || k > n as usize {
        return Err(invalid("there are more folds than rows, or none"));
    }
    let mut stream = stream(source.as_ref())?;
    let folds = enter(py, |exec| split::Folds::plain(n, k, stream.as_mut(), exec))?;
    Ok((Folds(folds), after(py, source.as_ref(), stream.as_ref())))
}

/// (the folds of StratifiedKFold, where the `RandomState` stands now).
#[pyfunction]
#[pyo3(signature = (classes, k, source=None))]
fn stratified_folds<'py>(
    py: Python<'py>,
    classes: &Bound<'py, Classes>,
    k: usize,
    source: Option<Source<'py>>,
) -> PyResult<(Folds, Option<State<'py>>)> {
    let classes = &classes.get().0;
    if k == 0 || k > classes.codes.len() {
        return Err(invalid("there are more folds than rows, or none"));
    }
    let mut stream = stream(source.as_ref())?;
    let folds = enter(py, |exec| split::Folds::stratified(classes, k, stream.as_mut(), exec))?;
    Ok((Folds(folds), after(py, source.as_ref(), stream.as_ref())))
}

/// (which of the `k` folds of StratifiedGroupKFold tests each group, in ascending order; where the `RandomState` stands now).
#[pyfunction]
#[pyo3(signature = (groups, classes, k, source=None))]
fn stratified_groups<'py>(
    py: Python<'py>,
    groups: &Bound<'py, Classes>,
    classes: &Bound<'py, Classes>,
    k: usize,
    source: Option<Source<'py>>,
) -> PyResult<(Bound<'py, PyArray1<u32>>, Option<State<'py>>)> {
    let (groups, classes) = (&groups.get().0, &classes.get().0);
    if k == 0 || groups.codes.len() != classes.codes.len() {
        return Err(invalid("there are no folds, or not as many groups as classes"));
    }
    let mut stream = stream(source.as_ref())?;
    let folds = enter(py, |exec| groups::stratified(groups, classes, k, stream.as_mut(), exec))?;
    Ok((folds.into_pyarray(py), after(py, source.as_ref(), stream.as_ref())))
}

/// Rows to learn from and rows to test.
#[pyclass(frozen, module = "ferroflow._core")]
struct Halves {
    n: usize,
    inner: split::Halves,
}

/// Values from which NumPy asks for huge pages (4 MB), and values of a huge page.
const LARGE: usize = 1 << 19;
const HUGE: usize = 1 << 18;

/// Arrays of the two lengths, filled by `fill`.
///
/// Large ones lie beside one another in a block of whole huge pages: of 5 folds of a million rows, writing takes 4 ms rather
/// than 15, most of which are page faults.
fn filled<'py>(
    py: Python<'py>,
    (train, test): (usize, usize),
    fill: impl FnOnce(&mut [i64], &mut [i64]) -> PyResult<()>,
) -> PyResult<Rows<'py>> {
    if train + test < LARGE {
        let (train, test) = (uninitialised(py, train), uninitialised(py, test));
        // SAFETY: the arrays were just made, are contiguous, and these are their only references.
        let (a, b) = unsafe { (train.as_slice_mut()?, test.as_slice_mut()?) };
        fill(a, b)?;
        return Ok((train, test));
    }
    let block = uninitialised(py, train + test + HUGE);
    // SAFETY: the array was just made, is contiguous, and this is its only reference.
    let values = unsafe { block.as_slice_mut()? };
    let begin = values.as_ptr().align_offset(HUGE * size_of::<i64>()).min(HUGE);
    let (a, b) = values[begin..begin + train + test].split_at_mut(train);
    fill(a, b)?;
    let part = |begin: usize, len: usize| -> PyResult<Bound<'py, PyArray1<i64>>> {
        let part = block.get_item(PySlice::new(py, begin as isize, (begin + len) as isize, 1))?;
        Ok(part.cast_into()?)
    };
    Ok((part(begin, train)?, part(begin + train, test)?))
}

fn write(order: Order<'_>, out: &mut [i64]) {
    match order {
        Order::From(begin) => out.iter_mut().zip(begin as i64..).for_each(|(out, row)| *out = row),
        Order::Rows(rows) => out.iter_mut().zip(rows).for_each(|(out, &row)| *out = row.into()),
    }
}

/// An array that is filled before Python sees it.
fn uninitialised(py: Python<'_>, len: usize) -> Bound<'_, PyArray1<i64>> {
    // SAFETY: NumPy hands out memory that nobody else sees; callers write every element that Python will see before they
    // return it, and drop it unseen on an error.
    unsafe { fresh(py, len, false) }
}

#[pymethods]
impl Halves {
    /// (rows to learn from, rows to test).
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Rows<'py>> {
        let ((train, a), (test, b)) = (self.inner.train(), self.inner.test());
        filled(py, (a, b), |to_train, to_test| {
            write(train, to_train);
            write(test, to_test);
            Ok(())
        })
    }

    /// Fills `train` and `test` with rows of `table`, all as bytes.
    fn take(
        &self,
        py: Python<'_>,
        table: PyReadonlyArray2<'_, u8>,
        mut train: PyReadwriteArray2<'_, u8>,
        mut test: PyReadwriteArray2<'_, u8>,
    ) -> PyResult<()> {
        let width = table.shape()[1];
        let table_rows = table.shape()[0];
        let ((train_order, a), (test_order, b)) = (self.inner.train(), self.inner.test());
        if table_rows != self.n || train.shape() != [a, width] || test.shape() != [b, width] {
            return Err(invalid("the arrays do not have the shapes of the split"));
        }
        let table = table.as_slice()?;
        let (train, test) = (train.as_slice_mut()?, test.as_slice_mut()?);
        enter(py, |exec| {
            gather(table, width, train_order, train, exec)?;
            gather(table, width, test_order, test, exec)
        })
    }
}

/// (the parts of `train_test_split`: as the rows come, of a permutation, or by classes; where the `RandomState` stands
/// now).
#[pyfunction]
#[pyo3(signature = (n, train, test, source=None, classes=None))]
fn halves<'py>(
    py: Python<'py>,
    n: u32,
    train: usize,
    test: usize,
    source: Option<Source<'py>>,
    classes: Option<Bound<'py, Classes>>,
) -> PyResult<(Halves, Option<State<'py>>)> {
    let rows = n as usize;
    let classes = classes.as_ref().map(|classes| &classes.get().0);
    if train > rows || test > rows - train || classes.is_some_and(|classes| classes.codes.len() != rows) {
        return Err(invalid("the parts do not fit the rows"));
    }
    let mut stream = stream(source.as_ref())?;
    let inner = enter(py, |exec| {
        Ok::<_, Error>(match (stream.as_mut(), classes) {
            (None, _) => split::Halves::in_order(train, test),
            (Some(rng), None) => split::Halves::shuffled(n, train, test, rng),
            (Some(rng), Some(classes)) => split::Halves::stratified(classes, train, test, rng, exec)?,
        })
    })?;
    Ok((Halves { n: rows, inner }, after(py, source.as_ref(), stream.as_ref())))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Classes>()?;
    m.add_class::<Folds>()?;
    m.add_class::<Halves>()?;
    m.add_class::<Stream>()?;
    m.add_function(wrap_pyfunction!(halves, m)?)?;
    m.add_function(wrap_pyfunction!(label_classes, m)?)?;
    m.add_function(wrap_pyfunction!(plain_folds, m)?)?;
    m.add_function(wrap_pyfunction!(stratified_folds, m)?)?;
    m.add_function(wrap_pyfunction!(stratified_groups, m)?)?;
    m.add_function(wrap_pyfunction!(text_classes, m)?)
}
