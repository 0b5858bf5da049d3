// Shapes that the functions take and give. Names are those of the contract, in camel case; absent is undefined.

/** A JSON value; its numbers are integers below 2^53, anything finer travels as text. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json | undefined };
/** Plain decimal text such as "-1.10": at most 18 digits, at most 10 after the point. */
export type Decimal = string;
/** "YYYY-MM-DD". Texts of this form compare with < and >. */
export type CalendarDate = string;
/** Microseconds since 1970-01-01T00:00:00Z, exact up to the year 2255. */
export type Timestamp = number;
/** IANA zone name such as "Europe/Vienna". */
export type Zone = string;
/** Host-made, opaque, at most 64 bytes of ASCII. */
export type Id = string;
/** State of one row; opaque: compare for equality, hand back unchanged. */
export type Revision = string;
/** Your name for an effect, 1 to 200 bytes. Unique per automation and function, for ever. */
export type Key = string;
/** Continues a listing, within this run only. */
export type Cursor = string;

/**
 * An amount: "1.10" of EUR, "110" of JPY, with exactly the digits of the currency's minor unit.
 *
 * Between host and plugin at most 2^53 - 1 minor units travel; an amount beyond is a RangeError, never rounded.
 */
export interface Money {
  amount: Decimal;
  /** ISO 4217. */
  currency: string;
}

export interface Problem {
  code: string;
  pointer: string;
  message: string;
}

export interface Actor {
  kind: string;
  id: Id;
  name: string;
}

/** Made by the functions of `filter`. */
export interface Condition {
  field: string;
  comparison: string;
  values: string[];
}

/** Made by `filter.ascending` and `filter.descending`. */
export interface Order {
  field: string;
  direction: "ascending" | "descending";
}

/** All conditions must hold (at most 20; at most 4 orders). */
export interface Query {
  conditions?: Condition[];
  order?: Order[];
}

/** Part of a listing: 1 to 1000 rows. */
export interface Page {
  limit: number;
  after?: Cursor | undefined;
}

export interface Listing<Item> {
  items: Item[];
  /** Undefined on the last page. */
  next: Cursor | undefined;
}

export interface Row<Body = { [name: string]: Json | undefined }> {
  id: Id;
  collection: string;
  revision: Revision;
  created: Timestamp;
  updated: Timestamp;
  /** Hidden fields are left out. */
  body: Body;
  /** Names of the fields that were left out. */
  redacted: string[];
}

export type Flow = "receivable" | "payable";
export type InvoiceKind = "invoice" | "credit-note" | "corrective" | "prepayment";
/** Paid, part-paid and overdue are not states: read `outstanding` and `dueDate`. */
export type InvoiceState =
  | "draft"
  | "issued"
  | "received"
  | "matched"
  | "needs-attention"
  | "approved"
  | "scheduled"
  | "rejected"
  | "discarded";

/** EN 16931 VAT category code (BT-151) and rate in percent. */
export interface Tax {
  category: string;
  rate: Decimal;
}

/** An allowance lowers, a charge raises; `amount` is not negative. */
export interface Adjustment {
  isCharge: boolean;
  amount: Decimal;
  reason: string;
  tax: Tax;
}

export interface InvoiceLine {
  description: string;
  quantity: Decimal;
  /** UN/ECE Rec 20 code, such as "HUR". */
  unit: string;
  /** Net, in the currency's major unit. */
  unitPrice: Decimal;
  tax: Tax;
  adjustments: Adjustment[];
  extra: Json;
}

/** Everything an author of an invoice decides: 1 to 1000 lines. */
export interface InvoiceContent {
  flow: Flow;
  kind: InvoiceKind;
  legalEntity: Id;
  /** A record of the collection `parties`. */
  party: Id;
  currency: string;
  supplyDate?: CalendarDate | undefined;
  dueDate?: CalendarDate | undefined;
  lines: InvoiceLine[];
  adjustments: Adjustment[];
  supplierNumber?: string | undefined;
  /** The invoice that a note or corrective refers to. */
  corrects?: Id | undefined;
  extra: Json;
}

