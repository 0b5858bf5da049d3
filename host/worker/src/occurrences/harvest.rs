//! What is gathered of a trigger's occurrences until all of them were looked at: never more than one commit queues.

use std::collections::BTreeMap;

use bursar_domain::{manifest::Misfire, run::Event};
use bursar_office::due::DueOccurrence;

use super::Awaited;
use crate::timers::MISSED_RUNS_MAX;

/// Most runs of occurrences on time that one commit queues; the others follow at once.
pub(super) const RUNS_MAX: usize = 200;

/// Occurrences by the instant that they were planned for, then by name.
type ByInstant = BTreeMap<(i64, String, String), DueOccurrence>;

/// The first occurrences on time, the last ones that were missed, and how many there are besides.
pub(super) struct Harvest {
    on_time: ByInstant,
    /// The first planned instant of those that have to wait for the next look.
    waits_from_us: Option<i64>,
    missed: ByInstant,
    missed_max: usize,
    missed_count: usize,
}

/// What a look comes to.
pub(super) struct Reaped {
    /// The runs to queue.
    pub events: Vec<Event>,
    /// Up to which planned instant everything is dealt with.
    pub until_us: i64,
    /// Whether occurrences are left for the next look.
    pub has_more: bool,
}

impl Harvest {
    pub(super) fn new(misfire: Misfire) -> Self {
        Self {
            on_time: ByInstant::new(),
            waits_from_us: None,
            missed: ByInstant::new(),
            missed_max: match misfire {
                Misfire::Skip => 0,
                Misfire::Once => 1,
                Misfire::All => MISSED_RUNS_MAX,
            },
            missed_count: 0,
        }
    }

    pub(super) fn take(
        &mut self,
        awaited: &Awaited,
        on_time: Vec<DueOccurrence>,
        missed: Vec<DueOccurrence>,
    ) {
        let place = |due: &DueOccurrence| {
            let planned_us = awaited.planned_us(due);
            (planned_us, due.uid.clone(), due.original.clone())
        };
        for due in on_time {
            self.on_time.insert(place(&due), due);
            if self.on_time.len() > RUNS_MAX
                && let Some(((planned_us, ..), _)) = self.on_time.pop_last()
            {
                let first_us = self.waits_from_us.unwrap_or(planned_us);
                self.waits_from_us = Some(first_us.min(planned_us));
            }
        }
        for due in missed {
            self.missed_count = self.missed_count.saturating_add(1);
            self.missed.insert(place(&due), due);
            if self.missed.len() > self.missed_max {
                self.missed.pop_first();
            }
        }
    }

