// A word for each function of the contract, and for the comforts of the SDK that page, read or reckon.

import { calendars, calendarsWrite, clock, documents, filter, invoices, invoicesWrite, ledger, log, messages, money, random, records, recordsWrite, schedules, state, tasks } from "@bursar/sdk";
import type { Condition, Money, Order, Page, Query } from "@bursar/sdk";
import type { Call } from "./main.js";
import { own } from "./shapes.js";

/** By the contract's words; arguments are those of its functions, in snake case. */
export const CALLS: Record<string, (call: Call) => unknown> = {
  "clock.now": () => clock.now(),
  "clock.today": () => clock.today(),
  "clock.to-local": ({ at, zone }) => clock.toLocal(at, zone),
  "clock.to-instant": ({ local, zone }) => clock.toInstant(local, zone),
  "random.bytes": ({ length }) => random.bytes(length),
  "log.write": ({ level, message, fields }) => log[level as "debug" | "info" | "warn" | "error"](message, fields),

  "records.get": ({ collection, id }) => records.get(collection, id),
  "records.get-many": ({ collection, ids }) => records.getMany(collection, ids),
  "records.search": (call) => records.search(call.collection, query(call), page(call)),
  "records.count": (call) => records.count(call.collection, query(call), call.at_most),
  "records.all": (call) => ends(records.all(call.collection, query(call))),
  "records-write.create": ({ collection, key, body }) => recordsWrite.create(collection, key, body),
  "records-write.patch": ({ collection, id, merge, expected }) => recordsWrite.patch(collection, id, merge, expected),
  "records-write.remove": ({ collection, id, expected }) => recordsWrite.remove(collection, id, expected),

  "invoices.get": ({ id }) => invoices.get(id),
  "invoices.search": (call) => invoices.search(query(call), page(call)),
  "invoices.get-payment": ({ id }) => invoices.getPayment(id),
  "invoices.search-payments": (call) => invoices.searchPayments(query(call), page(call)),
  "invoices.all": (call) => ends(invoices.all(query(call))),
  "invoices.all-payments": (call) => ends(invoices.allPayments(query(call))),
  "invoices-write.draft": ({ key, content }) => invoicesWrite.draft(key, own(content)),
  "invoices-write.issue": ({ id, expected, series, issue_date }) => invoicesWrite.issue(id, expected, { series, issueDate: issue_date }),
  "invoices-write.record-payment": ({ key, payment }) => invoicesWrite.recordPayment(key, withAmount(own(payment))),
  "invoices-write.reverse-payment": ({ key, payment, value_date, reason }) => invoicesWrite.reversePayment(key, payment, value_date, reason),
  "invoices-write.allocate": ({ key, source, allocations }) => invoicesWrite.allocate(key, source, own(allocations).map(withAmount)),
  "invoices-write.write-off": ({ key, invoice, amount, reason }) => invoicesWrite.writeOff(key, invoice, money.parse(amount), reason),
  "invoices-write.dun": ({ invoice, level }) => invoicesWrite.dun(invoice, level),

  "invoices-write.credit": ({ key, invoice, lines }) => invoicesWrite.credit(key, invoice, lines),
  "invoices-write.step": ({ id, expected, next }) => invoicesWrite.step(id, expected, next),

  "ledger.aging": ({ accounts, buckets }) => ledger.aging(own(accounts), buckets),
  "ledger.balances": (call) => ledger.balances(own(call.accounts), page(call)),
  "ledger.all-balances": ({ accounts }) => parties(ledger.allBalances(own(accounts))),

  "calendars.get": ({ calendar, id }) => calendars.get(calendar, id),
  "calendars.search": (call) => calendars.search(call.calendar, call.window, page(call)),
  "calendars.all": ({ calendar, window }) => ends(calendars.all(calendar, window)),
  "calendars.occurrences": (call) => calendars.occurrences(call.calendars, call.window),
  "calendars.free-busy": ({ whose, window }) => calendars.freeBusy(whose, window),
  "calendars.find-slots": ({ search }) => calendars.findSlots(own(search)),
  "calendars-write.create": ({ calendar, key, content }) => calendarsWrite.create(calendar, key, own(content)),
  "calendars-write.replace": ({ calendar, id, expected, content }) => calendarsWrite.replace(calendar, id, expected, own(content)),
  "calendars-write.remove": ({ calendar, id, expected }) => calendarsWrite.remove(calendar, id, expected),

  "documents.get": ({ id }) => documents.get(id),
  "documents.search": (call) => documents.search(call.folder, call.name_prefix, page(call)),
  "documents.read": ({ id, offset, length }) => documents.read(id, offset, length),
  "documents.read-all": ({ id }) => documents.readText(id),
  "documents.all": ({ folder, name_prefix }) => ends(documents.all(folder, name_prefix)),

  "messages.mail": ({ key, mail }) => messages.mail(key, own(mail)),
  "messages.send": ({ key, letter }) => messages.send(key, own(letter)),
  "tasks.create": ({ key, task }) => tasks.create(key, own(task)),
  "tasks.create-with": ({ key, task, terms }) => tasks.createWith(key, own(task), terms),
  "tasks.get": ({ id }) => tasks.get(id),
  "tasks.withdraw": ({ id, reason }) => tasks.withdraw(id, reason),

  "state.get": ({ name }) => state.get(name),
  "state.put": ({ name, value }) => state.put(name, value),
  "state.remove": ({ name }) => state.remove(name),
  "state.names": ({ prefix }) => state.names(prefix),

  "schedules.add-business-days": ({ calendar, date, days }) => schedules.addBusinessDays(calendar, date, days),
  "schedules.business-days": ({ calendar, start, end }) => schedules.businessDays(calendar, start, end),

  "money.parse": ({ left }) => amount(() => money.parse(left)),
  "money.add": ({ left, right }) => amount(() => money.add(money.parse(left), money.parse(right))),
  "money.subtract": ({ left, right }) => amount(() => money.subtract(money.parse(left), money.parse(right))),
};

