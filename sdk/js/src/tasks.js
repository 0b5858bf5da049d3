// Asking a person. Needs `tasks` for the role.

import {
  create as hostCreate,
  createWith as hostCreateWith,
  get as hostGet,
  withdraw as hostWithdraw,
} from "bursar:office/tasks@0.1.0";
import { call, callRaw, jsonText, safe } from "./convert.js";

/** Asks, and gives the task's id. The same key gives the same id again; with another task it is a Conflict. */
export function create(key, task) {
  return callRaw(hostCreate, key, taskOf(task));
}

/** As create; `reminders` are instants before `expires`, from which on nobody answers it. */
export function createWith(key, task, { reminders = [], expires = undefined }) {
  const terms = { reminders: reminders.map(safe), expires: expires === undefined ? undefined : safe(expires) };
  return callRaw(hostCreateWith, key, taskOf(task), terms);
}

function taskOf({ assignee, title, text, choices, due = undefined, subjects = [], memo = {} }) {
  return {
    assignee,
    title,
    text,
    choices: choices.map((choice) => ({ needsNote: false, ...choice })),
    due: due === undefined ? undefined : safe(due),
    subjects,
    memo: jsonText(memo),
  };
}

/** An own task: {id, key, title, isClosed, answer, memo}. Closed without an answer means expired or withdrawn. */
export function get(id) {
  return call(hostGet, id);
}

/** Takes an own task back; one that is closed is a Conflict. */
export function withdraw(id, reason) {
  callRaw(hostWithdraw, id, reason);
}
