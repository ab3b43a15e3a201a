//! The command line: what may be asked for, and the help that says so.

use std::ffi::OsString;
use std::iter::Peekable;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use ferroflow_server::{Admin, Config, Format, Keys, Rate, Role, Tls};

const HELP: &str = "\
Answers predictions of frozen ferroflow models over HTTP. Needs neither Python nor a network.

Usage: PROGRAM MODEL... [OPTION...]

  MODEL          a model file, as written by `ferroflow run` or ferroflow.freeze(...).save(\"model.ff\"), or a folder:
                 then every .ff file in it
  --default-model NAME   the model that /predict asks [default: the first file's, or the only one]

Where it listens
  --host HOST    the address [default: 127.0.0.1, this machine alone; 0.0.0.0 is everyone]
  --port PORT    the port [default: 8080; 0 takes any free one, and the first line says which]
  --tls-cert FILE, --tls-key FILE   encrypt: a certificate with its chain, and the key to it, in PEM form

Who may ask, and how much
  --keys FILE    only who shows a key of this file, in `authorization: Bearer KEY` or `x-api-key: KEY`; make one with
                 `ferroflow keys new`. Without this option, the environment variable FERROFLOW_KEYS may hold the lines
                 of such a file, parted by ; instead. /health is for everyone
  --open-metrics           /metrics needs no key either
  --admin-key-file FILE    without --keys: lets those manage (/admin/..., /v2/repository/...) who show the key in this file
  --admin-open             lets all on this machine manage; only for --host 127.0.0.1 and its kind
  --rate N/s, N/m, N/h     requests in a second, minute or hour, for each key, or each address where there are no keys
  --max-body BYTES         of a request [default: 16000000]
  --max-rows N             of a request [default: 100000]
  --max-connections N      at once; others wait [default: 768]
  --workers N              threads that answer [default: one per core]

What it tells
  --log text|json|off      a line per request on standard output: never a value, never a key [default: off]
  --prediction-log FILE    every prediction with its id and inputs, into this SQLite file, for the labels to come
  --shadow MODEL           a model file that sees the same rows once they are answered: its differences are counted
  --child        for a program that starts this one: one line of JSON on standard output says the address, or why
                 there is none; and it stops when standard input ends
  -h, --help     this text
  --version      the version
  --sbom         what the program is made of, as a CycloneDX document

SIGHUP reads models, keys and certificate again. Ctrl-C or SIGTERM stops it once the requests at hand are answered.

Then, in another terminal:

  curl http://127.0.0.1:8080/schema
  curl http://127.0.0.1:8080/predict -H 'content-type: application/json' -d '{\"rows\": [{\"age\": 31}]}'

and http://127.0.0.1:8080/docs is a page to try it. Before other people are let in: --keys, and --tls-cert with --tls-key
or a proxy that encrypts.

Other commands:

  ferroflow-server keys new --name NAME [--role predict|admin] [--file FILE]   make a key, shown once; its line goes into FILE
  ferroflow-server --check http://HOST:PORT    exit code 0 if a server is ready there: for a container's health check

Exit code: 0 stopped, 1 it failed and says why, 2 wrong usage.
";

/// The names under which Python's `ferroflow` starts this program.
const SERVE: &str = "ferroflow serve";
const KEYS: &str = "ferroflow keys";
const PROGRAM: &str = "ferroflow-server";

const SBOM: &str = include_str!(concat!(env!("OUT_DIR"), "/sbom.json"));

/// Lines of a keys file, where there is no file.
const KEYS_VARIABLE: &str = "FERROFLOW_KEYS";

const KEYS_HELP: &str = "\
Makes keys for the server.

Usage: PROGRAM new --name NAME [--role ROLE] [--file FILE]

  --name NAME    whose it is, for the log: no spaces
  --role ROLE    predict, or admin, which may also load and unload models [default: predict]
  --file FILE    append the key's line to this file, for --keys; else it is printed

The key is printed once and kept nowhere: the file has its SHA-256.

  ferroflow keys new --name app --file keys.txt
  ferroflow serve model.ff --keys keys.txt
  curl http://127.0.0.1:8080/schema -H 'authorization: Bearer ff_...'
";

/// What was asked for.
pub enum Asked {
    /// A text: the help, or what the program is made of.
    Help(String),
    /// The version.
    Version,
    /// Is a server ready at this address, `HOST:PORT`?
    Check(String),
    /// A new key.
    NewKey {
        /// What it is for.
        role: Role,
        /// Whose it is.
        name: String,
        /// Where its line goes.
        file: Option<PathBuf>,
    },
    /// A server.
    Serve(Box<Options>),
}

/// What to serve, and how.
pub struct Options {
    /// The models' files and folders.
    pub models: Vec<PathBuf>,
    /// Everything that a server may be told.
    pub config: Config,
    /// Is a program waiting for the address?
    pub child: bool,
}

/// What this program is called by who started it.
pub fn name(first: Option<&OsString>) -> &'static str {
    [SERVE, KEYS].into_iter().find(|name| first.is_some_and(|f| f == name)).unwrap_or(PROGRAM)
}

/// Reads the arguments after the program's `name`.
///
/// # Errors
/// What is wrong, for people.
pub fn read(name: &str, arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut arguments = Arguments { rest: arguments.peekable(), inline: None };
    if name == KEYS {
        return read_keys(name, arguments);
    }
    if arguments.rest.next_if_eq("keys").is_some() {
        return read_keys("ferroflow-server keys", arguments);
    }
    let mut models = Vec::new();
    let mut config = Config::default();
    let mut child = false;
    let (mut certificate, mut key) = (None, None);
    if arguments.rest.peek().is_none() {
        return Ok(Asked::Help(help(name)));
    }
    while let Some(option) = arguments.next() {
        let option = option.as_str();
        match option {
            "-h" | "--help" => return Ok(Asked::Help(help(name))),
            "--version" => return Ok(Asked::Version),
            "--sbom" => return Ok(Asked::Help(SBOM.to_owned())),
            "--check" => return Ok(Asked::Check(place(&arguments.value(option)?)?)),
            "--host" => config.host = arguments.value(option)?,
            "--port" => {
                config.port = arguments.parsed(option, "a number from 0 to 65535")?;
            }
            "--default-model" => config.default_model = Some(arguments.value(option)?),
            "--tls-cert" => certificate = Some(PathBuf::from(arguments.value(option)?)),
            "--tls-key" => key = Some(PathBuf::from(arguments.value(option)?)),
            "--keys" => {
                let keys = Keys::open(arguments.value(option)?.as_ref());
                config.keys = Some(Arc::new(keys.map_err(|e| format!("--keys {e}"))?));
            }
            "--open-metrics" => config.open_metrics = true,
            "--admin-key-file" => config.admin = read_key(&arguments.value(option)?)?,
            "--admin-open" => config.admin = Admin::Open,
            "--rate" => {
                let text = arguments.value(option)?;
                config.rate = Some(
                    Rate::parse(&text)
                        .ok_or(format!("--rate is like 100/s, 600/m or 10000/h, not '{text}'"))?,
                );
            }
            "--max-body" => config.max_body = arguments.positive(option)?,
            "--max-rows" => config.max_rows = arguments.positive(option)?,
            "--max-connections" => config.max_connections = arguments.positive(option)?,
            "--workers" => config.workers = arguments.positive(option)?,
            "--log" => {
                let text = arguments.value(option)?;
                config.log =
                    Format::named(&text).ok_or(format!("--log is text, json or off, not '{text}'"))?;
            }
            "--prediction-log" => config.prediction_log = Some(arguments.value(option)?.into()),
            "--shadow" => config.shadow = Some(arguments.value(option)?.into()),
            "--child" => child = true,
            _ if option.starts_with('-') => return Err(format!("there is no option {option}")),
            _ => models.push(PathBuf::from(option)),
        }
        arguments.end(option)?;
    }
    if models.is_empty() {
        return Err("which model? Give its file, or a folder of them".into());
    }
    config.tls = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::open(&certificate, &key)?)),
        _ => return Err("--tls-cert and --tls-key go together".into()),
    };
    if config.keys.is_none()
        && let Ok(text) = std::env::var(KEYS_VARIABLE)
    {
        let keys = Keys::parse(&text).map_err(|e| format!("the variable {KEYS_VARIABLE}: {e}"))?;
        config.keys = Some(Arc::new(keys));
    }
    if config.keys.is_some() && !matches!(config.admin, Admin::Off) {
        return Err(
            "with keys, those of the role admin manage: leave out --admin-key-file and --admin-open".into()
        );
    }
    Ok(Asked::Serve(Box::new(Options { models, config, child })))
}

