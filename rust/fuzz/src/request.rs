//! Requests to a server on this machine: whatever a body holds, the answer is one of success or of a client's error.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use ferroflow_server::{Config, Running, Server, Store};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server over one model, on a port of its own.
pub struct Requests {
    address: SocketAddr,
    _running: Running,
}

impl Requests {
    /// `None` if the model does not load or no port is free.
    pub fn start(model: &[u8]) -> Option<Self> {
        let config = Config { port: 0, workers: 1, ..Config::default() };
        let store = Arc::new(Store::of(crate::load(model).ok()?, &config));
        let server = Server::bind(store, config).ok()?;
        Some(Self { address: server.address(), _running: server.start().ok()? })
    }

    /// Sends an input (a path on the first line, a body after) and gives the answer's status.
    ///
    /// # Errors
    /// No answer in time, or an answer that blames the server.
    pub fn send(&self, input: &[u8]) -> Result<u16, String> {
        let end = input.iter().position(|&b| b == b'\n').unwrap_or(input.len());
        let path: String =
            String::from_utf8_lossy(&input[..end]).chars().filter(|c| c.is_ascii_graphic()).collect();
        let body = input.get(end + 1..).unwrap_or_default();
        let head = format!(
            "POST /{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            path.trim_start_matches('/'),
            body.len()
        );
        let mut answer = Vec::new();
        let exchanged = (|| {
            let mut stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.write_all(head.as_bytes())?;
            stream.write_all(body)?;
            stream.read_to_end(&mut answer)
        })();
        exchanged.map_err(|e| format!("no answer: {e}"))?;
        let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        match status {
            Some(status @ 200..500) => Ok(status),
            Some(status) => Err(format!("is answered by {status}")),
            None => Err("is answered by no status".into()),
        }
    }
}
