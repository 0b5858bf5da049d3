//! Components: events and tasks, gathered by UID with the overrides of their occurrences.

use std::collections::BTreeMap;

use super::lines::Line;
use super::values;
use super::zones::Zones;
use super::{COMPONENTS_MAX, CalendarError, CalendarFault, DEPTH_MAX, Entry, Kind};
use crate::schedule::{Length, Moment, Override, Period, Recurrence, Schedule};

/// A VEVENT or VTODO: its own lines, those of what is nested in it left out.
struct Component<'a> {
    kind: Kind,
    begin: &'a Line,
    lines: Vec<&'a Line>,
}

pub(super) fn entries(lines: &[Line], zones: &Zones) -> Result<Vec<Entry>, CalendarError> {
    let mut series: BTreeMap<(usize, String), Vec<Component<'_>>> = BTreeMap::new();
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    for component in components(lines)? {
        let uid = values::unescaped(component.required("UID")?.value.trim());
        let next = order.len();
        let place = *order.entry(uid.clone()).or_insert(next);
        series.entry((place, uid)).or_default().push(component);
    }
    let mut entries = Vec::new();
    for ((_, uid), components) in series {
        let (overrides, masters): (Vec<_>, Vec<_>) = components
            .into_iter()
            .partition(|component| component.find("RECURRENCE-ID").is_some());
        // An occurrence may come without its series: it then stands for itself.
        let (masters, overrides) = if masters.is_empty() {
            (overrides, masters)
        } else {
            (masters, overrides)
        };
        for master in &masters {
            entries.extend(entry(uid.clone(), master, &overrides, zones)?);
        }
    }
    Ok(entries)
}

fn components(lines: &[Line]) -> Result<Vec<Component<'_>>, CalendarError> {
    let mut found: Vec<Component<'_>> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for line in lines {
        let is_own = open.len() == 2;
        match line.name.as_str() {
            "BEGIN" => {
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
        if open.len() > DEPTH_MAX || found.len() > COMPONENTS_MAX {
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
    uid: String,
    master: &Component<'_>,
    overrides: &[Component<'_>],
    zones: &Zones,
) -> Result<Option<Entry>, CalendarError> {
    let Some(period) = master.period(zones)?.filter(|_| !master.is_cancelled()) else {
        return Ok(None);
    };
    let mut recurrence = master.recurrence(zones)?;
    for change in overrides {
        recurrence.overrides.extend(change.as_override(zones)?);
    }
    let schedule = Schedule::new(period, recurrence).map_err(|error| master.begin.error(error))?;
    let transparent = master
        .find("TRANSP")
        .is_some_and(|line| line.says("TRANSPARENT"));
    Ok(Some(Entry {
        uid,
        kind: master.kind,
        title: master
            .find("SUMMARY")
            .map_or_else(String::new, |line| values::unescaped(&line.value)),
        is_opaque: master.kind == Kind::Event && !transparent,
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

    fn is_cancelled(&self) -> bool {
        self.find("STATUS")
            .is_some_and(|line| line.says("CANCELLED"))
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
            (None, Kind::Event) => self.required("DTSTART")?,
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

    fn as_override(&self, zones: &Zones) -> Result<Option<Override>, CalendarError> {
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
        Ok(Some(Override { original, period }))
    }
}
