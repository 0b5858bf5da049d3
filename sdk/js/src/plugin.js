// The way in from the host's call, and the way out: a summary or a failure.

import { write } from "bursar:office/log@0.1.0";
import { plain } from "./convert.js";
import { failureOf } from "./errors.js";

/**
 * Makes the component's `handler` of {run(run)}.
 *
 * An error of the host and a PermanentFailure end the run for good, a RetryLater asks for another try. Everything else that
 * is thrown is a fault of the program: it goes into the run's log and traps.
 */
export function plugin({ run }) {
  return {
    run(context, event, trigger) {
      try {
        return summaryOf(run(runOf(context, event, trigger)));
      } catch (error) {
        const failure = failureOf(error);
        if (failure === undefined) {
          write("error", `${error?.name}: ${error?.message}\n${error?.stack ?? ""}`, []);
          throw error;
        }
        throw failure;
      }
    },
  };
}

function runOf(context, event, trigger) {
  const { run, config, ...where } = plain(context);
  return { ...where, id: run, config: JSON.parse(config), event: plain(event), trigger: triggerOf(trigger) };
}

function triggerOf({ tag, val }) {
  const { input, ...rest } = plain(val);
  return input === undefined ? { kind: tag, ...rest } : { kind: tag, input: JSON.parse(input), ...rest };
}

function summaryOf({ text, counts = {} }) {
  return { text, counts: Object.entries(counts).map(([name, value]) => ({ name, value: String(value) })) };
}
