// Calendar dates as "YYYY-MM-DD" texts, in the proleptic Gregorian calendar. They compare with < and >.

const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
/** Days of an era of 400 years, after which the calendar repeats. */
const ERA_DAYS = 146097;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719468;

/** Year, month (1 to 12) and day of a date; a RangeError if there is no such date. */
export function parts(date) {
  const [, year, month, day] = (DATE.exec(date) ?? []).map(Number);
  if (year === undefined || fromDays(days(year, month, day)) !== date) {
    throw new RangeError(`${JSON.stringify(date)} is no date`);
  }
  return { year, month, day };
}

/** The date so many days later, or earlier for a negative number. */
export function addDays(date, count) {
  return fromDays(toDays(date) + count);
}

/** Days from `start` to `end`: 1 from a date to the next, negative if `end` is before. */
export function daysBetween(start, end) {
  return toDays(end) - toDays(start);
}

/** 1 for Monday to 7 for Sunday. */
export function weekday(date) {
  return ((((toDays(date) + 3) % 7) + 7) % 7) + 1;
}

function toDays(date) {
  const { year, month, day } = parts(date);
  return days(year, month, day);
}

// Years are counted from March, so that the leap day is their last.
function days(year, month, day) {
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * ERA_DAYS + dayOfEra - EPOCH_DAYS;
}

function fromDays(count) {
  const shifted = count + EPOCH_DAYS;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const leapsLess = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36524) + Math.floor(dayOfEra / 146096);
  const yearOfEra = Math.floor((dayOfEra - leapsLess) / 365);
  const dayOfYear = dayOfEra - (yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const padded = (number, width) => String(number).padStart(width, "0");
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
}
