//! Writes down all that could differ from one run to the next: hash order, bits of NaN, addresses, fresh memory, clocks,
//! randomness. In the end it may take memory until there is none.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    hint::black_box,
};

use bursar_sdk::{Failure, Plugin, Run, Summary, clock, log, random, records_write, state};
use serde::Deserialize;

/// So much is looked at of memory that nobody has written to.
const FRESH_BYTES: usize = 4 << 20;

#[derive(Default, Deserialize)]
struct Input {
    /// Takes memory until that fails.
    #[serde(default)]
    grows: bool,
}

struct Nondeterminist;

impl Plugin for Nondeterminist {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let input: Input = run.input()?.unwrap_or_default();
        state::save("hashes", &hashes())?;
        state::save("numbers", &numbers())?;
        state::save("addresses", &addresses())?;
        state::save("fresh", &fresh())?;
        state::save("time", &(clock::now().to_string(), clock::today()))?;
        state::save("random", &(random::number().to_string(), random::bytes(32)))?;
        let row = records_write::create("counters", &run.event.id, r#"{"value":1}"#)?;
        log::info(&row.id, &[("hashes", &format!("{:?}", hashes()))]);
        if input.grows {
            let taken = take_all();
            state::save("taken", &taken)?;
        }
        Ok(Summary::new(format!("{:?}", addresses())))
    }
}

/// A set's order, and what its kind of hasher makes of a number.
fn hashes() -> (Vec<u64>, String) {
    let set: HashSet<u64> = (0..64).collect();
    let hash = RandomState::new().hash_one(1_u64);
    (set.into_iter().collect(), hash.to_string())
}

/// Bits of numbers that are none: processors choose sign and payload differently.
fn numbers() -> Vec<String> {
    let (zero, other) = (black_box(0.0_f64), black_box(0.0_f64));
    let infinite = black_box(f64::INFINITY);
    let payload = black_box(f64::from_bits(0x7ff0_0000_0000_1234));
    let wide = [
        zero / other,
        -(zero / other),
        infinite + black_box(f64::NEG_INFINITY),
        infinite * zero,
        black_box(-1.0_f64).sqrt(),
        payload + 1.0,
        1.0 - payload,
        payload.max(zero),
    ];
    let (zero, other) = (black_box(0.0_f32), black_box(0.0_f32));
    let payload = black_box(f32::from_bits(0xff80_1234));
    let narrow = [zero / other, payload * 2.0, payload.min(zero)];
    let wide = wide.iter().map(|number| format!("{:x}", number.to_bits()));
    let narrow = narrow
        .iter()
        .map(|number| format!("{:x}", number.to_bits()));
    wide.chain(narrow).collect()
}

/// Where things lie: on the stack, on the heap, among the constants, in the table of functions.
fn addresses() -> Vec<usize> {
    let (local, boxed) = (black_box(1_u8), Box::new(black_box(2_u8)));
    vec![
        std::ptr::from_ref(&local).addr(),
        std::ptr::from_ref(boxed.as_ref()).addr(),
        std::ptr::from_ref(&FRESH_BYTES).addr(),
        hashes as fn() -> (Vec<u64>, String) as usize,
    ]
}

/// Where fresh memory begins, and how many of its bytes are not zero.
fn fresh() -> (usize, usize) {
    let bytes: Vec<u8> = Vec::with_capacity(FRESH_BYTES);
    let start = black_box(bytes.as_ptr());
    #[expect(unsafe_code, reason = "what nobody has written to is to be read")]
    // SAFETY: these bytes are the vector's; that they were never written is what this is about, and WebAssembly has
    // bytes for them all the same.
    let written = (0..FRESH_BYTES)
        .filter(|place| unsafe { start.add(*place).read_volatile() } != 0)
        .count();
    (start.addr(), written)
}

/// Takes ever smaller pieces of memory until not even a page is left; gives how many of them there were.
fn take_all() -> usize {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 16 << 20;
    while bytes >= 64 << 10 {
        let mut piece = Vec::new();
        if piece.try_reserve_exact(bytes).is_ok() {
            pieces.push(black_box(piece));
        } else {
            bytes /= 2;
        }
    }
    pieces.len()
}

bursar_sdk::plugin!(Nondeterminist);