function withAmount<T extends { amount: string }>(value: T): T & { amount: Money } {
  return { ...value, amount: money.parse(value.amount) } as T & { amount: Money };
}

/** Null is "there is no such amount": mixed currencies, or what is no amount. */
function amount(reckoned: () => Money): string | null {
  try {
    return money.toText(reckoned());
  } catch (error) {
    if (error instanceof RangeError) {
      return null;
    }
    throw error;
  }
}

function page({ limit, after }: Call): Page {
  return { limit, after };
}

function query({ conditions = [], order = [] }: Call): Query {
  return { conditions: conditions.map(condition), order: order.map(orderOf) };
}

function condition({ field, comparison, values = [] }: Call): Condition {
  switch (comparison) {
    case "equal":
      return filter.equal(field, values[0]);
    case "not-equal":
      return filter.notEqual(field, values[0]);
    case "less":
      return filter.less(field, values[0]);
    case "less-or-equal":
      return filter.lessOrEqual(field, values[0]);
    case "greater":
      return filter.greater(field, values[0]);
    case "greater-or-equal":
      return filter.greaterOrEqual(field, values[0]);
    case "one-of":
      return filter.oneOf(field, values);
    case "starts-with":
      return filter.startsWith(field, values[0]);
    case "missing":
      return filter.missing(field);
    case "present":
      return filter.present(field);
    default:
      throw new RangeError(`${comparison} is no comparison`);
  }
}

function orderOf({ field, direction }: Call): Order {
  return direction === "descending" ? filter.descending(field) : filter.ascending(field);
}

/** As `ends`, by the parties. */
function parties(all: Iterable<{ party: string | undefined }>): ReturnType<typeof ends> {
  return ends(Array.from(all, ({ party }) => ({ id: party ?? "" })));
}

/** A whole listing, which may be long: how many rows it has, the first and the last. */
function ends(all: Iterable<{ id: string }>): { rows: number; first?: string; last?: string } {
  const ids = Array.from(all, ({ id }) => id);
  const [first, last] = [ids[0], ids[ids.length - 1]];
  return first === undefined || last === undefined ? { rows: 0 } : { rows: ids.length, first, last };
}
