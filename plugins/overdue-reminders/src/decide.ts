// Whether an overdue invoice is to be reminded of, and at which level. Pure: facts in, decision out.

import { dates, money } from "@bursar/sdk";
import type { CalendarDate, InvoiceHead } from "@bursar/sdk";
import type { Settings } from "./config.js";

/** Why nothing is sent. The words are the counters of a run's summary. */
export type Reason = "not_yet" | "done" | "too_soon" | "stopped" | "small_rest";

export type Decision = { remind: true; level: number; daysOverdue: number } | { remind: false; reason: Reason };

export interface Facts {
  head: InvoiceHead;
  today: CalendarDate;
  /** The customer's key, besides its id. */
  partyKey: string | undefined;
  /** Reminded of within the configured days between two levels. */
  isRecent: boolean;
}

/** Levels come one after the other, whatever the age of the invoice. */
export function decide({ head, today, partyKey, isRecent }: Facts, settings: Settings): Decision {
  const level = head.dunningLevel + 1;
  const step = settings.levels[level - 1];
  const daysOverdue = head.dueDate === undefined ? 0 : dates.daysBetween(head.dueDate, today);
  if (isStopped(head, partyKey, settings)) {
    return { remind: false, reason: "stopped" };
  }
  if (step === undefined) {
    return { remind: false, reason: "done" };
  }
  if (daysOverdue < step.days_overdue) {
    return { remind: false, reason: "not_yet" };
  }
  if (isSmall(head, settings)) {
    return { remind: false, reason: "small_rest" };
  }
  return isRecent ? { remind: false, reason: "too_soon" } : { remind: true, level, daysOverdue };
}

function isStopped(head: InvoiceHead, partyKey: string | undefined, settings: Settings): boolean {
  const byInvoice = head.number !== undefined && settings.stopped_invoices.includes(head.number);
  const isNamed = (name: string | undefined) => name !== undefined && settings.stopped_customers.includes(name);
  return byInvoice || isNamed(head.party) || isNamed(partyKey);
}

function isSmall({ outstanding }: InvoiceHead, settings: Settings): boolean {
  const least = settings.smallest_rest[outstanding.currency];
  return least !== undefined && money.compare(outstanding, money.of(least, outstanding.currency)) < 0;
}
