// Lines in the run's log, at most 8 KiB each. `fields` is an object of values that are written as text.

import { write } from "bursar:office/log@0.1.0";

/** For the author of a plugin. */
export const debug = (message, fields) => line("debug", message, fields);
/** What was done. */
export const info = (message, fields) => line("info", message, fields);
/** What somebody should look at. */
export const warn = (message, fields) => line("warn", message, fields);
/** What went wrong. */
export const error = (message, fields) => line("error", message, fields);

function line(level, message, fields = {}) {
  write(level, message, Object.entries(fields).map(([name, value]) => ({ name, value: String(value) })));
}
