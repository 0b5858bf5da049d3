// Changing rows of collections. Needs `records: create | update | delete`.

import { create as hostCreate, patch as hostPatch, remove as hostRemove } from "bursar:office/records-write@0.1.0";
import { call, callRaw, plain } from "./convert.js";

/** Adds a row. The same key gives the same row again, also in later runs; with another body it is a Conflict. */
export function create(collection, key, body) {
  return plain(callRaw(hostCreate, collection, key, JSON.stringify(body)));
}

/** RFC 7386 merge patch; null removes a member. With `expected`, a row of another revision is a Conflict. */
export function patch(collection, id, merge, expected = undefined) {
  return plain(callRaw(hostPatch, collection, id, expected, JSON.stringify(merge)));
}

/** Deletes a row; one that is still referred to is a Conflict. */
export function remove(collection, id, expected = undefined) {
  call(hostRemove, collection, id, expected);
}
