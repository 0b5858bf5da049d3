// The run's time: it stands still during a run. A timestamp is a number of microseconds since 1970 (UTC).

import { now as hostNow, toInstant as hostToInstant, toLocal as hostToLocal, today as hostToday } from "bursar:office/clock@0.1.0";
import { callRaw, safe } from "./convert.js";

/** The run's instant, in microseconds. */
export function now() {
  return hostNow();
}

/** Business date in the zone of the automation's legal entity. */
export function today() {
  return hostToday();
}

/** Wall time "YYYY-MM-DDTHH:MM:SS" of an instant; an unknown zone is Invalid. */
export function toLocal(at, zone) {
  return callRaw(hostToLocal, safe(at), zone);
}

/** Instant of a wall time, in microseconds; a gap uses the offset before it, a fold the first. */
export function toInstant(local, zone) {
  return callRaw(hostToInstant, local, zone);
}
