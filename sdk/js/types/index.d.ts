// The face of the SDK: how a plugin begins and ends, and what it can catch. Shapes are in nouns.d.ts, functions in host.d.ts.

import type { Actor, Id, Json, Problem, Timestamp, Zone } from "./nouns.js";

export type * from "./nouns.js";
export {
  calendars,
  calendarsWrite,
  clock,
  documents,
  filter,
  invoices,
  invoicesWrite,
  ledger,
  log,
  messages,
  random,
  records,
  recordsWrite,
  schedules,
  state,
  tasks,
} from "./host.js";
export { dates, money, text } from "./values.js";

/** Why the run exists. A plugin gets only the cases that its manifest asks for. */
export type Trigger<Input = Json> =
  | {
      kind: "manual";
      /** Valid under the manifest's schema for manual runs. */
      input: Input;
      /** Rows it was started for, as "collection/id", "invoice/id", "document/id"; often none. */
      subjects: string[];
    }
  | {
      kind: "timer";
      timer: string;
      /** The planned time. */
      scheduled: Timestamp;
      /** Earlier firings that this one stands for. */
      missed: number;
    };

/** Everything the host hands over: who and where, which event, why. The same in preview and live. */
export interface Run<Config = Json, Input = Json> {
  /** Stable name of this run: made from automation and event. */
  id: Id;
  automation: Id;
  department: string;
  legalEntity: Id;
  zone: Zone;
  /** BCP 47, such as "de-AT". */
  locale: string;
  /** The automation's configuration, valid under the manifest's schema. Defaults of the schema are not filled in. */
  config: Config;
  event: { id: Id; source: string; type: string; time: Timestamp; actor: Actor };
  trigger: Trigger<Input>;
}

/** A sentence for people (at most 2000 bytes), and counters for the run list, at most 50. */
export interface Summary {
  text: string;
  counts?: Record<string, number | string>;
}

/** What a component exports under the name `handler`. Its inside is the binding's business. */
export interface Handler {
  readonly run: (...host: never[]) => unknown;
}

/**
 * Makes the handler: `export const handler = plugin({ run(run) { … } });`
 *
 * An error of the host and a PermanentFailure end the run for good, a RetryLater asks for another try. Anything else that
 * is thrown is written into the run's log and traps. Whatever ends a run but a summary, nothing of it is kept.
 */
export function plugin<Config = Json, Input = Json>(definition: {
  run(run: Run<Config, Input>): Summary;
}): Handler;

/** An answer of the host that is no value. Host trouble (storage, deadline, memory) never shows up here: it ends the run. */
export class HostError extends Error {
  /** Of the first problem: stable and open. */
  readonly code: string;
  /** JSON Pointer into the input, or "". */
  readonly pointer: string;
  /** At least one; several for Invalid only. */
  readonly problems: Problem[];
}

/** No such row, or it is outside of what this automation may see. */
export class NotFound extends HostError {}
/** The row changed, the key was used for something else, or the state does not allow the step. */
export class Conflict extends HostError {}
/** No grant for this operation, field or recipient. */
export class Denied extends HostError {}
/** The input breaks a rule; every problem is listed. */
export class Invalid extends HostError {}
/** A countable allowance of this run is used up. */
export class LimitReached extends HostError {}
/** Anything later versions add; treat it like Conflict. */
export class OtherError extends HostError {}

/** Thrown by a plugin: the run ends for good, under a code of the plugin's own. */
export class PermanentFailure extends Error {
  constructor(code: string, message: string, pointer?: string);
  readonly code: string;
  readonly pointer: string;
}

/** Thrown by a plugin: another try with a fresh snapshot, after at least so many seconds, else by the manifest's back-off. */
export class RetryLater extends Error {
  constructor(code: string, message: string, afterSeconds?: number);
  readonly code: string;
  readonly pointer: string;
  readonly afterSeconds: number | undefined;
}
