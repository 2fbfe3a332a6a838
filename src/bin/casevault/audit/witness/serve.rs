//! A witness over HTTP: C2SP tlog-witness, `POST /add-checkpoint`.
//!
//! One request a connection, of so many bytes and so many seconds at the most; so many connections at once. The state is on
//! the disk before an answer leaves, so that the process may be ended at any moment.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    sync::{Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use casevault::{
    log::{CosignRequest, WitnessReply},
    time::{Clock as _, SystemClock},
};

use super::{Key, answer, in_words};
use crate::{
    failure::{Done, Failure},
    screen,
};

/// How long one connection may last, all in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many connections are answered at once; others wait.
const AT_ONCE: usize = 16;
const HEAD_BYTES_MAX: usize = 8 * 1024;
const HEADERS_MAX: usize = 64;

/// How many are being answered.
#[derive(Default)]
struct Seats {
    taken: Mutex<usize>,
    freed: Condvar,
}

impl Seats {
    fn take(&self) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.freed.wait_while(taken, |taken| *taken >= AT_ONCE);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn free(&self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_sub(1);
        self.freed.notify_one();
    }
}

/// Listens until the process is ended; the address is on stdout, and what came of each request on stderr.
pub(super) fn serve(key: &Key, state: &Path, address: &str) -> Done {
    // One that is not there is said now, not to the first who asks.
    drop(super::States::lock(state)?);
    let failed = |error: io::Error| {
        let words = format!("{address} cannot be listened at ({error}): give another address");
        Failure::failed("listen", words)
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    screen::answer(&format!("http://{bound}/add-checkpoint"))?;
    let seats = Seats::default();
    thread::scope(|scope| {
        loop {
            seats.take();
            match listener.accept() {
                Ok((stream, from)) => {
                    let seats = &seats;
                    let spawned = thread::Builder::new().spawn_scoped(scope, move || {
                        if let Err(error) = attend(&stream, key, state) {
                            screen::word(&format!("{} {from}: {error}", SystemClock.now()));
                        }
                        seats.free();
                    });
                    if let Err(error) = spawned {
                        screen::word(&format!("no thread for {from}: {error}"));
                        seats.free();
                    }
                }
                Err(error) => {
                    screen::word(&format!("no connection could be taken: {error}"));
                    seats.free();
                    thread::sleep(Duration::from_millis(100));
                }
            }
        }
    })
}

/// Answers one connection.
fn attend(stream: &TcpStream, key: &Key, state: &Path) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut timed = Timed { stream, until };
    let reply = match request(&mut timed)? {
        Ok(body) => judge(key, state, &body),
        Err(status) => plain(status),
    };
    respond(stream, &reply)?;
    // What the other still sends is let go, so that the answer is not lost with the connection.
    stream.shutdown(Shutdown::Write).unwrap_or_default();
    io::copy(&mut timed.take(4096), &mut io::sink()).unwrap_or(0);
    Ok(())
}

fn judge(key: &Key, state: &Path, body: &[u8]) -> WitnessReply {
    let claimed = CosignRequest::parse(body).ok().map(|request| {
        let claims = request.checkpoint().claims();
        format!("{} of size {}", claims.origin, claims.head.size)
    });
    let (reply, word) = match answer(key, state, body) {
        Ok(Ok(line)) => (WitnessReply::signed(&line), "signed".to_owned()),
        Ok(Err(refusal)) => (refusal.reply(), format!("not signed: {}", in_words(refusal))),
        Err(failure) => (plain(500), failure.to_string()),
    };
    screen::word(&format!(
        "{} {}: {word}",
        SystemClock.now(),
        claimed.unwrap_or_else(|| "no request".to_owned())
    ));
    reply
}

const fn plain(status: u16) -> WitnessReply {
    WitnessReply { status, body: Vec::new() }
}

/// A stream that ends when its time is over, however slowly its bytes come.
struct Timed<'s> {
    stream: &'s TcpStream,
    until: Instant,
}

impl io::Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut stream = self.stream;
        stream.read(buffer)
    }
}

/// The body of a request, or with which status it is refused.
fn request(stream: &mut Timed<'_>) -> io::Result<Result<Vec<u8>, u16>> {
    let mut bytes = Vec::new();
    let (begin, length, is_waiting) = loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(Err(400));
        }
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
        match head(&bytes) {
            Head::Whole { begin, length, is_waiting } => break (begin, length, is_waiting),
            Head::Refused(status) => return Ok(Err(status)),
            Head::Partial if bytes.len() > HEAD_BYTES_MAX => return Ok(Err(431)),
            Head::Partial => (),
        }
    };
    if is_waiting {
        let mut out = stream.stream;
        out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = bytes.split_off(begin);
    body.truncate(length);
    let rest = length.saturating_sub(body.len());
    stream.take(u64::try_from(rest).unwrap_or(u64::MAX)).read_to_end(&mut body)?;
    Ok(if body.len() == length { Ok(body) } else { Err(400) })
}

enum Head {
    Partial,
    Refused(u16),
    Whole { begin: usize, length: usize, is_waiting: bool },
}

fn head(bytes: &[u8]) -> Head {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let begin = match request.parse(bytes) {
        Ok(httparse::Status::Complete(begin)) => begin,
        Ok(httparse::Status::Partial) => return Head::Partial,
        Err(_) => return Head::Refused(400),
    };
    match (request.method, request.path) {
        (Some("POST"), Some("/add-checkpoint")) => (),
        (Some(_), Some("/add-checkpoint")) => return Head::Refused(405),
        _ => return Head::Refused(404),
    }
    let (mut length, mut is_waiting) = (None, false);
    for header in request.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let digits =
                str::from_utf8(header.value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
            let said: Option<usize> = digits.and_then(|text| text.parse().ok());
            // Two lengths may be read as two requests.
            if said.is_none() || length.replace(said).is_some() {
                return Head::Refused(400);
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Head::Refused(411);
        } else if header.name.eq_ignore_ascii_case("expect") {
            is_waiting = true;
        }
    }
    match length.flatten() {
        None => Head::Refused(411),
        Some(length) if length > CosignRequest::BYTES_MAX => Head::Refused(413),
        Some(length) => Head::Whole { begin, length, is_waiting },
    }
}

fn respond(mut stream: &TcpStream, reply: &WitnessReply) -> io::Result<()> {
    let WitnessReply { status, body } = reply;
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        431 => "Request Header Fields Too Large",
        _ => "Internal Server Error",
    };
    let kind = if *status == 409 { "text/x.tlog.size" } else { "text/plain; charset=utf-8" };
    let allow = if *status == 405 { "Allow: POST\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    stream.flush()
}
