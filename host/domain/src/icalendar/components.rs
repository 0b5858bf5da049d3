//! Components: events and tasks, gathered by UID with the overrides of their occurrences.

use std::collections::BTreeMap;

use super::lines::Line;
use super::values;
use super::zones::Zones;
use super::{
    COMPONENTS_MAX, CalendarError, CalendarFault, DEPTH_MAX, Deviation, Entry, KIND_PROPERTY, Kind,
    Odd, Reading, Refused,
};
use crate::schedule::{Length, Moment, Override, Period, Recurrence, Schedule};

/// A VEVENT or VTODO: its own lines, those of what is nested in it left out.
struct Component<'a> {
    kind: Kind,
    begin: &'a Line,
    lines: Vec<&'a Line>,
}

/// What has one UID.
struct Series<'a> {
    uid: String,
    masters: Vec<Component<'a>>,
    overrides: Vec<Component<'a>>,
}

/// Reads each series once, and each of its components once.
pub(super) fn read(lines: &[Line], zones: &Zones) -> Result<Reading, CalendarError> {
    let mut reading = Reading::default();
    for series in gathered(components(lines)?, &mut reading.refused) {
        let uid = series.uid.clone();
        if let Err(error) = series.read(zones, &mut reading) {
            reading.refused.push(Refused { uid, error });
        }
    }
    Ok(reading)
}

/// Series in the order of their first components.
fn gathered<'a>(components: Vec<Component<'a>>, refused: &mut Vec<Refused>) -> Vec<Series<'a>> {
    let mut found: Vec<Series<'a>> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for component in components {
        let uid = match component.required("UID") {
            Ok(line) => values::unescaped(line.value.trim()),
            Err(error) => {
                let uid = String::new();
                refused.push(Refused { uid, error });
                continue;
            }
        };
        let place = *places.entry(uid.clone()).or_insert(found.len());
        if place == found.len() {
            found.push(Series {
                uid,
                masters: Vec::new(),
                overrides: Vec::new(),
            });
        }
        if let Some(series) = found.get_mut(place) {
            match component.find("RECURRENCE-ID") {
                Some(_) => series.overrides.push(component),
                None => series.masters.push(component),
            }
        }
    }
    found
}

impl Series<'_> {
    fn read(mut self, zones: &Zones, reading: &mut Reading) -> Result<(), CalendarError> {
        // An occurrence may come without its series: it then stands for itself.
        if self.masters.is_empty() {
            for alone in &self.overrides {
                let entry = entry(&self.uid, alone, &[], zones, &mut reading.deviations)?;
                reading.entries.extend(entry);
            }
            return Ok(());
        }
        // RFC 5545 §3.8.7.4: the revision with the highest number is what holds.
        self.masters.sort_by_key(Component::sequence);
        let Some(master) = self.masters.pop() else {
            return Ok(());
        };
        let older = self.masters.iter();
        reading
            .deviations
            .extend(older.map(|older| older.odd(&self.uid, Odd::Superseded)));
        let deviations = &mut reading.deviations;
        let entry = entry(&self.uid, &master, &self.overrides, zones, deviations)?;
        reading.entries.extend(entry);
        Ok(())
    }
}

fn components(lines: &[Line]) -> Result<Vec<Component<'_>>, CalendarError> {
    let mut found: Vec<Component<'_>> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut begun = 0_usize;
    for line in lines {
        let is_own = open.len() == 2;
        match line.name.as_str() {
            "BEGIN" => {
                begun = begun.saturating_add(1);
                let kind = if line.says("VEVENT") {
                    Kind::Event
                } else {
                    Kind::Task
                };
                if open.len() == 1 && (line.says("VEVENT") || line.says("VTODO")) {
                    found.push(Component {
                        kind,
                        begin: line,
                        lines: Vec::new(),
                    });
                }
                if open.is_empty() && !line.says("VCALENDAR") {
                    return Err(line.error(CalendarFault::Unbalanced));
                }
                open.push(line.value.trim());
            }
            "END" => match open.pop() {
                Some(name) if line.says(name) => {}
                _ => return Err(line.error(CalendarFault::Unbalanced)),
            },
            _ if open.is_empty() => return Err(line.error(CalendarFault::Unbalanced)),
            _ if is_own && is_entry(open.last()) => {
                found
                    .last_mut()
                    .into_iter()
                    .for_each(|component| component.lines.push(line));
            }
            _ => {}
        }
        if open.len() > DEPTH_MAX || begun > COMPONENTS_MAX {
            return Err(line.error(CalendarFault::TooLarge));
        }
    }
    match lines.last() {
        Some(_) if open.is_empty() => Ok(found),
        last => {
            let line = last.map_or(1, |line| line.number);
            Err(CalendarError {
                line,
                fault: CalendarFault::Unbalanced,
            })
        }
    }
}

