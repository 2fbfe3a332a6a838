//! What is said: data on stdout, words on stderr, bars where a person looks on.

use std::{
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::failure::{Done, Failure};

/// A line of the answer, on stdout. Whoever closes the pipe has read enough.
pub(crate) fn answer(line: &str) -> Done {
    write(&[line.as_bytes(), b"\n"].concat())
}

/// An answer in bytes as they are, on stdout.
pub(crate) fn write(bytes: &[u8]) -> Done {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::failed("stdout", format!("stdout takes no more ({error}): look where it leads")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// An answer as JSON, on one line.
pub(crate) fn json(value: &Value) -> Done {
    answer(&value.to_string())
}

/// A word on how it went, on stderr.
pub(crate) fn word(line: &str) {
    eprintln!("{line}");
}

/// What others wrote, made harmless for a terminal: control characters are shown, and not obeyed.
pub(crate) fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '\n' | '\t' => shown.push(symbol),
            // Those that turn the direction of writing could make a text look like another.
            _ if symbol.is_control()
                || matches!(symbol, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                shown.extend(symbol.escape_unicode());
            }
            _ => shown.push(symbol),
        }
    }
    shown
}

/// A bar over so many steps, on stderr if that is a terminal, and nowhere else.
pub(crate) fn bar(length: u64, of: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}, {elapsed} gone, {eta} to go");
    drawn(ProgressBar::with_draw_target(Some(length), target()), style.ok(), of)
}

/// A sign that something goes on whose length is not known; where a bar would be.
pub(crate) fn busy(with: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed} gone");
    let bar = drawn(ProgressBar::with_draw_target(None, target()), style.ok(), with);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn target() -> ProgressDrawTarget {
    if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

fn drawn(bar: ProgressBar, style: Option<ProgressStyle>, words: &str) -> ProgressBar {
    let bar = bar.with_message(words.to_owned());
    match style {
        Some(style) => bar.with_style(style),
        None => bar,
    }
}
