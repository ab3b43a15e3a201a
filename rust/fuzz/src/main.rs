//! `replay [--seconds S] [--inputs I] [--seed N]`: the corpora, then random inputs for S seconds, or I of them, on stable Rust and
//! without libFuzzer. A seed and a number give the same inputs each time.
//!
//! Ends with 1 at the first input that panics, takes more than 64 MB for each MB of it, or does not end: it is written to
//! rust/fuzz/failures, to be replayed and, once mended, moved to the corpus.

mod memory;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use fastrand::Rng;
use ferroflow_fuzz::{Requests, mutate, mutate_request};

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

const MEGABYTE: usize = 1 << 20;
const MOST_PER_MEGABYTE: usize = 64 * MEGABYTE;
/// Far above the slowest input in a build without optimisation.
const HANGS_AFTER: Duration = Duration::from_secs(30);

static CURRENT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static BEGUN: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let mut seconds = 600;
    let mut inputs = u64::MAX;
    let mut seed = Rng::new().u64(..);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|v| v.parse().ok());
        match (name.as_str(), value) {
            ("--seconds", Some(value)) => seconds = value,
            ("--inputs", Some(value)) => inputs = value,
            ("--seed", Some(value)) => seed = value,
            _ => {
                eprintln!("usage: replay [--seconds S] [--inputs I] [--seed N]");
                return ExitCode::from(2);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut models = files(&root.join("../../tests/golden"), "ff");
    models.extend(files(&root.join("corpus/load"), "ff"));
    let requests = files(&root.join("corpus/requests"), "txt");
    let Some(server) = models
        .iter()
        .find(|(path, _)| path.ends_with("v1-multiclass.ff"))
        .and_then(|(_, bytes)| Requests::start(bytes))
    else {
        eprintln!("the server does not start");
        return ExitCode::FAILURE;
    };
    let start = Instant::now();
    watch(start);
    std::panic::set_hook(Box::new(|_| {}));
    let mut what = Fuzz { server, start, rng: Rng::with_seed(seed), loaded: 0, taken: 0 };
    for (path, bytes) in &models {
        if let Err(why) = what.file(bytes) {
            eprintln!("{}: {why}", path.display());
            return ExitCode::FAILURE;
        }
    }
    for (path, bytes) in &requests {
        if let Err(why) = what.request(bytes) {
            eprintln!("{}: {why}", path.display());
            return ExitCode::FAILURE;
        }
    }
    println!("{} model files and {} requests hold; seed {seed}", models.len(), requests.len());
    let (mut n, begun) = ([0u64; 2], Instant::now());
    (what.loaded, what.taken) = (0, 0);
    while begun.elapsed() < Duration::from_secs(seconds) && n[0] + n[1] < inputs {
        // A request costs about as much as a file, and knows fewer ways.
        let is_request = what.rng.u8(..4) == 0;
        let (input, held) = if is_request {
            let input = mutate_request(any(&requests, &mut what.rng), &mut what.rng);
            let held = what.request(&input);
            (input, held)
        } else {
            let mut input = mutate(any(&models, &mut what.rng), any(&models, &mut what.rng), &mut what.rng);
            if what.rng.u8(..4) == 0 {
                input = mutate(&input, any(&models, &mut what.rng), &mut what.rng);
            }
            let held = what.file(&input);
            (input, held)
        };
        n[usize::from(is_request)] += 1;
        if let Err(why) = held {
            eprintln!("an input of seed {seed} {why}; kept as {}", keep(&input).display());
            return ExitCode::FAILURE;
        }
    }
    println!("{} random files hold, {} of them loaded and predicted", n[0], what.loaded);
    println!("{} random requests hold, {} of them were answered with predictions", n[1], what.taken);
    ExitCode::SUCCESS
}

type Seed = (PathBuf, Vec<u8>);

fn any<'s>(seeds: &'s [Seed], rng: &mut Rng) -> &'s [u8] {
    &seeds[rng.usize(..seeds.len())].1
}

fn files(folder: &Path, ending: &str) -> Vec<Seed> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| std::fs::read(&path).ok().map(|bytes| (path, bytes))).collect()
}

struct Fuzz {
    server: Requests,
    start: Instant,
    rng: Rng,
    loaded: u64,
    taken: u64,
}

impl Fuzz {
    /// An error says what must not happen.
    fn file(&mut self, input: &[u8]) -> Result<(), String> {
        let loaded = self.watched(input, || ferroflow_fuzz::predict(input))?;
        self.loaded += u64::from(loaded);
        Ok(())
    }

    fn request(&mut self, input: &[u8]) -> Result<(), String> {
        let status = self.watched(input, || self.server.send(input))??;
        self.taken += u64::from(status == 200);
        Ok(())
    }

    fn watched<T>(&self, input: &[u8], call: impl FnOnce() -> T) -> Result<T, String> {
        if let Ok(mut current) = CURRENT.lock() {
            current.clear();
            current.extend_from_slice(input);
        }
        BEGUN.store(self.start.elapsed().as_millis() as u64 + 1, Relaxed);
        memory::reset();
        let result = catch_unwind(AssertUnwindSafe(call));
        BEGUN.store(0, Relaxed);
        let (peak, megabytes) = (memory::peak(), input.len().div_ceil(MEGABYTE).max(1));
        if peak > megabytes * MOST_PER_MEGABYTE {
            return Err(format!("takes {} MB for {} bytes", peak / MEGABYTE, input.len()));
        }
        result.map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            format!("panics: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?"))
        })
    }
}

/// Ends the process when an input does not end.
fn watch(start: Instant) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let begun = BEGUN.load(Relaxed);
            if begun > 0 && start.elapsed().saturating_sub(Duration::from_millis(begun)) > HANGS_AFTER {
                let input = CURRENT.lock().map(|current| current.clone()).unwrap_or_default();
                eprintln!("an input does not end; kept as {}", keep(&input).display());
                std::process::exit(1);
            }
        }
    });
}

fn keep(input: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("failures");
    let name =
        input.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    let path = folder.join(format!("{name:016x}"));
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    if written.is_err() { "nothing: the folder cannot be written".into() } else { path }
}
