//! `ferroflow-server model.ff`: the server as one file.

mod options;

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use ferroflow_server::{Server, Store};
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
    let server = Server::bind(models.clone(), options.config).map_err(Failure::other)?;
    let address = server.address();
    let waiting =
        tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(Failure::other)?;
    // Listens for signals before anyone can be told to send one.
    let signal = {
        let _context = waiting.enter();
        signals(models).map_err(Failure::other)?
    };
    let orphaned = if options.child { Some(end_of_input().map_err(Failure::other)?) } else { None };
    let running = server.start().map_err(Failure::other)?;
    if options.child {
        announce(&serde_json::json!({"address": format!("http://{address}")}));
    } else {
        let _ = writeln!(
            io::stderr(),
            "Serving {served}, on http://{address} (http://{address}/docs is a page to try it; Ctrl-C stops)"
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

/// Reads the models again at SIGHUP; ends at SIGINT and SIGTERM.
#[cfg(unix)]
fn signals(models: Arc<Store>) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut again = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => return,
                _ = terminate.recv() => return,
                _ = again.recv() => {
                    let _ = writeln!(io::stderr(), "{}", models.reload(None));
                }
            }
        }
    })
}

#[cfg(not(unix))]
fn signals(_: Arc<Store>) -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