    /// Those that were missed as it is asked for, then those on time, each by its planned instant.
    pub(super) fn reap(self, awaited: &Awaited, now_us: i64) -> Reaped {
        // One run stands for all others that were missed.
        let stands_for = match awaited.misfire {
            Misfire::Once => self.missed_count.saturating_sub(1),
            Misfire::Skip | Misfire::All => 0,
        };
        let missed = self.missed.values();
        let missed = missed.map(|due| awaited.event(due, stands_for, now_us));
        let on_time = self.on_time.values();
        let on_time = on_time.map(|due| awaited.event(due, 0, now_us));
        Reaped {
            events: missed.chain(on_time).collect(),
            until_us: self
                .waits_from_us
                .map_or(now_us, |at_us| at_us.saturating_sub(1)),
            has_more: self.waits_from_us.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bursar_domain::{run::Trigger, time};

    use super::*;

    const MINUTE_US: i64 = 60 * 1_000_000;
    const HOUR_US: i64 = 60 * MINUTE_US;
    const NOW_US: i64 = 1_000 * HOUR_US;

    fn awaited(misfire: Misfire) -> Awaited {
        Awaited {
            automation: "a".to_owned(),
            trigger: "soon".to_owned(),
            calendar: "desk".to_owned(),
            lead_us: HOUR_US,
            misfire,
            enabled_us: 0,
            seen: None,
        }
    }

    /// An occurrence that was to fire so long ago.
    fn planned(minutes_ago: i64) -> DueOccurrence {
        let start_us = NOW_US - minutes_ago * MINUTE_US + HOUR_US;
        DueOccurrence {
            entry: "e".to_owned(),
            uid: "u".to_owned(),
            start_us,
            original_start_us: start_us,
            original: time::rfc3339(start_us),
            written_us: 0,
            depth: 0,
        }
    }

    fn reaped(misfire: Misfire, on_time: Vec<DueOccurrence>, missed: Vec<DueOccurrence>) -> Reaped {
        let mut harvest = Harvest::new(misfire);
        // In pages, as a calendar is read.
        let mut missed = missed.into_iter();
        for due in on_time {
            harvest.take(
                &awaited(misfire),
                vec![due],
                missed.next().into_iter().collect(),
            );
        }
        harvest.take(&awaited(misfire), Vec::new(), missed.collect());
        harvest.reap(&awaited(misfire), NOW_US)
    }

    /// For how many minutes ago each run is, and for how many others it stands.
    fn runs(reaped: &Reaped) -> Vec<(i64, u32)> {
        let run = |event: &Event| match event.trigger {
            Trigger::Occurrence {
                scheduled_us,
                missed,
                ..
            } => ((NOW_US - scheduled_us) / MINUTE_US, missed),
            ref other => panic!("{other:?}"),
        };
        reaped.events.iter().map(run).collect()
    }

    #[test]
    fn those_on_time_fire_each_and_those_that_were_missed_as_asked() {
        let check = |misfire, expected: &[(i64, u32)]| {
            let on_time = vec![planned(0), planned(2)];
            let reaped = reaped(misfire, on_time, vec![planned(90), planned(60)]);
            assert_eq!(runs(&reaped), expected);
            assert_eq!((reaped.until_us, reaped.has_more), (NOW_US, false));
        };
        check(Misfire::Skip, &[(2, 0), (0, 0)]);
        check(Misfire::Once, &[(60, 1), (2, 0), (0, 0)]);
        check(Misfire::All, &[(90, 0), (60, 0), (2, 0), (0, 0)]);
        let flood = (10..1_000).map(planned).collect();
        let all = runs(&reaped(Misfire::All, Vec::new(), flood));
        assert_eq!((all.len(), all.first()), (MISSED_RUNS_MAX, Some(&(109, 0))));
        let flood = (10..1_000).map(planned).collect();
        assert_eq!(runs(&reaped(Misfire::Once, Vec::new(), flood)), [(10, 989)]);
    }

    #[test]
    fn a_flood_on_time_is_cut_before_an_instant_that_is_not_whole() {
        let crowd = |number: usize| DueOccurrence {
            uid: format!("u{number:04}"),
            ..planned(i64::from(number < RUNS_MAX - 10))
        };
        let flood: Vec<DueOccurrence> = (0..RUNS_MAX * 3).rev().map(crowd).collect();
        let reaped = reaped(Misfire::Skip, flood, Vec::new());
        assert_eq!(runs(&reaped).len(), RUNS_MAX);
        assert_eq!(
            runs(&reaped)[RUNS_MAX - 11..=RUNS_MAX - 10],
            [(1, 0), (0, 0)]
        );
        assert_eq!((reaped.until_us, reaped.has_more), (NOW_US - 1, true));
    }

    #[test]
    fn an_event_is_named_after_uid_and_original_start() {
        let id = |due: &DueOccurrence| awaited(Misfire::Once).event(due, 0, NOW_US).id;
        let one = planned(0);
        let mut moved = one.clone();
        moved.start_us += HOUR_US;
        moved.entry = "imported again".to_owned();
        assert_eq!(id(&one), id(&moved));
        assert!(id(&one).len() <= 200 && id(&one).starts_with("occurrence/soon/"));
        let mut other = one.clone();
        other.uid = "v".to_owned();
        assert_ne!(id(&one), id(&other));
        assert_ne!(id(&one), id(&planned(1)));
        let mut elsewhere = one.clone();
        elsewhere.original = "2026-10-24".to_owned();
        let there = id(&elsewhere);
        elsewhere.original_start_us += 6 * HOUR_US;
        assert_eq!(id(&elsewhere), there, "a day is a day in every zone");
    }
}
