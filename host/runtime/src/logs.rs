//! A run's log: bounded lines, from the plugin's own calls and from what it prints.

use bursar_domain::run::LogLine;

/// Longest line, its fields included, in bytes.
pub const LINE_BYTES_MAX: usize = 8 * 1024;
/// Most fields of a line.
const FIELDS_MAX: usize = 50;

/// Lines kept up to a number of bytes, and how many were not.
#[derive(Debug)]
pub struct Logs {
    lines: Vec<LogLine>,
    bytes: u64,
    bytes_max: u64,
    dropped: u64,
}

/// What is left of a log at the end of its run.
#[derive(Debug, Default)]
pub struct Kept {
    /// In the order in which they came.
    pub lines: Vec<LogLine>,
    /// Bytes of their levels, messages and fields.
    pub bytes: u64,
    /// Lines that did not fit.
    pub dropped: u64,
}

impl Logs {
    /// An empty log.
    pub fn new(bytes_max: u64) -> Self {
        Self {
            lines: Vec::new(),
            bytes: 0,
            bytes_max,
            dropped: 0,
        }
    }

    /// Adds a line, cut to [`LINE_BYTES_MAX`], or counts it as dropped.
    pub fn push(&mut self, level: &str, message: String, fields: Vec<(String, String)>) {
        let mut left = LINE_BYTES_MAX;
        let message = cut(message, &mut left);
        let mut kept = Vec::new();
        for (name, value) in fields.into_iter().take(FIELDS_MAX) {
            if left == 0 {
                break;
            }
            kept.push((cut(name, &mut left), cut(value, &mut left)));
        }
        let bytes = level
            .len()
            .saturating_add(LINE_BYTES_MAX.saturating_sub(left));
        let total = self
            .bytes
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if total > self.bytes_max {
            self.dropped = self.dropped.saturating_add(1);
        } else {
            self.bytes = total;
            self.lines.push(LogLine {
                level: level.to_owned(),
                message,
                fields: kept,
            });
        }
    }

    /// Ends the log.
    pub fn take(&mut self) -> Kept {
        Kept {
            lines: std::mem::take(&mut self.lines),
            bytes: self.bytes,
            dropped: self.dropped,
        }
    }
}

/// Cuts a text to what is left, at a character's boundary, and takes it off.
fn cut(mut text: String, left: &mut usize) -> String {
    text.truncate(text.floor_char_boundary(*left));
    *left = left.saturating_sub(text.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_a_character() {
        let mut logs = Logs::new(u64::MAX);
        logs.push(
            "info",
            "ä".repeat(LINE_BYTES_MAX),
            vec![("lost".to_owned(), String::new())],
        );
        logs.push(
            "info",
            format!("{}ä", "x".repeat(LINE_BYTES_MAX - 1)),
            Vec::new(),
        );
        let kept = logs.take();
        let sizes: Vec<usize> = kept.lines.iter().map(|line| line.message.len()).collect();
        assert_eq!(sizes, [LINE_BYTES_MAX, LINE_BYTES_MAX - 1]);
        assert!(kept.lines.iter().all(|line| line.fields.is_empty()));
    }

    #[test]
    fn lines_over_the_limit_are_counted() {
        let mut logs = Logs::new(12);
        for message in ["abcd", "too long", "ef"] {
            logs.push("info", message.to_owned(), Vec::new());
        }
        let kept = logs.take();
        assert_eq!((kept.lines.len(), kept.bytes, kept.dropped), (1, 8, 2));
    }

    #[test]
    fn fields_take_part_in_a_lines_size() {
        let mut logs = Logs::new(u64::MAX);
        logs.push(
            "info",
            "m".to_owned(),
            vec![
                ("n".to_owned(), "v".repeat(2 * LINE_BYTES_MAX)),
                ("gone".to_owned(), String::new()),
            ],
        );
        let kept = logs.take();
        assert_eq!(
            kept.bytes,
            u64::try_from("info".len() + LINE_BYTES_MAX).expect("small")
        );
        assert_eq!(kept.lines.first().map(|line| line.fields.len()), Some(1));
    }
}
