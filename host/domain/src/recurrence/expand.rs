//! From a rule and a start to instances: period after period, candidate after candidate, without allocating for either.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "seconds of ten thousand years and an interval of 32 bits are far from the ends of an i64"
)]

use jiff::civil::DateTime;

use super::candidates::{Candidates, Days, Period, bit, day_bit, days_before};
use super::civil::{self, Civil};
use super::filter::{DayFilter, Times};
use super::{End, Frequency, Part, Rule, STEPS_MAX};

/// The instances of a rule, strictly rising; made by [`Rule::instances`].
///
/// It ends with the rule's `COUNT` or `UNTIL`, with year 9999, or after [`STEPS_MAX`] steps without an instance, which
/// [`Instances::is_cut_short`] tells.
#[derive(Debug, Clone)]
pub struct Instances {
    frequency: Frequency,
    interval: i64,
    week_start: i64,
    filter: DayFilter,
    times: Times,
    set_positions: Vec<i64>,
    /// Number of the period that holds the start, and of the next one to look at.
    anchor: i64,
    position: i64,
    final_position: i64,
    start: DateTime,
    /// No instance before this is told of, but all from `start` on are counted.
    from: DateTime,
    last: DateTime,
    /// How many of `COUNT` are left; [`u32::MAX`] never ends.
    left: u32,
    steps_left: u32,
    /// Most steps in all: see [`Instances::steps_taken`].
    steps_max: u64,
    candidates: Candidates,
    /// What `BYSETPOS` picked of a period, latest first.
    picked: Vec<DateTime>,
}

/// What a period turned out to be.
enum Look {
    /// It may hold candidates.
    Open(Period),
    /// It holds none, nor does any before the one of this number.
    SkipTo(i64),
}

impl Instances {
    pub(super) fn new(rule: &Rule, start: DateTime, last: DateTime) -> Self {
        let start = whole_second(start);
        let mut instances = Self {
            frequency: rule.frequency,
            interval: rule.interval.into(),
            week_start: civil::weekday_index(rule.week_start),
            filter: DayFilter::new(rule, start),
            times: Times::new(rule, start),
            set_positions: rule
                .numbers(Part::SetPosition)
                .iter()
                .map(|n| i64::from(*n))
                .collect(),
            anchor: 0,
            position: 0,
            final_position: 0,
            start,
            from: start,
            last,
            left: if let End::Count(count) = rule.end {
                count
            } else {
                u32::MAX
            },
            steps_left: STEPS_MAX,
            steps_max: u64::MAX,
            candidates: Candidates::NONE,
            picked: Vec::new(),
        };
        instances.anchor = instances.period_of(start);
        instances.position = instances.anchor;
        instances.final_position = instances.period_of(last);
        instances
    }

    /// Skips what comes before a moment.
    pub(super) fn seek(mut self, from: DateTime) -> Self {
        self.from = from.max(self.start);
        if self.left == u32::MAX {
            self.position = self.aligned(self.period_of(self.from));
            self.start = self.from;
        }
        self
    }

    /// The same, given up once so many steps were taken, whatever they led to.
    #[must_use]
    pub fn within(mut self, steps_max: u64) -> Self {
        self.steps_max = steps_max;
        self
    }

    /// How much work this was: a step for each period, month and candidate that was looked at, and more for those of rules
    /// with long lists.
    pub fn steps_taken(&self) -> u64 {
        self.filter.steps
    }

    /// Whether the search was given up because of [`Instances::within`].
    pub fn is_over_budget(&self) -> bool {
        self.filter.steps > self.steps_max
    }

    fn step(&mut self, steps: u64) {
        self.filter.steps = self.filter.steps.saturating_add(steps);
    }

    /// Whether the search was given up before the rule's end.
    pub fn is_cut_short(&self) -> bool {
        self.steps_left == 0
    }

    /// Number of the period that holds a moment; periods of all frequencies are numbered through.
    fn period_of(&self, moment: DateTime) -> i64 {
        let day = Civil::of(moment.date());
        match self.frequency {
            Frequency::Yearly if self.filter.counts_weeks() => {
                civil::week(civil::week_begin(day.number(), self.week_start)).year
            }
            Frequency::Yearly => day.year,
            Frequency::Monthly => day.year * 12 + day.month - 1,
            Frequency::Weekly => (day.number() - self.week_zero()).div_euclid(7),
            Frequency::Daily => day.number(),
            Frequency::Hourly => day.number() * 24 + i64::from(moment.hour()),
            Frequency::Minutely => {
                (day.number() * 24 + i64::from(moment.hour())) * 60 + i64::from(moment.minute())
            }
            Frequency::Secondly => {
                let minutes = (day.number() * 24 + i64::from(moment.hour())) * 60
                    + i64::from(moment.minute());
                minutes * 60 + i64::from(moment.second())
            }
        }
    }

    /// Day number that week 0 begins with: day 0 is a Thursday.
    fn week_zero(&self) -> i64 {
        self.week_start - 3
    }

