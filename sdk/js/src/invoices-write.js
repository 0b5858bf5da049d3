// Changing invoices and payments. Each function names its permission, granted per flow.

import {
  allocate as hostAllocate,
  credit as hostCredit,
  draft as hostDraft,
  dun as hostDun,
  issue as hostIssue,
  recordPayment as hostRecordPayment,
  reversePayment as hostReversePayment,
  step as hostStep,
  writeOff as hostWriteOff,
} from "bursar:office/invoices-write@0.1.0";
import { call } from "./convert.js";

/** `invoices: draft`. Writes a draft (receivable) or takes in a supplier's invoice (payable). */
export function draft(key, content) {
  const line = (each) => ({ adjustments: [], extra: {}, ...each });
  return call(hostDraft, key, { adjustments: [], extra: {}, ...content, lines: content.lines.map(line) });
}

/**
 * `invoices: draft` and `read`. Drafts the credit note of an invoice: of lines ({line, quantity}, counted from 1), or, if `lines` is left
 * out, of the whole document. An empty list is Invalid.
 */
export function credit(key, invoice, lines) {
  return call(hostCredit, key, invoice, lines);
}

/** `invoices: issue`. Number and, without `issueDate`, the date are assigned at commit. */
export function issue(id, expected, { series, issueDate } = {}) {
  return call(hostIssue, id, expected, series, issueDate);
}

/** `invoices: pay`. */
export function recordPayment(key, payment) {
  return call(hostRecordPayment, key, { extra: {}, ...payment });
}

/** `invoices: pay`. Takes back a payment with all its allocations, by a new row. */
export function reversePayment(key, payment, valueDate, reason) {
  return call(hostReversePayment, key, payment, valueDate, reason);
}

/** `invoices: pay`. Allocates a payment or credit note to 1 to 1000 invoices: all of it or nothing. */
export function allocate(key, source, allocations) {
  return call(hostAllocate, key, source, allocations);
}

/** `invoices: write-off`. Closes a rest that will not come; at most what is outstanding. */
export function writeOff(key, invoice, amount, reason) {
  return call(hostWriteOff, key, invoice, amount, reason);
}

/** `invoices: dun`. Records a dunning level (1 to 9); one that is recorded already is a Conflict, for ever. */
export function dun(invoice, level) {
  return call(hostDun, invoice, level);
}

/** `invoices: approve`. Takes a payable's next step; one that does not follow is a Conflict. */
export function step(id, expected, next) {
  return call(hostStep, id, expected, next);
}
