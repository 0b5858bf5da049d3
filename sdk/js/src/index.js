// The contract in `wit/` as plain JavaScript. What a plugin does not use leaves no import in its component.

export * as calendars from "./calendars.js";
export * as calendarsWrite from "./calendars-write.js";
export * as clock from "./clock.js";
export * as dates from "./dates.js";
export * as documents from "./documents.js";
export * as filter from "./filter.js";
export * as invoices from "./invoices.js";
export * as invoicesWrite from "./invoices-write.js";
export * as ledger from "./ledger.js";
export * as log from "./log.js";
export * as messages from "./messages.js";
export * as money from "./money.js";
export * as random from "./random.js";
export * as records from "./records.js";
export * as recordsWrite from "./records-write.js";
export * as schedules from "./schedules.js";
export * as state from "./state.js";
export * as tasks from "./tasks.js";
export * as text from "./text.js";
export {
  Conflict,
  Denied,
  HostError,
  Invalid,
  LimitReached,
  NotFound,
  OtherError,
  PermanentFailure,
  RetryLater,
} from "./errors.js";
export { plugin } from "./plugin.js";
