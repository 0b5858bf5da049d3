// Which invoices were reminded of lately, kept in the automation's state under "reminded/DATE/RUN".
//
// This only keeps reminders apart. That none is sent twice is the work of effect keys and dunning levels, which nothing
// takes back.

import { dates, state } from "@bursar/sdk";
import type { CalendarDate, Id } from "@bursar/sdk";

const PREFIX = "reminded/";

/** Invoices reminded of less than `days` days ago. Older notes are removed. */
export function recentlyReminded(today: CalendarDate, days: number): Set<Id> {
  const recent = new Set<Id>();
  for (const name of state.names(PREFIX)) {
    const date = name.slice(PREFIX.length).split("/")[0] as CalendarDate;
    if (dates.daysBetween(date, today) >= days) {
      state.remove(name);
    } else {
      (state.get<Id[]>(name) ?? []).forEach((id) => recent.add(id));
    }
  }
  return recent;
}

/** Notes what this run reminded of. */
export function noteReminded(today: CalendarDate, run: Id, invoices: Id[]): void {
  if (invoices.length > 0) {
    state.put(`${PREFIX}${today}/${run}`, invoices);
  }
}
