// Changing calendars' entries. Needs `calendars: create | update | delete` on the calendar.

import { create as hostCreate, remove as hostRemove, replace as hostReplace } from "bursar:office/calendars-write@0.1.0";
import { call, callRaw } from "./convert.js";

/** Adds an entry. The same key gives the same entry again; with other content it is a Conflict. */
export function create(calendar, key, content) {
  return call(hostCreate, calendar, key, contentOf(content));
}

/** Replaces all that its author decided; an entry of another revision is a Conflict. */
export function replace(calendar, id, expected, content) {
  return call(hostReplace, calendar, id, expected, contentOf(content));
}

/** Takes an entry out, with all its occurrences; one of another revision is a Conflict. */
export function remove(calendar, id, expected) {
  callRaw(hostRemove, calendar, id, expected);
}

function contentOf({ added = [], overrides = [], ...content }) {
  return {
    uid: "",
    notes: "",
    attendees: [],
    isOpaque: undefined,
    rules: [],
    excluded: [],
    extra: {},
    ...content,
    added: added.map((each) => ({ length: undefined, ...each })),
    overrides: overrides.map((each) => ({ moved: undefined, ...each })),
  };
}
