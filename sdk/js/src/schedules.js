// Business days, by the organisation's calendars. Needs no permission. An unknown calendar is NotFound.

import { addBusinessDays as hostAdd, businessDays as hostBusinessDays } from "bursar:office/schedules@0.1.0";
import { callRaw } from "./convert.js";

/** The nth open day after (n > 0) or before (n < 0) a date; for 0 the date itself if open, else the next open one. */
export function addBusinessDays(calendar, date, days) {
  return callRaw(hostAdd, calendar, date, days);
}

/** Open days from `start`, included, to `end`, excluded; at most 4000 days apart. */
export function businessDays(calendar, start, end) {
  return callRaw(hostBusinessDays, calendar, { start, end });
}

/** Whether a date is an open day. */
export function isOpen(calendar, date) {
  return addBusinessDays(calendar, date, 0) === date;
}
