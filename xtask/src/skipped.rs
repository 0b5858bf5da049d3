//! What this machine lacks.
//!
//! Job: remembers what could not be done, says so at once, and lists it again at the end, where people look. It does
//! not know why anything is needed. Entered at [`Skipped::add`].

use std::fmt;

/// Everything that was left out, in the order in which it was noticed.
#[derive(Debug, Default)]
pub struct Skipped(Vec<Lack>);

#[derive(Debug)]
struct Lack {
    what: String,
    why: String,
}

impl Skipped {
    /// Notes that `what` is left out; `why` says what would change that.
    pub fn add(&mut self, what: &str, why: &str) {
        eprintln!("skipped: {what}: {why}");
        self.0.push(Lack {
            what: what.to_owned(),
            why: why.to_owned(),
        });
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A heading and one line each; nothing at all when nothing was left out.
impl fmt::Display for Skipped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(formatter, "Skipped, because this machine lacks it:")?;
        for Lack { what, why } in &self.0 {
            writeln!(formatter, "  - {what}: {}", why.replace('\n', "\n    "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_skipped_prints_nothing() {
        assert_eq!(Skipped::default().to_string(), "");
    }

    #[test]
    fn each_lack_is_one_item_of_the_list() {
        let mut skipped = Skipped::default();
        skipped.add("PostgreSQL", "no initdb\nlook further");
        skipped.add("guests", "no target");
        assert_eq!(
            skipped.to_string(),
            "Skipped, because this machine lacks it:\n  - PostgreSQL: no initdb\n    look further\n  - guests: no target\n",
        );
    }
}