    fn look(&mut self, position: i64) -> Look {
        let times = self.times;
        let (first, last) = match self.frequency {
            Frequency::Yearly if self.filter.counts_weeks() => {
                let begin = |year| civil::first_week_begin(year, self.week_start);
                let (first, after) = (begin(position), begin(position + 1));
                (Civil::from_number(first), Civil::from_number(after - 1))
            }
            Frequency::Yearly => {
                let of_year = |month, day| Civil {
                    year: position,
                    month,
                    day,
                };
                (of_year(1, 1), of_year(12, 31))
            }
            Frequency::Monthly => {
                let (year, month) = (position.div_euclid(12), position.rem_euclid(12) + 1);
                let of_month = |day| Civil { year, month, day };
                (of_month(1), of_month(civil::month_length(year, month)))
            }
            Frequency::Weekly => {
                let first = position * 7 + self.week_zero();
                (Civil::from_number(first), Civil::from_number(first + 6))
            }
            _ => return self.look_at_day(position),
        };
        Look::Open(Period { first, last, times })
    }

    /// A day or less: skips to the day, hour, minute and second that the rule takes.
    fn look_at_day(&mut self, position: i64) -> Look {
        let units: &[i64] = match self.frequency {
            Frequency::Hourly => &[1],
            Frequency::Minutely => &[60, 1],
            Frequency::Secondly => &[3600, 60, 1],
            _ => &[],
        };
        let day_size = units.first().map_or(1, |hour| hour * 24);
        let number = position.div_euclid(day_size);
        let day = Civil::from_number(number);
        let days = self.filter.days(day.year, day.month);
        if days & day_bit(day.day) == 0 {
            let later = days & !days_before(day.day);
            let next = if later == 0 {
                number - day.day + civil::month_length(day.year, day.month) + 1
            } else {
                number - day.day + i64::from(later.trailing_zeros()) + 1
            };
            return Look::SkipTo(next * day_size);
        }
        let mut times = self.times;
        let (mut begin, mut size) = (number * day_size, day_size);
        let masks = [&mut times.hours, &mut times.minutes, &mut times.seconds];
        for (mask, unit) in masks.into_iter().zip(units) {
            let value = (position - begin) / unit;
            match at_or_after(*mask, value) {
                Some(found) if found == value => *mask = bit(value),
                Some(found) => return Look::SkipTo(begin + found * unit),
                None => return Look::SkipTo(begin + size),
            }
            (begin, size) = (begin + value * unit, *unit);
        }
        Look::Open(Period {
            first: day,
            last: day,
            times,
        })
    }

    /// The first period of the rule's at or after a number.
    fn aligned(&self, position: i64) -> i64 {
        let beyond = (position - self.anchor).rem_euclid(self.interval);
        if beyond == 0 {
            position
        } else {
            position + self.interval - beyond
        }
    }

    fn open_next_period(&mut self) -> Option<()> {
        while self.position <= self.final_position && self.steps_left > 0 && !self.is_over_budget()
        {
            self.steps_left -= 1;
            self.step(1);
            match self.look(self.position) {
                Look::SkipTo(next) => self.position = self.aligned(next),
                Look::Open(period) => {
                    self.position += self.interval;
                    self.open(period);
                    return Some(());
                }
            }
        }
        None
    }

    fn open(&mut self, mut period: Period) {
        if self.set_positions.is_empty() {
            period.first = period.first.max(Civil::of(self.start.date()));
            self.candidates = Candidates::of(period, &mut self.filter);
        } else {
            self.pick(period);
        }
    }

    /// Picks the set positions among the period's candidates, counting days and times of day instead of listing them.
    fn pick(&mut self, period: Period) {
        let days = Days::within(period.first, period.last, &mut self.filter);
        let times = period.times;
        let times_per_day = times.count();
        let total = days.count(&mut self.filter) * times_per_day;
        let index = |n: &i64| if *n > 0 { n - 1 } else { total + n };
        let mut indices: Vec<i64> = self.set_positions.iter().map(index).collect();
        indices.retain(|index| (0..total).contains(index));
        let last_day = indices
            .iter()
            .max()
            .map_or(0, |index| index / times_per_day);
        self.step(self.set_positions.len() as u64 + last_day.unsigned_abs());
        indices.sort_unstable();
        indices.dedup();
        let mut days = days;
        let (mut passed, mut date) = (-1, None);
        for index in indices {
            while passed < index / times_per_day {
                date = days.next(&mut self.filter).and_then(Civil::date);
                passed += 1;
            }
            let time = times.nth(index % times_per_day);
            self.picked
                .extend(date.zip(time).map(|(date, time)| date.to_datetime(time)));
        }
        self.picked.reverse();
    }

    fn next_candidate(&mut self) -> Option<DateTime> {
        loop {
            let picked = self.picked.pop();
            if let Some(candidate) = picked.or_else(|| self.candidates.next(&mut self.filter)) {
                return Some(candidate);
            }
            self.open_next_period()?;
        }
    }
}

impl Iterator for Instances {
    type Item = DateTime;

    fn next(&mut self) -> Option<DateTime> {
        while self.left > 0 && !self.is_over_budget() {
            self.step(1);
            let Some(candidate) = self.next_candidate().filter(|found| *found <= self.last) else {
                self.left = 0;
                return None;
            };
            if candidate < self.start {
                continue;
            }
            if self.left != u32::MAX {
                self.left -= 1;
            }
            if candidate >= self.from {
                self.steps_left = STEPS_MAX;
                return Some(candidate);
            }
            self.steps_left = self.steps_left.saturating_sub(1);
        }
        None
    }
}

fn whole_second(moment: DateTime) -> DateTime {
    let date = moment.date();
    date.at(moment.hour(), moment.minute(), moment.second(), 0)
}

/// The lowest number of a set that is at least `value`.
fn at_or_after(set: u64, value: i64) -> Option<i64> {
    let later = set & !bit(value).wrapping_sub(1);
    (later != 0).then(|| later.trailing_zeros().into())
}