fn is_entry(name: Option<&&str>) -> bool {
    name.is_some_and(|name| {
        ["VEVENT", "VTODO"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    })
}

fn entry(
    uid: &str,
    master: &Component<'_>,
    overrides: &[Component<'_>],
    zones: &Zones,
    deviations: &mut Vec<Deviation>,
) -> Result<Option<Entry>, CalendarError> {
    if master.is_cancelled() {
        deviations.push(master.odd(uid, Odd::Cancelled));
        return Ok(None);
    }
    let Some(period) = master.period(zones)? else {
        deviations.push(master.odd(uid, Odd::NoTime));
        return Ok(None);
    };
    let mut recurrence = master.recurrence(zones)?;
    for change in overrides {
        recurrence.overrides.push(change.as_override(zones)?);
    }
    let texts = ["SUMMARY", "DESCRIPTION"];
    let is_retold = |change: &&Component<'_>| {
        let mut told = texts.iter();
        told.any(|name| change.find(name).is_some() && change.text(name) != master.text(name))
    };
    let retold = overrides.iter().filter(is_retold);
    deviations.extend(retold.map(|change| change.odd(uid, Odd::TextOfOne)));
    let schedule = Schedule::new(period, recurrence).map_err(|error| master.begin.error(error))?;
    let kind = master.kind();
    Ok(Some(Entry {
        uid: uid.to_owned(),
        kind,
        title: master.text("SUMMARY"),
        notes: master.text("DESCRIPTION"),
        attendees: master
            .all("ATTENDEE")
            .filter_map(values::attendee)
            .collect(),
        is_opaque: kind != Kind::Task && !master.is_transparent(),
        schedule,
    }))
}

impl<'a> Component<'a> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'a Line> {
        self.lines
            .iter()
            .copied()
            .filter(move |line| line.name == name)
    }

    fn find(&self, name: &str) -> Option<&'a Line> {
        self.all(name).next()
    }

    fn required(&self, name: &'static str) -> Result<&'a Line, CalendarError> {
        self.find(name)
            .ok_or_else(|| self.begin.error(CalendarFault::Missing(name)))
    }

    fn text(&self, name: &str) -> String {
        self.find(name)
            .map_or_else(String::new, |line| values::unescaped(&line.value))
    }

    fn odd(&self, uid: &str, what: Odd) -> Deviation {
        Deviation {
            line: self.begin.number,
            uid: uid.to_owned(),
            what,
        }
    }

    fn sequence(&self) -> u64 {
        let number = self.find("SEQUENCE");
        number
            .and_then(|line| line.value.trim().parse().ok())
            .unwrap_or_default()
    }

    /// What this office wrote it as, where it is one of its own kinds of events.
    fn kind(&self) -> Kind {
        let own = self
            .find(KIND_PROPERTY)
            .filter(|_| self.kind == Kind::Event);
        own.map_or(self.kind, |line| {
            let mut kinds = [Kind::Reminder, Kind::Shift].into_iter();
            kinds
                .find(|kind| line.says(kind.as_str()))
                .unwrap_or(self.kind)
        })
    }

    fn is_cancelled(&self) -> bool {
        self.find("STATUS")
            .is_some_and(|line| line.says("CANCELLED"))
    }

    fn is_transparent(&self) -> bool {
        self.find("TRANSP")
            .is_some_and(|line| line.says("TRANSPARENT"))
    }

    /// When it begins and how long it lasts; none for a task that has no time.
    fn period(&self, zones: &Zones) -> Result<Option<Period>, CalendarError> {
        let end = self.find("DTEND").or_else(|| self.find("DUE"));
        let start = match (self.find("DTSTART"), self.kind) {
            (Some(start), _) => start,
            (None, Kind::Task) => match end {
                Some(due) => due,
                None => return Ok(None),
            },
            (None, _) => self.required("DTSTART")?,
        };
        let moment = |line: &Line| values::moment(line, zones).map_err(|fault| line.error(fault));
        let begin = moment(start)?;
        let period = match (end, self.find("DURATION")) {
            (Some(end), _) => {
                Period::until(begin, &moment(end)?).map_err(|error| end.error(error))?
            }
            (None, Some(line)) => {
                let length = values::length(line).map_err(|fault| line.error(fault))?;
                Period {
                    start: begin,
                    length,
                }
            }
            (None, None) => Period {
                length: self.usual_length(&begin),
                start: begin,
            },
        };
        Ok(Some(period))
    }

    /// RFC 5545 §3.6.1: a day lasts all day, a moment no time.
    fn usual_length(&self, start: &Moment) -> Length {
        match (start, self.kind) {
            (Moment::Day(_), Kind::Event) => Length::DAY,
            _ => Length::default(),
        }
    }

    fn recurrence(&self, zones: &Zones) -> Result<Recurrence, CalendarError> {
        let mut recurrence = Recurrence::default();
        for line in &self.lines {
            let error = |fault: CalendarFault| line.error(fault);
            match line.name.as_str() {
                "RRULE" => recurrence.rules.push(values::rule(line).map_err(error)?),
                "RDATE" => recurrence
                    .added
                    .extend(values::added(line, zones).map_err(error)?),
                "EXDATE" => recurrence
                    .excluded
                    .extend(values::moments(line, zones).map_err(error)?),
                "EXRULE" => return Err(error(CalendarFault::Unsupported("EXRULE"))),
                _ => {}
            }
        }
        Ok(recurrence)
    }

    fn as_override(&self, zones: &Zones) -> Result<Override, CalendarError> {
        let line = self.required("RECURRENCE-ID")?;
        if line.parameter("RANGE").is_some() {
            return Err(line.error(CalendarFault::Unsupported("RANGE")));
        }
        let original = values::moment(line, zones).map_err(|fault| line.error(fault))?;
        let period = if self.is_cancelled() {
            None
        } else {
            self.period(zones)?
        };
        Ok(Override { original, period })
    }
}
