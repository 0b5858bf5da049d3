//! Says that bytes are a text, or that memory is its own, and lies.

use bursar_sdk::{Failure, Plugin, Run, Summary, log};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    #[default]
    Nothing,
    /// A text that is no UTF-8 goes to the host as an argument.
    Argument,
    /// The same as a result.
    Result,
    /// A text that begins in the guest's memory and ends behind it.
    Length,
    /// A text that lies behind the guest's memory.
    Place,
}

#[derive(Default, Deserialize)]
struct Input {
    forge: What,
}

struct Forger;

impl Plugin for Forger {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let input: Input = run.input()?.unwrap_or_default();
        let mut said = Summary::new("honest to the end");
        match input.forge {
            What::Nothing => log::info("all is well", &[]),
            What::Argument => log::info(&no_text(), &[]),
            What::Result => said = Summary::new(no_text()),
            What::Length => log::info(text_at(1024, usize::MAX / 4), &[]),
            What::Place => log::info(text_at(usize::MAX - 64, 8), &[]),
        }
        Ok(said)
    }
}

/// Three letters and a byte that no text has.
fn no_text() -> String {
    let bytes = std::hint::black_box(vec![b'a', b'b', b'c', 0xff]);
    #[expect(unsafe_code, reason = "what it hands over is to be wrong")]
    // SAFETY: this is not sound, on purpose; nothing but the host looks at it.
    unsafe {
        String::from_utf8_unchecked(bytes)
    }
}

/// A text that is not there.
fn text_at(place: usize, bytes: usize) -> &'static str {
    let start = std::ptr::with_exposed_provenance::<u8>(std::hint::black_box(place));
    #[expect(unsafe_code, reason = "what it hands over is to be wrong")]
    // SAFETY: this is not sound, on purpose; nothing but the host looks at it.
    unsafe {
        std::str::from_utf8_unchecked(std::slice::from_raw_parts(start, bytes))
    }
}

bursar_sdk::plugin!(Forger);
