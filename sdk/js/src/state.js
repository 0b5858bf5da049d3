// The automation's own values under names, part of the run's commit. Not for "did I do this already": use keys for that.

import { get as hostGet, names as hostNames, put as hostPut, remove as hostRemove } from "bursar:office/state@0.1.0";
import { callRaw } from "./convert.js";

/** The value under a name, or undefined. */
export function get(name) {
  const text = callRaw(hostGet, name);
  return text === undefined || text === null ? undefined : JSON.parse(text);
}

/** Keeps a JSON value of at most 64 KiB under a name; at most 1000 names. */
export function put(name, value) {
  callRaw(hostPut, name, JSON.stringify(value));
}

/** Removing what is absent is no error. */
export function remove(name) {
  callRaw(hostRemove, name);
}

/** All names with a prefix, by bytes. */
export function names(prefix = "") {
  return callRaw(hostNames, prefix);
}
