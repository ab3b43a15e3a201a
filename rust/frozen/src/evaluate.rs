//! Predictions of a model: block by block on the caller's threads, row by row where there are few rows, where rows are
//! wide, and where a row is refused, which then is named.

use std::sync::Mutex;

use ferroflow_core::{Error, Exec, Float, simd};
use ndarray::ArrayView2;

use crate::batch::{self, Batch, Cell};
use crate::block::{self, Block};
use crate::error::{InputCode, InputError};
use crate::graph::Scratch;
use crate::model::Model;
use crate::predictions::{Link, Output, Predictions, Wanted, decide};
use crate::schema::Task;
use crate::source::{Matrix, Source};

/// Numbers and texts, or as much work, of a piece, the unit that a thread takes.
const PIECE: usize = 1 << 17;
/// Rows of a piece at least, where blocks have as many: fewer would read the model too often.
const FEW: usize = 128;
/// Numbers and texts, or as much work, below which threads cost more than they bring.
const SERIAL_BELOW: usize = 1 << 18;

/// Room for the predictions of some rows; what is not wanted is empty.
struct Room<'r> {
    labels: &'r mut [u32],
    values: &'r mut [f64],
    probabilities: &'r mut [f64],
}

impl Model {
    /// Predictions for the rows of `batch`, which must have been made for this model's schema.
    ///
    /// # Errors
    /// [`InputError`] naming row and column: unknown category, overflow, columns of unequal length.
    pub fn predict(&self, batch: &Batch<'_>) -> Result<Predictions, InputError> {
        let rows = batch.rows()?;
        let room = self.memory(rows, Wanted::ALL);
        self.filled(rows, Wanted::ALL, room, |room| self.run(batch, 0, rows, room))
    }

