//! `ferroflow-server model.ff`: the server as one file.

mod options;

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ferroflow_server::{Keys, Role, Server, Store, Tls, new_key};
use options::{Asked, Options};
use tokio::sync::oneshot;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = options::name(arguments.next().as_ref());
    let asked = match options::read(name, arguments.map(|a| a.to_string_lossy().into_owned())) {
        Ok(asked) => asked,
        Err(text) => {
            let _ = writeln!(io::stderr(), "{name}: {text}\nTry: {name} --help");
            return ExitCode::from(2);
        }
    };
    let result = match asked {
        Asked::Help(text) => io::stdout().write_all(text.as_bytes()).map_err(Failure::other),
        Asked::Version => {
            writeln!(io::stdout(), "ferroflow-server {}", env!("CARGO_PKG_VERSION")).map_err(Failure::other)
        }
        Asked::Check(place) => check(&place),
        Asked::NewKey { role, name, file } => make_key(role, &name, file.as_deref()),
        Asked::Serve(options) if options.child => {
            return serve(*options).map_or_else(
                |failure| {
                    announce(&serde_json::json!({"error": failure.kind, "message": failure.text}));
                    ExitCode::FAILURE
                },
                |()| ExitCode::SUCCESS,
            );
        }
        Asked::Serve(options) => serve(*options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{name}: {}", failure.text);
            ExitCode::FAILURE
        }
    }
}

/// Why it did not start.
struct Failure {
    /// For a parent program: `"model"` is a file that is none, `"system"` everything else.
    kind: &'static str,
    text: String,
}

impl Failure {
    fn other(error: impl std::fmt::Display) -> Self {
        Self { kind: "system", text: error.to_string() }
    }
}

/// Tells the parent program, which may have gone.
fn announce(line: &serde_json::Value) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn serve(options: Options) -> Result<(), Failure> {
    let (models, report) =
        Store::open(&options.models, &options.config).map_err(|text| Failure { kind: "model", text })?;
    let models = Arc::new(models);
    let served = models.summary();
    for refused in &report.refused {
        let _ = writeln!(io::stderr(), "Refused {}: {}", refused.file, refused.reason);
    }
    let again =
        Again { models: models.clone(), keys: options.config.keys.clone(), tls: options.config.tls.clone() };
    let scheme = if again.tls.is_some() { "https" } else { "http" };
    let server = Server::bind(models, options.config).map_err(Failure::other)?;
    let address = format!("{scheme}://{}", server.address());
    let waiting =
        tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(Failure::other)?;
    // Listens for signals before anyone can be told to send one.
    let signal = {
        let _context = waiting.enter();
        signals(again).map_err(Failure::other)?
    };
    let orphaned = if options.child { Some(end_of_input().map_err(Failure::other)?) } else { None };
    let running = server.start().map_err(Failure::other)?;
    if options.child {
        announce(&serde_json::json!({"address": address}));
    } else {
        let _ = writeln!(
            io::stderr(),
            "Serving {served}, on {address} ({address}/docs is a page to try it; Ctrl-C stops)"
        );
    }
    waiting.block_on(async {
        match orphaned {
            Some(orphaned) => tokio::select! {
                () = signal => {}
                _ = orphaned => {}
            },
            None => signal.await,
        }
    });
    if !options.child {
        let _ = writeln!(io::stderr(), "Stopping: the requests at hand are answered first.");
    }
    running.stop();
    if !options.child {
        let _ = writeln!(io::stderr(), "Stopped.");
    }
    Ok(())
}

/// Waits for the end of standard input: who started this program closes it, or dies and so closes it.
fn end_of_input() -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new().name("ferroflow-parent".into()).spawn(move || {
        let mut input = io::stdin().lock();
        let mut waste = [0; 64];
        while matches!(input.read(&mut waste), Ok(1..)) {}
        let _ = ended.send(());
    })?;
    Ok(end)
}

/// Is a server ready there?
fn check(place: &str) -> Result<(), Failure> {
    const PATIENCE: Duration = Duration::from_secs(3);
    let failed = |why: &dyn std::fmt::Display| Failure::other(format!("{place}: {why}"));
    let address =
        place.to_socket_addrs().map_err(|e| failed(&e))?.next().ok_or(failed(&"no such address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|e| failed(&e))?;
    let mut answer = [0; 12];
    stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| {
            write!(stream, "GET /health/ready HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\n\r\n")
        })
        .and_then(|()| stream.read_exact(&mut answer))
        .map_err(|e| failed(&e))?;
    if &answer == b"HTTP/1.1 200" { Ok(()) } else { Err(failed(&"not ready")) }
}

/// Prints a new key; its line goes to `file`, or is printed too.
fn make_key(role: Role, name: &str, file: Option<&Path>) -> Result<(), Failure> {
    let (key, line) = new_key(role, name).map_err(Failure::other)?;
    match file {
        None => writeln!(io::stdout(), "{key}\n{line}").map_err(Failure::other),
        Some(file) => std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .and_then(|mut to| writeln!(to, "{line}"))
            .and_then(|()| writeln!(io::stdout(), "{key}"))
            .map_err(|e| Failure::other(format!("{}: {e}", file.display()))),
    }
}

/// What is read again at SIGHUP.
struct Again {
    models: Arc<Store>,
    keys: Option<Arc<Keys>>,
    tls: Option<Arc<Tls>>,
}

impl Again {
    #[cfg(unix)]
    fn read(&self) {
        let mut out = io::stderr();
        let _ = writeln!(out, "{}", self.models.reload(None));
        if let Some(Err(error)) = self.keys.as_ref().map(|keys| keys.reload()) {
            let _ = writeln!(out, "The keys stay as they are: {error}");
        }
        if let Some(Err(error)) = self.tls.as_ref().map(|tls| tls.reload()) {
            let _ = writeln!(out, "The certificate stays as it is: {error}");
        }
    }
}

/// Reads things again at SIGHUP; ends at SIGINT and SIGTERM.
#[cfg(unix)]
fn signals(again: Again) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => return,
                _ = terminate.recv() => return,
                _ = hangup.recv() => again.read(),
            }
        }
    })
}

#[cfg(not(unix))]
fn signals(_: Again) -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
