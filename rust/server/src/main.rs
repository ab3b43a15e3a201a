//! `ferroflow-server model.ff`: the server as one file.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ferroflow_server::{Admin, Config, Server, Store};

const HELP: &str = "\
Answers predictions of frozen ferroflow models over HTTP. Needs neither Python nor a network.

Usage: ferroflow-server MODEL... [--host HOST] [--port PORT] [--default-model NAME] [--admin-key-file FILE]

  MODEL          a model file, as written by `ferroflow run` or ferroflow.freeze(...).save(\"model.ff\"), or a folder:
                 then every .ff file in it. SIGHUP reads them again
  --host HOST    the address to listen on [default: 127.0.0.1, this machine alone; 0.0.0.0 is everyone]
  --port PORT    the port [default: 8080; 0 takes any free one, and the first line says which]
  --default-model NAME   the model that /predict asks [default: the first file's, or the only one]
  --admin-key-file FILE  lets those manage (/admin/..., /v2/repository/...) who show the key in this file
  --admin-open           lets all on this machine manage; only for --host 127.0.0.1 and its kind
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
    Serve(Vec<PathBuf>, Box<Config>),
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
        Asked::Serve(paths, config) => serve(&paths, *config),
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
    let mut models = Vec::new();
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
            "--default-model" => config.default_model = Some(value()?),
            "--admin-key-file" => config.admin = read_key(&value()?)?,
            "--admin-open" => config.admin = Admin::Open,
            _ if name.starts_with('-') => return Err(format!("there is no option {name}")),
            _ => models.push(PathBuf::from(name)),
        }
    }
    if models.is_empty() {
        return Err("which model? Give its file, or a folder of them".into());
    }
    Ok(Asked::Serve(models, Box::new(config)))
}

fn read_key(path: &str) -> Result<Admin, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("--admin-key-file {path}: {e}"))?;
    match text.trim() {
        key if key.len() < 16 => Err(format!("--admin-key-file {path}: a key has at least 16 characters")),
        key => Ok(Admin::key(key)),
    }
}

fn serve(paths: &[PathBuf], config: Config) -> Result<(), String> {
    let (models, report) = Store::open(paths, &config)?;
    let models = Arc::new(models);
    let served = models.summary();
    for refused in &report.refused {
        let _ = writeln!(io::stderr(), "Refused {}: {}", refused.file, refused.reason);
    }
    let server = Server::bind(models.clone(), config).map_err(|e| e.to_string())?;
    let address = server.address();
    let waiting = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|e| format!("cannot start: {e}"))?;
    // Listens for signals before anyone can be told to send one.
    let signal = {
        let _context = waiting.enter();
        signals(models).map_err(|e| format!("cannot listen for signals: {e}"))?
    };
    let running = server.start().map_err(|e| e.to_string())?;
    let _ = writeln!(
        io::stderr(),
        "Serving {served}, on http://{address} (http://{address}/docs is a page to try it; Ctrl-C stops)"
    );
    waiting.block_on(signal);
    let _ = writeln!(io::stderr(), "Stopping: the requests at hand are answered first.");
    running.stop();
    Ok(())
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
