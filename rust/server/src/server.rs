//! Listening, and the threads that answer.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{sleep, timeout};

use crate::admin::Admin;
use crate::aside::End;
use crate::connection::{Answerer, Patience};
use crate::gate::Gate;
use crate::keys::Keys;
use crate::log::Format;
use crate::models::Store;
use crate::rate::Rate;
use crate::routes::App;
use crate::tls::Tls;
use crate::watchers::Watchers;

/// Where to listen, and what requests may cost.
#[derive(Debug, Clone)]
pub struct Config {
    /// An address or a name.
    pub host: String,
    /// 0 takes any free one.
    pub port: u16,
    /// Threads that answer.
    pub workers: usize,
    /// Bytes of a body.
    pub max_body: usize,
    /// Rows of a request.
    pub max_rows: usize,
    /// Bytes of one text.
    pub max_text: usize,
    /// Connections at once; more wait until one ends.
    pub max_connections: usize,
    /// For a request's head, so also between two requests.
    pub head_timeout: Duration,
    /// For a request's body.
    pub body_timeout: Duration,
    /// For the client to take more of its answer.
    pub write_timeout: Duration,
    /// For requests at hand when the server stops.
    pub stop_timeout: Duration,
    /// Who may ask; everyone if there are none.
    pub keys: Option<Arc<Keys>>,
    /// Are `/metrics` for everyone, though there are keys?
    pub open_metrics: bool,
    /// Requests of a key, or of an address without one.
    pub rate: Option<Rate>,
    /// Encryption.
    pub tls: Option<Arc<Tls>>,
    /// One line per request, to standard output.
    pub log: Format,
    /// Every prediction with its id and inputs, into this SQLite file.
    pub prediction_log: Option<PathBuf>,
    /// A model's file: it sees the same rows once they are answered, and its differences are counted.
    pub shadow: Option<PathBuf>,
    /// The model that answers where none is named. Otherwise that of the first file, or the only one.
    pub default_model: Option<String>,
    /// Who may load, unload and move aliases.
    pub admin: Admin,
    /// Versions of all models together.
    pub max_models: usize,
    /// Bytes of a model file.
    pub max_model_bytes: usize,
    /// Bytes of a model that is uploaded.
    pub max_upload: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 8080,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            max_body: 16_000_000,
            max_rows: 100_000,
            max_text: 65_536,
            // Below the usual limit of 1,024 open files.
            max_connections: 768,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            // As long as container runtimes wait after SIGTERM.
            stop_timeout: Duration::from_secs(10),
            keys: None,
            open_metrics: false,
            rate: None,
            tls: None,
            log: Format::Off,
            prediction_log: None,
            shadow: None,
            default_model: None,
            admin: Admin::Off,
            max_models: 1000,
            max_model_bytes: 1 << 30,
            max_upload: 256_000_000,
        }
    }
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program listens there.
    #[error("port {1} of {0} is in use: choose another with --port (0 takes any free one)")]
    InUse(String, u16),
    /// The address cannot be taken.
    #[error("cannot listen on {0}, port {1}: {2}")]
    Listen(String, u16, io::Error),
    /// Management for all, and not on this machine alone.
    #[error("--admin-open is for this machine alone, and {0} is not: use --admin-key-file")]
    OpenAdmin(SocketAddr),
    /// The log, the prediction log or the shadow does not start.
    #[error("{0}")]
    Watchers(String),
    /// No threads, no sockets.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
}

/// A server that listens and does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    config: Config,
    ends: Vec<End>,
}

impl Server {
    /// Takes the port.
    ///
    /// # Errors
    /// The port is in use, or the address is not ours.
    pub fn bind(models: Arc<Store>, config: Config) -> Result<Self, ServeError> {
        let (host, port) = (config.host.as_str(), config.port);
        // Without asking the system, which in an empty container has no answer.
        let place = if host.eq_ignore_ascii_case("localhost") { "127.0.0.1" } else { host };
        let listener = TcpListener::bind((place, port)).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => ServeError::InUse(host.into(), port),
            _ => ServeError::Listen(host.into(), port, error),
        })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        if matches!(config.admin, Admin::Open) && !address.ip().is_loopback() {
            return Err(ServeError::OpenAdmin(address));
        }
        let (watchers, ends) = Watchers::start(&config).map_err(ServeError::Watchers)?;
        let app = Arc::new(App::new(models, &config, watchers));
        Ok(Self { listener, address, app, config, ends })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on, on threads of its own.
    ///
    /// # Errors
    /// No threads.
    pub fn start(self) -> Result<Running, ServeError> {
        let (stop, stopped) = watch::channel(false);
        let slots = Arc::new(Semaphore::new(self.config.max_connections));
        let gate = Arc::new(Gate::new(self.app.clone(), &self.config));
        let mut running = Running { app: self.app.clone(), stop, workers: Vec::new(), ends: self.ends };
        for i in 0..self.config.workers.max(1) {
            let listener = self.listener.try_clone()?;
            // Entered here, so that no worker can fail after the start.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .max_blocking_threads(1)
                .thread_name(format!("ferroflow-large-{i}"))
                .build()?;
            let worker = Worker {
                answerer: Answerer {
                    router: crate::routes::router(self.app.clone()),
                    gate: gate.clone(),
                    tls: self.config.tls.clone(),
                    patience: Patience { head: self.config.head_timeout, write: self.config.write_timeout },
                },
                slots: slots.clone(),
                stop: stopped.clone(),
                stop_timeout: self.config.stop_timeout,
            };
            let listener = {
                let _context = runtime.enter();
                tokio::net::TcpListener::from_std(listener)?
            };
            let thread =
                std::thread::Builder::new().name(format!("ferroflow-http-{i}")).spawn(move || {
                    runtime.block_on(worker.work(listener));
                    runtime.shutdown_background();
                })?;
            running.workers.push(thread);
        }
        Ok(running)
    }
}

/// A server that answers. It stops when dropped.
pub struct Running {
    app: Arc<App>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    ends: Vec<End>,
}

impl Running {
    /// Takes no more connections, lets the requests at hand finish, and returns when they have.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.app.stop();
        self.stop.send_replace(true);
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
        for end in self.ends.drain(..) {
            end.wait();
        }
    }
}

/// One thread's share.
struct Worker {
    answerer: Answerer,
    slots: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    stop_timeout: Duration,
}

impl Worker {
    async fn work(self, listener: tokio::net::TcpListener) {
        // Every connection holds a sender: when all are gone, so are the connections.
        let (alive, mut ended) = mpsc::channel::<()>(1);
        let mut stop = self.stop.clone();
        loop {
            let next = async {
                let slot = self.slots.clone().acquire_owned().await.ok()?;
                Some((listener.accept().await, slot))
            };
            let (accepted, slot) = tokio::select! {
                biased;
                _ = stop.wait_for(|&stop| stop) => break,
                next = next => match next {
                    Some(next) => next,
                    None => break,
                },
            };
            let Ok((stream, client)) = accepted else {
                // Out of open files, most likely: some will be closed.
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            let serve = self.answerer.clone().serve(stream, client.ip(), self.stop.clone());
            let alive = alive.clone();
            tokio::spawn(async move {
                serve.await;
                drop((slot, alive));
            });
        }
        drop((listener, alive));
        let _ = timeout(self.stop_timeout, ended.recv()).await;
    }
}
