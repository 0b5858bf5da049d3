// Which permission each function of the contract asks for. The host has the same table and the last word.

const FREE = { kind: "none" };
const records = (operation) => ({ kind: "records", operation });
const invoices = (operation) => ({ kind: "invoices", operation });
const calendars = (operation) => ({ kind: "calendars", operation });
const documents = { kind: "documents", operation: "read" };
const messages = { kind: "messages" };
const tasks = { kind: "tasks" };

/** By interface and function, as they are named in WIT. */
export const REACH = {
  clock: { now: FREE, today: FREE, "to-local": FREE, "to-instant": FREE },
  random: { number: FREE, bytes: FREE },
  log: { write: FREE },
  schedules: { "add-business-days": FREE, "business-days": FREE },
  state: { get: FREE, put: FREE, remove: FREE, names: FREE },
  records: { get: records("read"), "get-many": records("read"), search: records("read"), count: records("read") },
  "records-write": { create: records("create"), patch: records("update"), remove: records("delete") },
  invoices: {
    get: invoices("read"),
    search: invoices("read"),
    "get-payment": invoices("read"),
    "search-payments": invoices("read"),
  },
  "invoices-write": {
    draft: invoices("draft"),
    issue: invoices("issue"),
    "record-payment": invoices("pay"),
    "reverse-payment": invoices("pay"),
    allocate: invoices("pay"),
    "write-off": invoices("write-off"),
    dun: invoices("dun"),
    credit: invoices("draft"),
    step: invoices("approve"),
  },
  ledger: { aging: invoices("read"), balances: invoices("read") },
  calendars: {
    get: calendars("read"),
    search: calendars("read"),
    occurrences: calendars("read"),
    "free-busy": calendars("read"),
    "find-slots": calendars("read"),
  },
  "calendars-write": { create: calendars("create"), replace: calendars("update"), remove: calendars("delete") },
  documents: { get: documents, search: documents, read: documents },
  messages: { mail: messages, send: messages },
  tasks: { create: tasks, "create-with": tasks, get: tasks, withdraw: tasks },
};

/** Sentences about imports that no permission of the manifest covers. */
export function excesses(imports, manifest) {
  const asked = manifest.permissions.flatMap(needsOf).map(inWords);
  return imports.flatMap((each) => {
    const reach = REACH[each.interface]?.[each.name];
    const shown = `${each.interface}.${each.name}`;
    if (reach === undefined) {
      return [`${shown} is not in the contract`];
    }
    return reach === FREE || asked.includes(inWords(reach)) ? [] : [`${shown} needs the permission "${inWords(reach)}"`];
  });
}

/** What the manifest asks for and no import needs. */
export function unused(imports, manifest) {
  const needed = imports.map((each) => inWords(REACH[each.interface][each.name]));
  const idle = manifest.permissions.flatMap(needsOf).filter((reach) => !needed.includes(inWords(reach)));
  return [...new Map(idle.map((reach) => [inWords(reach), reach])).values()];
}

/** "records: read", "messages". */
export function inWords({ kind, operation }) {
  return operation === undefined ? kind : `${kind}: ${operation}`;
}

function needsOf({ kind, operations }) {
  return operations === undefined ? [{ kind }] : operations.map((operation) => ({ kind, operation }));
}
