// Makes the calls of a conformance case through the JavaScript SDK, and logs what each answers.
//
// Knows no case: calls and their arguments come with the run's input, or for a timer with the configuration. `calls` has a
// word for each function, `shapes` turns names and amounts into the words that all languages share, and back.

import { Conflict, Denied, HostError, Invalid, LimitReached, NotFound, PermanentFailure, RetryLater, log, plugin, random } from "@bursar/sdk";
import type { Run, Summary } from "@bursar/sdk";
import { CALLS } from "./calls.js";
import { resolved } from "./references.js";
import { shared } from "./shapes.js";

/** A call as the case has it, or what its references have become. */
export type Call = Record<string, any>;
export type Known = Record<string, unknown>;

interface Script {
  known?: Known;
  calls: Call[];
}

export const handler = plugin<Script, Script>({
  run(run) {
    const script = run.trigger.kind === "manual" ? run.trigger.input : run.config;
    const known: Known = { ...script.known };
    for (const unresolved of script.calls) {
      const call = resolved(unresolved, known) as Call;
      if (call.call.startsWith("end.")) {
        return endOfRun(call);
      }
      const answer = answerOf(run, call, known) ?? null;
      const name = call.as ?? call.call;
      log.info(name, { answer: JSON.stringify(answer) });
      known[name] = answer;
    }
    return { text: "all calls were made", counts: { calls: script.calls.length } };
  },
});

function answerOf(run: Run<Script, Script>, call: Call, known: Known): unknown {
  try {
    return made(run, call, known);
  } catch (error) {
    if (error instanceof HostError && call.uncaught === undefined) {
      return errorOf(error);
    }
    throw error;
  }
}

function made(run: Run<Script, Script>, call: Call, known: Known): unknown {
  switch (call.call) {
    case "context":
      return contextOf(run);
    case "many":
      return many(run, call, known);
    case "random.number":
      // Languages hold different parts of a 64-bit number exactly; what all of them can say is whether it is another one.
      return { is_another: random.number() !== random.number() };
    default: {
      const make = CALLS[call.call];
      if (make === undefined) {
        throw new PermanentFailure("case-malformed", `no function is called ${JSON.stringify(call.call)}`);
      }
      return shared(make(call));
    }
  }
}

/** The same call again and again, until the host refuses one; `${place}` in it counts. */
function many(run: Run<Script, Script>, call: Call, known: Known): unknown {
  let last: unknown = null;
  for (let place = 0; place < call.times; place += 1) {
    const each = resolved(call.repeated, { ...known, place: String(place) }) as Call;
    last = made(run, each, known);
  }
  return last;
}

function contextOf(run: Run<Script, Script>): unknown {
  const { id, automation, department, legalEntity, zone, locale, event, trigger } = run;
  const { kind, ...rest } = trigger;
  const { input: _, ...facts } = rest as { input?: unknown };
  return { run: id, automation, department, legal_entity: legalEntity, zone, locale, event, trigger: { kind, ...facts } };
}

function endOfRun(call: Call): Summary {
  switch (call.call) {
    case "end.summary":
      return { text: call.text, counts: call.counts ?? {} };
    case "end.retry":
      throw new RetryLater(call.code, call.message, call.after_seconds);
    case "end.permanent":
      throw new PermanentFailure(call.code, call.message, call.pointer ?? "");
    case "end.fault":
      throw new TypeError("a fault of the program");
    default:
      throw new PermanentFailure("case-malformed", `a run does not end with ${JSON.stringify(call.call)}`);
  }
}

function errorOf(error: HostError): unknown {
  const classes = [
    [NotFound, "not-found"],
    [Conflict, "conflict"],
    [Denied, "denied"],
    [Invalid, "invalid"],
    [LimitReached, "limit"],
  ] as const;
  const found = classes.find(([type]) => error instanceof type);
  return { error: found?.[1] ?? "other", problems: error.problems };
}
