// The host's functions, by interface. Each may throw the error classes of the index; who is granted what is in plugin.toml.

import type {
  Accounts,
  Aged,
  Balance,
  CalendarDate,
  Condition,
  Decimal,
  Document,
  Entry,
  Id,
  Invoice,
  InvoiceHead,
  InvoiceState,
  Json,
  Key,
  Listing,
  Money,
  NewEntry,
  NewInvoice,
  NewLetter,
  NewMail,
  NewPayment,
  NewTask,
  Occurrence,
  Order,
  Page,
  Payment,
  Query,
  Revision,
  Row,
  SlotSearch,
  Task,
  TaskTerms,
  Timestamp,
  Whose,
  Window,
  Zone,
} from "./nouns.js";

/** Conditions and orders. An amount is compared by its minor units, together with `currency`. */
export namespace filter {
  type Value = string | number | boolean | Money;
  function equal(field: string, value: Value): Condition;
  function notEqual(field: string, value: Value): Condition;
  function less(field: string, value: Value): Condition;
  function lessOrEqual(field: string, value: Value): Condition;
  function greater(field: string, value: Value): Condition;
  function greaterOrEqual(field: string, value: Value): Condition;
  /** Equal to one of 1 to 200 values. */
  function oneOf(field: string, values: Value[]): Condition;
  function startsWith(field: string, value: string): Condition;
  /** Absent or null. */
  function missing(field: string): Condition;
  /** Neither absent nor null. */
  function present(field: string): Condition;
  function ascending(field: string): Order;
  function descending(field: string): Order;
}

/** Reading rows of collections. Needs `records: read`. */
export namespace records {
  function get<Body>(collection: string, id: Id): Row<Body>;
  /** At most 1000 ids; answers in the order asked, leaving out what is not found. */
  function getMany<Body>(collection: string, ids: Id[]): Row<Body>[];
  function search<Body>(collection: string, query: Query, page: Page): Listing<Row<Body>>;
  /** All rows, page by page while they are taken. */
  function all<Body>(collection: string, query?: Query): Iterable<Row<Body>>;
  /** Counted up to `atMost` (1 to 100000). */
  function count(collection: string, query: Query, atMost: number): number;
}

/** Changing rows of collections. Needs `records: create | update | delete`. */
export namespace recordsWrite {
  function create<Body>(collection: string, key: Key, body: Body): Row<Body>;
  /** RFC 7386 merge patch; without `expected` the last write wins. */
  function patch<Body>(collection: string, id: Id, merge: Json, expected?: Revision): Row<Body>;
  function remove(collection: string, id: Id, expected?: Revision): void;
}

/** Reading invoices and payments. Needs `invoices: read` for the flow. */
export namespace invoices {
  function get(id: Id): Invoice;
  /** Fields: flow kind state party currency issue-date due-date outstanding number reference legal-entity. */
  function search(query: Query, page: Page): Listing<InvoiceHead>;
  /** All invoices, page by page while they are taken. */
  function all(query?: Query): Iterable<InvoiceHead>;
  function getPayment(id: Id): Payment;
  /** Fields: flow party amount currency value-date bank-reference bank-account unallocated. */
  function searchPayments(query: Query, page: Page): Listing<Payment>;
  function allPayments(query?: Query): Iterable<Payment>;
}

/** Changing invoices and payments. */
export namespace invoicesWrite {
  /** Needs `invoices: draft`. */
  function draft(key: Key, content: NewInvoice): InvoiceHead;
  /** Needs `invoices: issue`. Number and date are assigned at commit. */
  function issue(id: Id, expected: Revision, options?: { series?: string; issueDate?: CalendarDate }): InvoiceHead;
  /** Needs `invoices: pay`. */
  function recordPayment(key: Key, payment: NewPayment): Payment;
  /** Needs `invoices: pay`. */
  function reversePayment(key: Key, payment: Id, valueDate: CalendarDate, reason: string): Payment;
  /** Needs `invoices: pay`. All of it or nothing. */
  function allocate(key: Key, source: Id, allocations: { invoice: Id; amount: Money }[]): InvoiceHead[];
  /** Needs `invoices: write-off`. `reason`: bad-debt, cash-discount, rounding, bank-fee (open). */
  function writeOff(key: Key, invoice: Id, amount: Money, reason: string): InvoiceHead;
  /** Needs `invoices: dun`. A level (1 to 9) that is recorded already is a Conflict, for ever. */
  function dun(invoice: Id, level: number): InvoiceHead;
  /**
   * Needs `invoices: draft` and `read`. Drafts the credit note of an invoice: of 1 to 1000 lines, counted from 1 (an empty list is
   * Invalid), or, if `lines` is left out, of the whole document. What is taken back beyond what is left is a Conflict when it
   * is issued or approved.
   */
  function credit(key: Key, invoice: Id, lines?: { line: number; quantity: Decimal }[]): InvoiceHead;
  /** Needs `invoices: approve`. Takes a payable's next step; one that does not follow is a Conflict. */
  function step(id: Id, expected: Revision, next: InvoiceState): InvoiceHead;
}