    /// The same on the threads of `exec`, and only what is wanted.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the caller asked to stop; within, [`InputError`] as for [`Model::predict`].
    pub fn predict_on(
        &self,
        batch: &Batch<'_>,
        wanted: Wanted,
        exec: &Exec<'_>,
    ) -> Result<Result<Predictions, InputError>, Error> {
        match batch.rows() {
            Ok(rows) => self.spread(batch, rows, wanted, exec),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Predictions for the rows of a matrix, whose columns stand in the order of the schema.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the caller asked to stop; within, [`InputError`] as from [`Batch::push`] and
    /// [`Model::predict`], or for a matrix of another width.
    pub fn predict_matrix<T: Float>(
        &self,
        matrix: ArrayView2<'_, T>,
        wanted: Wanted,
        exec: &Exec<'_>,
    ) -> Result<Result<Predictions, InputError>, Error> {
        let (rows, width) = matrix.dim();
        let needed = self.schema.columns().len();
        if width != needed {
            let message = format!("the array has {width} columns, the model needs {needed}");
            return Ok(Err(InputError { code: InputCode::MissingColumn, message, row: None, column: None }));
        }
        self.spread(&Matrix(matrix), rows, wanted, exec)
    }

    /// Predictions for one row: `cell` is asked for each column's cell in the order of the schema.
    ///
    /// # Errors
    /// What `cell` gives, and [`InputError`] as from [`Batch::push`] and [`Model::predict`].
    pub fn predict_row<'a, E: From<InputError>>(
        &'a self,
        mut cell: impl FnMut(usize) -> Result<Cell<'a>, E>,
    ) -> Result<Predictions, E> {
        let mut scratch = self.graph.scratch();
        for (j, column) in self.schema.columns().iter().enumerate() {
            let checked = batch::check(column, cell(j)?, 0)?;
            self.graph.put(j, &checked, &mut scratch);
        }
        let room = self.memory(1, Wanted::ALL);
        Ok(self.filled(1, Wanted::ALL, room, |room| {
            self.graph.ops(&mut scratch, 0, &self.schema)?;
            self.collect(0, 0, &scratch, room)
        })?)
    }

    /// Probabilities per row.
    pub(crate) fn n_probabilities(&self) -> usize {
        if self.link == Link::None { 0 } else { self.info.classes.len() }
    }

    fn memory(&self, rows: usize, wanted: Wanted) -> (Vec<u32>, Vec<f64>, Vec<f64>) {
        let classifier = self.info.task == Task::Classifier;
        let room = |wanted: bool, width: usize| if wanted { rows.saturating_mul(width) } else { 0 };
        (
            vec![0; room(classifier && wanted.output, 1)],
            vec![
                0.0;
                room(
                    if classifier { wanted.scores && self.info.has_scores } else { wanted.output },
                    self.outputs.len()
                )
            ],
            vec![0.0; room(wanted.probabilities, self.n_probabilities())],
        )
    }

    fn filled(
        &self,
        rows: usize,
        wanted: Wanted,
        (mut labels, mut values, mut probabilities): (Vec<u32>, Vec<f64>, Vec<f64>),
        fill: impl FnOnce(&mut Room<'_>) -> Result<(), InputError>,
    ) -> Result<Predictions, InputError> {
        fill(&mut Room { labels: &mut labels, values: &mut values, probabilities: &mut probabilities })?;
        let classifier = self.info.task == Task::Classifier;
        let probabilities = (wanted.probabilities && self.link != Link::None).then_some(probabilities);
        Ok(if classifier {
            Predictions { rows, output: Output::Labels(labels), probabilities, scores: values }
        } else {
            let output = Output::Values { width: self.outputs.len(), data: values };
            Predictions { rows, output, probabilities, scores: Vec::new() }
        })
    }

    /// All rows of `source`, piece by piece on all threads.
    fn spread<S: Source>(
        &self,
        source: &S,
        rows: usize,
        wanted: Wanted,
        exec: &Exec<'_>,
    ) -> Result<Result<Predictions, InputError>, Error> {
        let work = self.graph.work().max(1);
        let block = self.graph.rows_of_block().unwrap_or(1);
        let rows_of_piece = PIECE / work;
        let piece = if rows_of_piece < block {
            rows_of_piece.max(FEW).min(block)
        } else {
            rows_of_piece / block * block
        };
        let room = self.memory(rows, wanted);
        if rows.saturating_mul(work) < SERIAL_BELOW {
            return Ok(self.filled(rows, wanted, room, |room| self.run(source, 0, rows, room)));
        }
        let mut stopped = Ok(());
        let predictions = self.filled(rows, wanted, room, |room| {
            let mut labels = room.labels.chunks_mut(piece);
            let mut values = room.values.chunks_mut((piece * self.outputs.len()).max(1));
            let mut probabilities = room.probabilities.chunks_mut((piece * self.n_probabilities()).max(1));
            let rooms: Vec<_> = (0..rows.div_ceil(piece))
                .map(|_| {
                    Mutex::new(Room {
                        labels: labels.next().unwrap_or_default(),
                        values: values.next().unwrap_or_default(),
                        probabilities: probabilities.next().unwrap_or_default(),
                    })
                })
                .collect();
            let results = exec.map(rooms.len(), |k| match rooms[k].lock() {
                Ok(mut room) => self.run(source, k * piece, piece.min(rows - k * piece), &mut room),
                Err(_) => Ok(()),
            });
            match results {
                Ok(results) => results.into_iter().collect(),
                Err(error) => {
                    stopped = Err(error);
                    Ok(())
                }
            }
        });
        stopped.map(|()| predictions)
    }

    /// `rows` rows of `source` from row `begin` on, on this thread.
    fn run<S: Source>(
        &self,
        source: &S,
        begin: usize,
        rows: usize,
        room: &mut Room<'_>,
    ) -> Result<(), InputError> {
        let most = self.graph.rows_of_block().filter(|_| block::pays(rows)).unwrap_or(0);
        let mut block = self.graph.block(most.min(rows));
        let mut scratch = None;
        let mut at = 0;
        while at < rows {
            let take = if most == 0 { rows } else { most.min(rows - at) };
            if most > 0 && take != block.rows() {
                block = self.graph.block(take);
            }
            let done = most > 0
                && source.fill(&self.graph, &self.schema, begin + at, &mut block)
                && self.graph.run_block(&mut block)
                && self.collect_block(at, &block, room);
            if !done {
                let scratch = scratch.get_or_insert_with(|| self.graph.scratch());
                for i in at..at + take {
                    source.row(&self.graph, &self.schema, begin + i, scratch)?;
                    self.graph.ops(scratch, begin + i, &self.schema)?;
                    self.collect(begin + i, i, scratch, room)?;
                }
            }
            at += take;
        }
        Ok(())
    }

    /// What came out of row `row`, to place `at` of the room.
    fn collect(&self, row: usize, at: usize, s: &Scratch<'_>, room: &mut Room<'_>) -> Result<(), InputError> {
        let width = self.outputs.len();
        let (one, many);
        let values = if let &[output] = self.outputs.as_slice() {
            one = [s.numbers[output]];
            &one[..]
        } else {
            many = self.outputs.iter().map(|&at| s.numbers[at]).collect::<Vec<_>>();
            &many
        };
        if let Some(out) = room.values.get_mut(at * width..(at + 1) * width) {
            out.copy_from_slice(values);
        }
        if self.info.task == Task::Transformer {
            return Ok(());
        }
        let (mut decide_by, mut likely_by) = (Vec::new(), Vec::new());
        let deciding = pick(&self.deciding, &self.outputs, values, &mut decide_by, s);
        let likely = pick(&self.likely, &self.outputs, values, &mut likely_by, s);
        if values.iter().chain(deciding).chain(likely).any(|v| !v.is_finite()) {
            return Err(InputError::overflow(row));
        }
        if let Some(label) = room.labels.get_mut(at) {
            *label = decide(deciding);
        }
        let n = self.n_probabilities();
        if n > 0
            && let Some(out) = room.probabilities.get_mut(at * n..(at + 1) * n)
        {
            if self.info.single {
                self.link.row::<f32>(likely, out);
            } else {
                self.link.row::<f64>(likely, out);
            }
        }
        Ok(())
    }

    /// What came out of a block, from place `at` of the room on; `false` if it has to go row by row.
    fn collect_block(&self, at: usize, block: &Block<'_>, room: &mut Room<'_>) -> bool {
        let (rows, width, n) = (block.rows(), self.outputs.len(), self.n_probabilities());
        if self.info.task != Task::Transformer {
            let finite = |v: &[f64]| v.iter().fold(true, |all, x| all & x.is_finite());
            if !self.checked.iter().all(|&j| {
                simd::run(
                    #[inline(always)]
                    || finite(block.numbers(j)),
                )
            }) {
                return false;
            }
        }
        if let Some(out) = room.values.get_mut(at * width..(at + rows) * width) {
            for (k, &j) in self.outputs.iter().enumerate() {
                for (out, x) in out.chunks_exact_mut(width).zip(block.numbers(j)) {
                    out[k] = *x;
                }
            }
        }
        if let Some(labels) = room.labels.get_mut(at..at + rows) {
            if let &[score] = self.deciding.as_slice() {
                for (label, score) in labels.iter_mut().zip(block.numbers(score)) {
                    *label = decide(&[*score]);
                }
            } else {
                let mut scores = vec![0.0; self.deciding.len()];
                for (i, label) in labels.iter_mut().enumerate() {
                    for (score, &j) in scores.iter_mut().zip(&self.deciding) {
                        *score = block.numbers(j)[i];
                    }
                    *label = decide(&scores);
                }
            }
        }
        if n > 0
            && let Some(out) = room.probabilities.get_mut(at * n..(at + rows) * n)
        {
            if self.info.single {
                self.link.block::<f32>(block, &self.likely, out);
            } else {
                self.link.block::<f64>(block, &self.likely, out);
            }
        }
        true
    }
}

/// The numbers of a row at `slots`: `values` where these are the outputs.
fn pick<'v>(
    slots: &[usize],
    outputs: &[usize],
    values: &'v [f64],
    room: &'v mut Vec<f64>,
    s: &Scratch<'_>,
) -> &'v [f64] {
    if slots == outputs {
        return values;
    }
    room.extend(slots.iter().map(|&at| s.numbers[at]));
    room
}
