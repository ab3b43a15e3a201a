//! The command line: what may be asked for, and the help that says so.

use std::ffi::OsString;
use std::iter::Peekable;
use std::path::PathBuf;

use ferroflow_server::{Admin, Config};

const HELP: &str = "\
Answers predictions of frozen ferroflow models over HTTP. Needs neither Python nor a network.

Usage: NAME MODEL... [OPTION...]

  MODEL          a model file, as written by `ferroflow run` or ferroflow.freeze(...).save(\"model.ff\"), or a folder:
                 then every .ff file in it. SIGHUP reads them again
  --host HOST    the address to listen on [default: 127.0.0.1, this machine alone; 0.0.0.0 is everyone]
  --port PORT    the port [default: 8080; 0 takes any free one, and the first line says which]
  --default-model NAME   the model that /predict asks [default: the first file's, or the only one]
  --admin-key-file FILE  lets those manage (/admin/..., /v2/repository/...) who show the key in this file
  --admin-open           lets all on this machine manage; only for --host 127.0.0.1 and its kind
  --child        for a program that starts this one: one line of JSON on standard output says the address, or why
                 there is none; and it stops when standard input ends
  -h, --help     this text
  --version      the version

Then, in another terminal:

  curl http://127.0.0.1:8080/schema
  curl http://127.0.0.1:8080/predict -H 'content-type: application/json' -d '{\"rows\": [{\"age\": 31}]}'

and http://127.0.0.1:8080/docs is a page to try it. There is no encryption and no password: in front of other
people, put a proxy that has them. Ctrl-C or SIGTERM stops it once the requests at hand are answered.

Exit code: 0 stopped, 1 it failed and says why, 2 wrong usage.
";

/// The name under which `ferroflow serve` starts this program.
const BY_PYTHON: &str = "ferroflow serve";

/// What was asked for.
pub enum Asked {
    /// The text.
    Help(String),
    /// The version.
    Version,
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
    if first.is_some_and(|f| f == BY_PYTHON) { BY_PYTHON } else { "ferroflow-server" }
}

/// Reads the arguments after the program's `name`.
///
/// # Errors
/// What is wrong, for people.
pub fn read(name: &str, arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut arguments = Arguments { rest: arguments.peekable(), inline: None };
    let mut models = Vec::new();
    let mut config = Config::default();
    let mut child = false;
    if arguments.rest.peek().is_none() {
        return Ok(Asked::Help(help(name)));
    }
    while let Some(option) = arguments.next() {
        match option.as_str() {
            "-h" | "--help" => return Ok(Asked::Help(help(name))),
            "--version" => return Ok(Asked::Version),
            "--host" => config.host = arguments.value(&option)?,
            "--port" => {
                let text = arguments.value(&option)?;
                config.port =
                    text.parse().map_err(|_| format!("--port is a number from 0 to 65535, not '{text}'"))?;
            }
            "--default-model" => config.default_model = Some(arguments.value(&option)?),
            "--admin-key-file" => config.admin = read_key(&arguments.value(&option)?)?,
            "--admin-open" => config.admin = Admin::Open,
            "--child" => child = true,
            _ if option.starts_with('-') => return Err(format!("there is no option {option}")),
            _ => models.push(PathBuf::from(option)),
        }
        if let Some(value) = arguments.inline.take() {
            return Err(format!("the option takes no value, and '{value}' is one"));
        }
    }
    if models.is_empty() {
        return Err("which model? Give its file, or a folder of them".into());
    }
    Ok(Asked::Serve(Box::new(Options { models, config, child })))
}

fn read_key(path: &str) -> Result<Admin, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("--admin-key-file {path}: {e}"))?;
    match text.trim() {
        key if key.len() < 16 => Err(format!("--admin-key-file {path}: a key has at least 16 characters")),
        key => Ok(Admin::key(key)),
    }
}

fn help(name: &str) -> String {
    HELP.replace("NAME", name)
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
}