/** What parties owe, added up, with what this run changed. Needs `invoices: read` for the flow. */
export namespace ledger {
  /** `buckets` are the last days of each but the last: 1 to 12 rising numbers; 30, 60 and 90 unless given. */
  function aging(accounts: Accounts, buckets?: number[]): Aged;
  function balances(accounts: Accounts, page: Page): Listing<Balance> & { asOf: CalendarDate };
  /** What every party owes, page by page while it is taken. */
  function allBalances(accounts: Accounts): Iterable<Balance>;
}

/** Reading calendars. Needs `calendars: read` on each calendar; without it Denied, whether there is such a calendar or not. */
export namespace calendars {
  function get(calendar: string, id: Id): Entry;
  /** By id; with a window, of any length, those whose occurrences may begin in it or last into it. */
  function search(calendar: string, window: Window | undefined, page: Page): Listing<Entry>;
  /** All entries, page by page while they are taken. */
  function all(calendar: string, window?: Window): Iterable<Entry>;
  /** Of 1 to 50 calendars, by start: what begins in the window (at most 400 days) or lasts into it, at most 10000. */
  function occurrences(calendars: string[], window: Window): Occurrence[];
  /** Busy time within a window of at most 400 days: merged, rising, and not a word about by what. */
  function freeBusy(whose: Whose, window: Window): Window[];
  /** The first slots in which everybody is free and at work, rising. */
  function findSlots(search: SlotSearch): Window[];
}

/** Changing calendars' entries. Needs `calendars: create | update | delete` on the calendar. */
export namespace calendarsWrite {
  /** The same key gives the same entry again. A UID that the calendar has is a Conflict. */
  function create(calendar: string, key: Key, content: NewEntry): Entry;
  /** Replaces all that its author decided; without `uid` it keeps the one that it has. */
  function replace(calendar: string, id: Id, expected: Revision, content: NewEntry): Entry;
  /** With all its occurrences. */
  function remove(calendar: string, id: Id, expected: Revision): void;
}

/** Business days. Needs no permission. */
export namespace schedules {
  /** For 0 the date itself if open, else the next open one; at most 4000 days either way. */
  function addBusinessDays(calendar: string, date: CalendarDate, days: number): CalendarDate;
  /** `end` is not counted; at most 4000 days apart. */
  function businessDays(calendar: string, start: CalendarDate, end: CalendarDate): number;
  function isOpen(calendar: string, date: CalendarDate): boolean;
}

/** Reading documents. Needs `documents: read` on the folder. */
export namespace documents {
  function get(id: Id): Document;
  function search(folder: string, namePrefix: string, page: Page): Listing<Document>;
  function all(folder: string, namePrefix?: string): Iterable<Document>;
  /** At most 4 MiB a call; empty at the end. */
  function read(id: Id, offset: number, length: number): Uint8Array;
  /** Look at the document's `bytes` first: it is held in memory. */
  function readAll(id: Id): Uint8Array;
  /** As readAll, as text; a RangeError if it is not UTF-8. */
  function readText(id: Id): string;
}

/** Mail that leaves after the commit. Needs `messages` for the recipient's domain. */
export namespace messages {
  /** Gives the message's id: the same one for the same key and mail, a Conflict for the same key and another mail. */
  function mail(key: Key, mail: NewMail): Id;
  /** As mail, with a template's words, attachments, or in a thread. */
  function send(key: Key, letter: NewLetter): Id;
}

/** Asking a person. Needs `tasks` for the role. */
export namespace tasks {
  /** Gives the task's id: the same one for the same key and task, a Conflict for the same key and another task. */
  function create(key: Key, task: NewTask): Id;
  /** As create, with reminders and an end. */
  function createWith(key: Key, task: NewTask, terms: TaskTerms): Id;
  /** Own tasks only. */
  function get(id: Id): Task;
  /** Own tasks only; one that is closed is a Conflict. */
  function withdraw(id: Id, reason: string): void;
}

/** The automation's own values: at most 1000 names of 1 to 200 bytes, 64 KiB a value. Undo takes them back. */
export namespace state {
  function get<Value>(name: string): Value | undefined;
  function put(name: string, value: Json): void;
  function remove(name: string): void;
  function names(prefix?: string): string[];
}

/** The run's time: it stands still during a run. */
export namespace clock {
  function now(): Timestamp;
  /** In the zone of the automation's legal entity. */
  function today(): CalendarDate;
  /** "YYYY-MM-DDTHH:MM:SS". */
  function toLocal(at: Timestamp, zone: Zone): string;
  /** A gap uses the offset before it, a fold the first. */
  function toInstant(local: string, zone: Zone): Timestamp;
}

/** Random from the run's seed: the same when the run is executed again. Not for secrets. */
export namespace random {
  /** An integer from 0 to 2^53 - 1. */
  function number(): number;
  /** At most 4096 bytes; more is cut. */
  function bytes(length: number): Uint8Array;
}

/** Lines in the run's log, at most 8 KiB each. */
export namespace log {
  type Fields = Record<string, string | number | boolean>;
  function debug(message: string, fields?: Fields): void;
  function info(message: string, fields?: Fields): void;
  function warn(message: string, fields?: Fields): void;
  function error(message: string, fields?: Fields): void;
}
