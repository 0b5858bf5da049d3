//! Which files of a folder stand still. Pure: looks and their times come from outside.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

/// How long a file must have stood still to be taken.
pub(super) const STILL: Duration = Duration::from_secs(2);

/// What changes when a file does, and stays when it is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Look {
    /// Device and number on it.
    pub file: (u64, u64),
    /// Its size.
    pub bytes: u64,
    /// Seconds and nanoseconds since 1970.
    pub modified: (i64, i64),
}

/// What was seen at the looks before.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// By name, how each file looks and since when.
    waiting: HashMap<String, (Look, Instant)>,
    /// Files under a name that says they are not finished.
    unfinished: HashSet<Look>,
}

impl Watch {
    /// Notes a look at a whole folder and gives the names of files that may be taken: those that look as they did for a
    /// while, and those that stood there under an unfinished name and got their final one.
    pub fn ready(
        &mut self,
        files: Vec<(String, Look)>,
        unfinished: HashSet<Look>,
        now: Instant,
    ) -> Vec<String> {
        let mut waiting = HashMap::new();
        let mut ready = Vec::new();
        for (name, look) in files {
            let since = match self.waiting.get(&name) {
                Some((before, since)) if *before == look => *since,
                _ => now,
            };
            let was_renamed = self.unfinished.contains(&look);
            if was_renamed || now.saturating_duration_since(since) >= STILL {
                ready.push(name.clone());
            }
            waiting.insert(name, (look, since));
        }
        self.waiting = waiting;
        self.unfinished = unfinished;
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(file: u64, bytes: u64, modified: i64) -> Look {
        Look {
            file: (1, file),
            bytes,
            modified: (modified, 0),
        }
    }

    /// Looks at a folder, each with its time, the files in it and those that are unfinished; the last gives these names.
    /// When somebody looked, the files there, and those that were unfinished.
    type Seen<'l> = (u64, &'l [(&'l str, Look)], &'l [Look]);

    fn check(looks: &[Seen<'_>], expected: &[&str]) {
        let begin = Instant::now();
        let mut watch = Watch::default();
        let mut ready = Vec::new();
        for (at_ms, files, unfinished) in looks {
            let files = files.iter().map(|(name, look)| ((*name).to_owned(), *look));
            let now = begin + Duration::from_millis(*at_ms);
            ready = watch.ready(files.collect(), unfinished.iter().copied().collect(), now);
        }
        assert_eq!(ready, expected, "{looks:?}");
    }

    #[test]
    fn a_file_is_ready_once_it_has_stood_still() {
        let (a, grown, touched) = (look(7, 10, 5), look(7, 11, 5), look(7, 10, 6));
        check(&[(0, &[("a", a)], &[])], &[]);
        check(&[(0, &[("a", a)], &[]), (1999, &[("a", a)], &[])], &[]);
        check(&[(0, &[("a", a)], &[]), (2000, &[("a", a)], &[])], &["a"]);
        for changed in [grown, touched, look(8, 10, 5)] {
            let first = (0, &[("a", a)][..], &[][..]);
            check(&[first, (5000, &[("a", changed)], &[])], &[]);
            let second = (5000, &[("a", changed)][..], &[][..]);
            check(&[first, second, (7000, &[("a", changed)], &[])], &["a"]);
        }
        let gone = (1000, &[][..], &[][..]);
        check(
            &[(0, &[("a", a)], &[]), gone, (2500, &[("a", a)], &[])],
            &[],
        );
    }

    #[test]
    fn a_file_that_got_its_final_name_is_ready_at_once() {
        let (a, grown) = (look(7, 10, 5), look(7, 11, 6));
        check(&[(0, &[], &[a]), (1, &[("a", a)], &[])], &["a"]);
        check(&[(0, &[], &[a]), (1, &[("a", grown)], &[])], &[]);
        check(&[(0, &[], &[a]), (1, &[], &[]), (2, &[("a", a)], &[])], &[]);
    }
}
