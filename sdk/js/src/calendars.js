// Reading calendars. Needs `calendars: read` on each calendar that is asked for.

import {
  findSlots as hostFindSlots,
  freeBusy as hostFreeBusy,
  get as hostGet,
  occurrences as hostOccurrences,
  search as hostSearch,
} from "bursar:office/calendars@0.1.0";
import { call, safe } from "./convert.js";
import { pages } from "./paging.js";

/** An entry: {id, calendar, revision, created, updated, content}. */
export function get(calendar, id) {
  return call(hostGet, calendar, id);
}

/** One page of entries by id: {items, next}; with a window, those that may happen in it. */
export function search(calendar, window, page) {
  return call(hostSearch, calendar, window && windowOf(window), { limit: page.limit, after: page.after });
}

/** All entries of a calendar, or those that may happen in a window, page by page. */
export function all(calendar, window = undefined) {
  return pages((page) => search(calendar, window, page));
}

/** Every occurrence of 1 to 50 calendars that begins in the window or lasts into it, by start. */
export function occurrences(calendars, window) {
  return call(hostOccurrences, calendars, windowOf(window));
}

/** Windows of busy time within a window: merged, rising, and not a word about by what. */
export function freeBusy({ calendars, person = undefined }, window) {
  return call(hostFreeBusy, { calendars, person }, windowOf(window));
}

/** The first slots in which everybody is free and at work. */
export function findSlots({ window, length, buffer = undefined, attendees, atMost }) {
  return call(hostFindSlots, { window: windowOf(window), length, buffer, attendees: attendees.map(attendeeOf), atMost });
}

function attendeeOf({ busy: { calendars, person = undefined }, hours = undefined }) {
  return { busy: { calendars, person }, hours: hours && { businessCalendar: undefined, ...hours } };
}

function windowOf({ start, end }) {
  return { start: safe(start), end: safe(end) };
}
