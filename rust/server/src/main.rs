//! `ferroflow-server model.ff`: the server as one file.

use std::io::{self, Write as _};
use std::process::ExitCode;

use ferroflow_frozen::{Limits, Model};
use ferroflow_server::{Config, Server};

const HELP: &str = "\
Answers predictions of a frozen ferroflow model over HTTP. Needs neither Python nor a network.

Usage: ferroflow-server MODEL [--host HOST] [--port PORT]

  MODEL          a model file, as written by `ferroflow run` or ferroflow.freeze(...).save(\"model.ff\")
  --host HOST    the address to listen on [default: 127.0.0.1, this machine alone; 0.0.0.0 is everyone]
  --port PORT    the port [default: 8080; 0 takes any free one, and the first line says which]
  -h, --help     this text
  --version      the version

Then, in another terminal:

  curl http://127.0.0.1:8080/schema
  curl http://127.0.0.1:8080/predict -H 'content-type: application/json' -d '{\"rows\": [{\"age\": 31}]}'

and http://127.0.0.1:8080/docs is a page to try it. There is no encryption and no password: in front of other
people, put a proxy that has them. Ctrl-C or SIGTERM stops it once the requests at hand are answered.

Exit code: 0 stopped, 1 it failed and says why, 2 wrong usage.
";

enum Asked {
    Help,
    Version,
    Serve(String, Config),
}

fn main() -> ExitCode {
    let asked = match read(std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned())) {
        Ok(asked) => asked,
        Err(text) => {
            let _ = writeln!(io::stderr(), "ferroflow-server: {text}\nTry: ferroflow-server --help");
            return ExitCode::from(2);
        }
    };
    let result = match asked {
        Asked::Help => io::stdout().write_all(HELP.as_bytes()).map_err(|e| e.to_string()),
        Asked::Version => writeln!(io::stdout(), "ferroflow-server {}", env!("CARGO_PKG_VERSION"))
            .map_err(|e| e.to_string()),
        Asked::Serve(path, config) => serve(&path, config),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(io::stderr(), "ferroflow-server: {text}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut model = None;
    let mut config = Config::default();
    let mut arguments = arguments.peekable();
    if arguments.peek().is_none() {
        return Ok(Asked::Help);
    }
    while let Some(argument) = arguments.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (argument, None),
        };
        let mut value = || inline.clone().or_else(|| arguments.next()).ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "-h" | "--help" => return Ok(Asked::Help),
            "--version" => return Ok(Asked::Version),
            "--host" => config.host = value()?,
            "--port" => {
                let text = value()?;
                config.port =
                    text.parse().map_err(|_| format!("--port is a number from 0 to 65535, not '{text}'"))?;
            }
            _ if name.starts_with('-') => return Err(format!("there is no option {name}")),
            _ if model.is_some() => return Err(format!("one model is served, and '{name}' is a second")),
            _ => model = Some(name),
        }
    }
    Ok(Asked::Serve(model.ok_or("which model? Give its file")?, config))
}

fn serve(path: &str, config: Config) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{path}: {e}"))?;
    let model = Model::from_bytes(&bytes, &Limits::default()).map_err(|e| format!("{path}: {e}"))?;
    drop(bytes);
    let (name, version) = (model.info().name.clone(), model.info().version.clone());
    let server = Server::bind(model, config).map_err(|e| e.to_string())?;
    let address = server.address();
    let waiting = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|e| format!("cannot start: {e}"))?;
    // Listens for signals before anyone can be told to send one.
    let signal = {
        let _context = waiting.enter();
        stop_signal().map_err(|e| format!("cannot listen for signals: {e}"))?
    };
    let running = server.start().map_err(|e| e.to_string())?;
    let _ = writeln!(
        io::stderr(),
        "Serving {name}, version {version}, on http://{address} (http://{address}/docs is a page to try it; Ctrl-C stops)"
    );
    waiting.block_on(signal);
    let _ = writeln!(io::stderr(), "Stopping: the requests at hand are answered first.");
    running.stop();
    Ok(())
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
