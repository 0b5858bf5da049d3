// Conditions and orders in a few letters. Builds values only; which fields exist is the host's to say.

import { toMinor } from "./money.js";

/** Present and equal to the value. */
export const equal = (field, value) => condition(field, "equal", [value]);
/** Present and not equal to the value. */
export const notEqual = (field, value) => condition(field, "not-equal", [value]);
/** Below the value. */
export const less = (field, value) => condition(field, "less", [value]);
/** At most the value. */
export const lessOrEqual = (field, value) => condition(field, "less-or-equal", [value]);
/** Above the value. */
export const greater = (field, value) => condition(field, "greater", [value]);
/** At least the value. */
export const greaterOrEqual = (field, value) => condition(field, "greater-or-equal", [value]);
/** Equal to one of 1 to 200 values. */
export const oneOf = (field, values) => condition(field, "one-of", values);
/** Text that begins with the value. */
export const startsWith = (field, value) => condition(field, "starts-with", [value]);
/** Absent or null. */
export const missing = (field) => condition(field, "missing", []);
/** Neither absent nor null. */
export const present = (field) => condition(field, "present", []);
/** Smallest first. */
export const ascending = (field) => ({ field, direction: "ascending" });
/** Largest first. */
export const descending = (field) => ({ field, direction: "descending" });

function condition(field, comparison, values) {
  return { field, comparison, values: values.map(scalar) };
}

// An amount is compared by its minor units.
function scalar(value) {
  return typeof value === "object" && value !== null ? toMinor(value).toString() : JSON.stringify(value);
}