/** Invoice content as it is drafted: adjustments and `extra` may be left out. */
export type NewInvoice = Omit<InvoiceContent, "lines" | "adjustments" | "extra"> & {
  lines: (Omit<InvoiceLine, "adjustments" | "extra"> & Partial<Pick<InvoiceLine, "adjustments" | "extra">>)[];
  adjustments?: Adjustment[];
  extra?: Json;
};

/** What listings show of an invoice. */
export interface InvoiceHead {
  id: Id;
  revision: Revision;
  flow: Flow;
  kind: InvoiceKind;
  state: InvoiceState;
  /** Undefined while a draft, and within the run that issues it. */
  number: string | undefined;
  /** For texts of the same run: the number, or a token that the committer replaces by it. */
  numberText: string;
  legalEntity: Id;
  party: Id;
  partyName: string;
  issueDate: CalendarDate | undefined;
  dueDate: CalendarDate | undefined;
  net: Money;
  tax: Money;
  gross: Money;
  /** What is still open, never below zero. */
  outstanding: Money;
  /** Highest dunning level recorded, 0 for none. */
  dunningLevel: number;
  /** Structured payment reference, if there is one. */
  reference: string | undefined;
}

export interface Invoice {
  head: InvoiceHead;
  content: InvoiceContent;
  taxTotals: { tax: Tax; taxable: Money; amount: Money }[];
  redacted: string[];
}

export interface Payment {
  id: Id;
  flow: Flow;
  legalEntity: Id;
  party: Id | undefined;
  /** Above zero in both flows; below zero for a reversal. */
  amount: Money;
  valueDate: CalendarDate;
  bankReference: string;
  bankAccount: string;
  text: string;
  unallocated: Money;
  /** The payment this one reverses. */
  reverses: Id | undefined;
}

export interface NewPayment {
  flow: Flow;
  legalEntity: Id;
  party?: Id | undefined;
  /** Above zero in both flows. */
  amount: Money;
  valueDate: CalendarDate;
  /** 1 to 200 bytes, unique per bank account: a taken one is a Conflict. */
  bankReference: string;
  bankAccount: string;
  text: string;
  extra?: Json;
}

/** Whose accounts, and when: all of a flow, today, unless more is said. */
export interface Accounts {
  flow: Flow;
  legalEntity?: Id | undefined;
  party?: Id | undefined;
  /** As of the end of this day. */
  asOf?: CalendarDate | undefined;
}

/** What is open by days past due, by legal entity and currency. */
export interface Aged {
  asOf: CalendarDate;
  books: {
    legalEntity: Id;
    currency: string;
    /** Without `fromDays`: not due yet; without `toDays`: any later day. */
    buckets: { fromDays: number | undefined; toDays: number | undefined; amount: Money }[];
    open: Money;
    /** What is left of payments and credit notes. */
    unapplied: Money;
    /** Open less unapplied. */
    balance: Money;
  }[];
}

/** What one party owes: issued - credited - received + refunded - writtenOff - settledBefore + carried. */
export interface Balance {
  /** Undefined is money of nobody known. */
  party: Id | undefined;
  legalEntity: Id;
  currency: string;
  issued: Money;
  credited: Money;
  received: Money;
  /** Payments taken back. */
  refunded: Money;
  writtenOff: Money;
  /** What was settled before this office began. */
  settledBefore: Money;
  /** What this party's payments settled for others, less what others' payments settled for it. */
  carried: Money;
  balance: Money;
}

export interface Document {
  id: Id;
  revision: Revision;
  folder: string;
  name: string;
  mediaType: string;
  bytes: number;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
  created: Timestamp;
}

/** A half-open window of instants: `start` <= t < `end`. */
export interface Window {
  start: Timestamp;
  end: Timestamp;
}

/**
 * A day ("2026-01-31"), a wall time in a zone ("2026-01-31T09:00:00[Europe/Vienna]") or a time of UTC
 * ("2026-01-31T08:00:00Z").
 */
export type Moment = string;
/** By RFC 5545, such as "P1D" or "PT1H30M": a day may have 23 hours. */
export type Length = string;
export type EntryKind = "event" | "task" | "reminder" | "shift";

