// `${name/pointer}` in a case's texts: what an earlier call answered, or what the seed's row is called.

import { PermanentFailure } from "@bursar/sdk";
import type { Known } from "./main.js";

const REFERENCE = /\$\{([^}]*)\}/g;
const ONE_REFERENCE = /^\$\{([^}]*)\}$/;

/** A value with every reference replaced. A text that is one reference becomes the value itself. */
export function resolved(value: unknown, known: Known): unknown {
  if (typeof value === "string") {
    const whole = ONE_REFERENCE.exec(value)?.[1];
    return whole === undefined ? value.replace(REFERENCE, (_, path) => textOf(at(path, known))) : at(whole, known);
  }
  if (Array.isArray(value)) {
    return value.map((item) => resolved(item, known));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  // What is repeated has a place of its own: it is resolved each time.
  const members = Object.entries(value).map(([name, member]) => [name, name === "repeated" ? member : resolved(member, known)]);
  return Object.fromEntries(members);
}

function at(path: string, known: Known): unknown {
  let value: unknown = known;
  for (const step of path.split("/")) {
    value = (value as Record<string, unknown> | undefined)?.[step];
  }
  if (value === undefined) {
    throw new PermanentFailure("case-malformed", `nothing is known as ${JSON.stringify(path)}`);
  }
  return value;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