fn read_keys<I: Iterator<Item = String>>(
    program: &str,
    mut arguments: Arguments<I>,
) -> Result<Asked, String> {
    let help = Ok(Asked::Help(KEYS_HELP.replace("PROGRAM", program)));
    let (mut role, mut name, mut file) = (Role::Predict, None, None);
    match arguments.next().as_deref() {
        None | Some("-h" | "--help") => return help,
        Some("new") => {}
        Some(other) => return Err(format!("there is no command {other}, but new")),
    }
    while let Some(option) = arguments.next() {
        match option.as_str() {
            "-h" | "--help" => return help,
            "--name" => name = Some(arguments.value(&option)?),
            "--role" => {
                let text = arguments.value(&option)?;
                role = Role::named(&text).ok_or(format!("--role is predict or admin, not '{text}'"))?;
            }
            "--file" => file = Some(PathBuf::from(arguments.value(&option)?)),
            other => return Err(format!("there is no option {other}")),
        }
        arguments.end(&option)?;
    }
    let name = name.ok_or("whose is it? Give --name")?;
    if name.is_empty()
        || name.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '#' | ';'))
    {
        return Err(format!("--name has no spaces, # or ;, and is not empty: '{name}'"));
    }
    Ok(Asked::NewKey { role, name, file })
}

