// Random from the run's seed: the same when the run is executed again. Not for secrets.

import { bytes as hostBytes, number as hostNumber } from "bursar:office/random@0.1.0";

/** An integer from 0 to 2^53 - 1. */
export function number() {
  // 64 bits, rounded by the binding to the 53 that a number holds.
  return Math.min(Math.floor(hostNumber() / 2048), Number.MAX_SAFE_INTEGER);
}

/** At most 4096 bytes; more is cut. */
export function bytes(length) {
  return Uint8Array.from(hostBytes(length));
}
