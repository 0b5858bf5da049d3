// Reminds customers of overdue invoices: reads the books, decides per invoice, sends.

import { clock, dates, filter, invoices, plugin, records, schedules } from "@bursar/sdk";
import type { CalendarDate, Id, InvoiceHead, Run, Summary } from "@bursar/sdk";
import { settingsOf } from "./config.js";
import type { Config, Settings } from "./config.js";
import { decide } from "./decide.js";
import type { Reason } from "./decide.js";
import { letterFor } from "./letter.js";
import { noteReminded, recentlyReminded } from "./pace.js";
import { send } from "./send.js";
import type { Fate } from "./send.js";

const PARTIES = "parties";
/** Most ids of one look-up. */
const PARTIES_PER_CALL_MAX = 1000;

interface Party {
  key?: string;
  language?: string;
  email?: string;
}

type Count = Fate | Reason | "left";

export const handler = plugin<Config>({ run });

function run(run: Run<Config>): Summary {
  const settings = settingsOf(run.config);
  const today = clock.today();
  if (!schedules.isOpen(settings.calendar, today)) {
    return { text: `${today} is no business day: nothing was sent.`, counts: { mailed: 0 } };
  }
  const overdue = overdueInvoices(run.legalEntity, today, settings);
  const parties = partiesOf(overdue);
  const recent = recentlyReminded(today, settings.days_between_levels);
  const counts = new Map<Count, number>([["mailed", 0], ["asked", 0]]);
  const reminded: Id[] = [];
  for (const head of overdue) {
    const outcome = deal(head, parties.get(head.party), run, {
      settings,
      today,
      isRecent: recent.has(head.id),
      isFull: (counts.get("mailed") ?? 0) >= settings.mails_per_run_max,
    });
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    if (outcome === "mailed" || outcome === "posted") {
      reminded.push(head.id);
    }
  }
  noteReminded(today, run.id, reminded);
  return summaryOf(counts);
}

interface Day {
  settings: Settings;
  today: CalendarDate;
  isRecent: boolean;
  isFull: boolean;
}

function deal(head: InvoiceHead, party: Party | undefined, run: Run<Config>, day: Day): Count {
  const { settings, today, isRecent } = day;
  const decision = decide({ head, today, partyKey: party?.key, isRecent }, settings);
  if (!decision.remind) {
    return decision.reason;
  }
  if (isBlocked(head.id)) {
    return "stopped";
  }
  if (day.isFull) {
    return "left";
  }
  const { level, daysOverdue } = decision;
  const language = party?.language ?? run.locale;
  const words = letterFor({ head, level, daysOverdue, today, language }, settings);
  return send({ head, level, address: party?.email, mail: { ...words, replyTo: settings.reply_to } });
}

/** Open receivables that have reached the first level's days, oldest first. */
function overdueInvoices(legalEntity: Id, today: CalendarDate, settings: Settings): InvoiceHead[] {
  const dueUntil = dates.addDays(today, -(settings.levels[0]?.days_overdue ?? 1));
  const conditions = [
    filter.equal("flow", "receivable"),
    filter.equal("legal-entity", legalEntity),
    filter.equal("state", "issued"),
    filter.oneOf("kind", ["invoice", "corrective", "prepayment"]),
    filter.greater("outstanding", 0),
    filter.lessOrEqual("due-date", dueUntil),
  ];
  return [...invoices.all({ conditions, order: [filter.ascending("due-date")] })];
}

function partiesOf(heads: InvoiceHead[]): Map<Id, Party> {
  const ids = [...new Set(heads.map((head) => head.party))];
  const parties = new Map<Id, Party>();
  for (let start = 0; start < ids.length; start += PARTIES_PER_CALL_MAX) {
    for (const row of records.getMany<Party>(PARTIES, ids.slice(start, start + PARTIES_PER_CALL_MAX))) {
      parties.set(row.id, row.body);
    }
  }
  return parties;
}

/** Whether the invoice's author wrote "dunning_block": true into its further terms. */
function isBlocked(id: Id): boolean {
  const { extra } = invoices.get(id).content;
  return typeof extra === "object" && extra !== null && !Array.isArray(extra) && extra["dunning_block"] === true;
}

function summaryOf(counts: Map<Count, number>): Summary {
  const of = (count: Count) => counts.get(count) ?? 0;
  const parts = [`${of("mailed")} reminders were sent by mail`, `${of("asked")} wait for a person to send them`];
  if (of("left") > 0) {
    parts.push(`${of("left")} are left for the next run`);
  }
  return { text: `${parts.join(", ")}.`, counts: Object.fromEntries(counts) };
}