/// `HOST:PORT` of an address.
fn place(address: &str) -> Result<String, String> {
    let rest =
        address.strip_prefix("http://").ok_or("--check needs an address like http://127.0.0.1:8080")?;
    let place = rest.split('/').next().unwrap_or("");
    Ok(if place.contains(':') { place.to_owned() } else { format!("{place}:80") })
}

fn read_key(path: &str) -> Result<Admin, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("--admin-key-file {path}: {e}"))?;
    match text.trim() {
        key if key.len() < 16 => Err(format!("--admin-key-file {path}: a key has at least 16 characters")),
        key => Ok(Admin::key(key)),
    }
}

fn help(name: &str) -> String {
    HELP.replace("PROGRAM", name)
}

/// The arguments one by one; `--option=value` is taken apart.
struct Arguments<I: Iterator<Item = String>> {
    rest: Peekable<I>,
    inline: Option<String>,
}

impl<I: Iterator<Item = String>> Arguments<I> {
    fn next(&mut self) -> Option<String> {
        let argument = self.rest.next()?;
        match argument.split_once('=') {
            Some((option, value)) if option.starts_with("--") => {
                self.inline = Some(value.to_owned());
                Some(option.to_owned())
            }
            _ => Some(argument),
        }
    }

    fn value(&mut self, option: &str) -> Result<String, String> {
        self.inline.take().or_else(|| self.rest.next()).ok_or(format!("{option} needs a value"))
    }

    fn parsed<T: FromStr>(&mut self, option: &str, what: &str) -> Result<T, String> {
        let text = self.value(option)?;
        text.parse().map_err(|_| format!("{option} is {what}, not '{text}'"))
    }

    fn positive(&mut self, option: &str) -> Result<usize, String> {
        self.parsed::<NonZeroUsize>(option, "a whole number from 1 on").map(NonZeroUsize::get)
    }

    /// Nothing is left of `option`.
    fn end(&mut self, option: &str) -> Result<(), String> {
        match self.inline.take() {
            Some(value) => Err(format!("{option} takes no value, and '{value}' is one")),
            None => Ok(()),
        }
    }
}