/** Everything an author of an entry decides, by RFC 5545. */
export interface EntryContent {
  /** Names the entry for ever, in every calendar program. */
  uid: string;
  /** Open: others may come. */
  kind: EntryKind | (string & {});
  title: string;
  notes: string;
  /** The people that it is for, by name. */
  attendees: string[];
  /** Whether its time counts as busy. */
  isOpaque?: boolean | undefined;
  /** The first time that it happens. */
  start: Moment;
  length: Length;
  /** RRULE, such as "FREQ=WEEKLY;COUNT=4". */
  rules: string[];
  /** RDATE; without a length as long as the others. */
  added: { start: Moment; length?: Length | undefined }[];
  /** EXDATE. */
  excluded: Moment[];
  /** Changed occurrences, by the start that the series gives them; one that is not moved does not take place. */
  overrides: { original: Moment; moved?: { start: Moment; length: Length } | undefined }[];
  /** Further properties: none so far. */
  extra: Json;
}

/** An entry as it is made: `uid` is the host's unless given, and what an entry need not have may be left out. */
export type NewEntry = Pick<EntryContent, "kind" | "title" | "start" | "length"> & Partial<EntryContent>;

export interface Entry {
  id: Id;
  calendar: string;
  revision: Revision;
  created: Timestamp;
  updated: Timestamp;
  content: EntryContent;
}

/** One time that an entry happens. */
export interface Occurrence {
  start: Timestamp;
  end: Timestamp;
  /** The start that its series gives it: with `uid` it names the occurrence. */
  originalStart: Timestamp;
  calendar: string;
  entry: Id;
  uid: string;
  kind: EntryKind | (string & {});
  title: string;
  attendees: string[];
  isOpaque: boolean;
}

/** Whose time is asked for: 1 to 50 calendars, all entries or those for one person. */
export interface Whose {
  calendars: string[];
  person?: string | undefined;
}

export interface SlotSearch {
  window: Window;
  length: Length;
  /** How long everybody is to be free before and after a slot. */
  buffer?: Length | undefined;
  /** At most 50; who has no `hours` comes at any time. */
  attendees: {
    busy: Whose;
    hours?:
      | {
          zone: Zone;
          /** "HH:MM", on the next day if `to` is not after `from`; at most 50. */
          shifts: { weekday: Weekday; from: string; to: string }[];
          /** Nobody works on a day that this business calendar closes. */
          businessCalendar?: string | undefined;
        }
      | undefined;
  }[];
  /** 1 to 100. */
  atMost: number;
}

export type Weekday = "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday";

/** 1 to 50 recipients over `to` and `cc`, one mail address each. */
export interface NewMail {
  to: string[];
  cc?: string[];
  replyTo?: string | undefined;
  /** One line, 1 to 500 bytes. */
  subject: string;
  /** Plain text, at most 256 KiB. */
  text: string;
}

/** A mail with more than words: words of its own, or a template's. */
export type NewLetter = {
  to: string[];
  cc?: string[];
  replyTo?: string | undefined;
  /** Ids of documents that go along: at most 20, together at most 15 MiB. Needs `documents: read` on their folders. */
  attachments?: Id[];
  /** An earlier message of this automation, whose thread this one continues. */
  follows?: Id | undefined;
} & (
  | { subject: string; text: string; template?: undefined }
  /** `data` is what the template's names stand for; `locale` (BCP 47) is the context's unless given. */
  | { template: string; data?: Json; locale?: string | undefined }
);

/** When the assignee is told again, and when a task ends by itself. */
export interface TaskTerms {
  /** At most 10, rising, before `expires`. */
  reminders?: Timestamp[];
  /** From then on nobody answers it: it is closed without an answer. */
  expires?: Timestamp | undefined;
}

export interface NewTask {
  /** "role:NAME" or "person:ID". */
  assignee: string;
  /** One line, 1 to 200 bytes. */
  title: string;
  /** Plain text, at most 16 KiB. */
  text: string;
  /** 1 to 20, each with a value of its own. */
  choices: { value: string; label: string; needsNote?: boolean }[];
  due?: Timestamp | undefined;
  /** Rows to look at, as "collection/id", "invoice/id", "payment/id", "document/id"; at most 100. */
  subjects?: string[];
  /** Handed back with the answer; not shown. */
  memo?: Json;
}

export interface Task {
  id: Id;
  key: Key;
  title: string;
  /** Without an answer: expired or withdrawn. */
  isClosed: boolean;
  answer: { choice: string; note: string; by: Actor; at: Timestamp } | undefined;
  memo: Json;
}
