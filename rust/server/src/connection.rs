//! One connection: HTTP/1.1 with timeouts on every side, and an end that lets the client read its answer.

use std::future::Future as _;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep, timeout};

use crate::gate::Gate;
use crate::tls::Tls;

/// Bytes of a request's head at most, and of a connection's buffer.
const MAX_BUFFER: usize = 64 << 10;
/// After an early answer (a body over the limit), how long the client may go on sending, in silence and in all.
const LINGER: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// How long a connection waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a request's head, so also between two requests.
    pub head: Duration,
    /// For the client to take more of an answer.
    pub write: Duration,
}

/// What answers on a connection.
#[derive(Clone)]
pub struct Answerer {
    pub router: Router,
    pub gate: Arc<Gate>,
    pub tls: Option<Arc<Tls>>,
    pub patience: Patience,
}

impl Answerer {
    /// Serves a connection until its end, or until `stop` and the end of the request at hand.
    pub async fn serve(self, stream: TcpStream, client: IpAddr, stop: watch::Receiver<bool>) {
        // Without it an answer may wait for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return self.speak(stream, client, stop).await };
        // A client that speaks no TLS, or takes too long, is let go.
        if let Ok(Ok(stream)) = timeout(self.patience.head, tls.acceptor().accept(stream)).await {
            self.speak(stream, client, stop).await;
        }
    }

    async fn speak<S>(self, stream: S, client: IpAddr, mut stop: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Self { router, gate, patience, .. } = self;
        let router = TowerToHyperService::new(router);
        let stream = Patient { stream, patience: patience.write, timer: None, total: None };
        let answer = service_fn(|request| gate.answer(&router, client, request));
        let mut connection = std::pin::pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(patience.head)
                .max_buf_size(MAX_BUFFER)
                .half_close(true)
                .serve_connection(TokioIo::new(stream), answer)
        );
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            _ = stop.wait_for(|&stop| stop) => connection.as_mut().graceful_shutdown(),
        }
        // The client has gone, or was told what is wrong: there is nobody to tell more.
        let _ = connection.await;
    }
}

/// A stream that waits for its client, and not for ever.
///
/// A write fails when the client takes nothing for too long. At the end, what still comes is read and thrown away:
/// closing at once would reset the connection, and a client that is still sending would never see its answer.
struct Patient<S> {
    stream: S,
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// From the end of our side on.
    total: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    fn watch<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.timer = None;
            return poll;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, out)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, data);
        self.watch(cx, poll)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, data);
        self.watch(cx, poll)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.total.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.timer = None;
        }
        let total = this.total.get_or_insert_with(|| Box::pin(sleep(LINGER.1)));
        if total.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut waste = [0; 4096];
        loop {
            let mut waste = ReadBuf::new(&mut waste);
            match Pin::new(&mut this.stream).poll_read(cx, &mut waste) {
                Poll::Ready(Ok(())) if !waste.filled().is_empty() => this.timer = None,
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(LINGER.0)));
                    return timer.as_mut().poll(cx).map(Ok);
                }
            }
        }
    }
}
