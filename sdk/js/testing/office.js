// A stand-in for the host in a plugin's cases: one legal entity's books in memory, with the contract's answers.
//
// Knows what cases need and no more: a function that is missing here fails the case by name. What a run changes is kept if
// it succeeds and dropped if it fails, as in the host.

import { conflict, denied, invalid, matches, notFound, page } from "./answers.js";
import { parse, toMinor } from "../src/money.js";

const LEGAL_ENTITY = "entity-1";
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const DAY_MS = 86_400_000;

export class Office {
  /** Of a seed: parties, invoices and calendars; `permissions` are the manifest's. */
  constructor(seed, permissions) {
    this.permissions = permissions;
    this.calendars = seed.calendars ?? [];
    this.books = {
      parties: (seed.parties ?? []).map(({ id, ...body }) => ({ id, body })),
      invoices: (seed.invoices ?? []).map(invoiceOf),
      messages: [],
      tasks: [],
      effects: {},
      state: {},
    };
    this.logs = [];
  }

  /** Runs a handler on a day: {summary} or {failure}. What it changed is kept only with a summary. */
  run(handler, { id, today, config, trigger }) {
    this.today = today;
    const before = structuredClone(this.books);
    const context = {
      run: id,
      automation: "automation-1",
      department: "finance",
      legalEntity: LEGAL_ENTITY,
      zone: "Europe/Vienna",
      locale: "en",
      config: JSON.stringify(config),
    };
    const time = Date.parse(`${today}T08:00:00Z`) * 1000;
    const actor = { kind: "system", id: "timer", name: "timer" };
    const event = { id: `event-of-${id}`, source: "case", type: trigger, time, actor };
    const triggers = {
      manual: { tag: "manual", val: { input: "{}", subjects: [] } },
      timer: { tag: "timer", val: { timer: "case", scheduled: time, missed: 0 } },
    };
    try {
      return { summary: handler.run(context, event, triggers[trigger]) };
    } catch (thrown) {
      this.books = before;
      if (thrown?.tag === undefined) {
        throw thrown;
      }
      return { failure: thrown };
    }
  }

  /** One call of the contract, by the names that bindings use. */
  call(of, name, values) {
    const operation = this.operations[of]?.[name];
    if (operation === undefined) {
      throw new Error(`the stand-in does not have ${of}.${name}`);
    }
    return structuredClone(operation(...structuredClone(values)));
  }

  operations = {
    clock: {
      now: () => Date.parse(`${this.today}T08:00:00Z`) * 1000,
      today: () => this.today,
    },
    log: { write: (level, message, fields) => void this.logs.push({ level, message, fields }) },
    schedules: { addBusinessDays: (calendar, date, days) => this.#addBusinessDays(calendar, date, days) },
    state: {
      get: (name) => this.books.state[name] ?? null,
      put: (name, value) => void (this.books.state[name] = value),
      remove: (name) => void delete this.books.state[name],
      names: (prefix) => Object.keys(this.books.state).filter((name) => name.startsWith(prefix)).sort(),
    },
    records: {
      getMany: (collection, ids) => ids.flatMap((id) => {
        const found = collection === "parties" ? this.books.parties.find((party) => party.id === id) : undefined;
        return found === undefined ? [] : [rowOf(collection, found)];
      }),
    },
    invoices: {
      get: (id) => ({ head: this.#invoice(id).head, content: this.#invoice(id).content, taxTotals: [], redacted: [] }),
      search: (conditions, order, paging) => {
        const heads = this.books.invoices.map(({ head }) => head);
        return page(heads.filter((head) => conditions.every((condition) => matches(head, condition))), order, paging);
      },
    },
    invoicesWrite: { dun: (id, level) => this.#dun(id, level) },
    messages: {
      mail: (key, mail) => {
        this.#checkRecipients(mail.to);
        return this.#once("mail", key, mail, (id) => this.books.messages.push({ id, ...mail }));
      },
    },
    tasks: {
      create: (key, task) => {
        const role = task.assignee.replace(/^role:/, "");
        if (!this.permissions.some((ask) => ask.kind === "tasks" && ask.role === role)) {
          throw denied(`tasks for ${task.assignee}`);
        }
        const open = (id) => this.books.tasks.push({ id, key, ...task, isClosed: false, answer: null });
        return this.#once("task", key, task, open);
      },
      get: (wanted) => {
        const found = this.books.tasks.find((task) => task.id === wanted);
        if (found === undefined) {
          throw notFound("task");
        }
        const { id, key, title, isClosed, answer, memo } = found;
        return { id, key, title, isClosed, answer, memo };
      },
    },
  };

  /** Answers a task by its title, as a person would. */
  answer(title, choice) {
    const task = this.books.tasks.find((each) => each.title === title && !each.isClosed);
    task.isClosed = true;
    task.answer = { choice, note: "", by: { kind: "person", id: "p1", name: "Ada" }, at: 0 };
  }

  /** Books a payment on an invoice: "100.00 EUR". */
  pay(number, amount) {
    const { head } = this.books.invoices.find((invoice) => invoice.head.number === number);
    head.outstanding.minor -= Number(toMinor(parse(amount)));
  }

  #invoice(id) {
    const found = this.books.invoices.find(({ head }) => head.id === id);
    if (found === undefined) {
      throw notFound("invoice");
    }
    return found;
  }

  #dun(id, level) {
    const { head } = this.#invoice(id);
    if (head.outstanding.minor === 0) {
      throw conflict("not-open", "only an open receivable can be dunned");
    }
    const key = `dun/${id}/${level}`;
    if (this.books.effects[key] !== undefined) {
      throw conflict("level-recorded", `level ${level} is recorded already`);
    }
    this.books.effects[key] = { input: "", result: id };
    head.dunningLevel = Math.max(head.dunningLevel, level);
    return head;
  }

  #once(operation, key, input, make) {
    const name = `${operation}/${key}`;
    const used = this.books.effects[name];
    if (used !== undefined && used.input !== JSON.stringify(input)) {
      throw conflict("key-reused", `the key ${key} was used with another input`);
    }
    if (used === undefined) {
      const result = `${operation}-${Object.keys(this.books.effects).length + 1}`;
      this.books.effects[name] = { input: JSON.stringify(input), result };
      make(result);
    }
    return this.books.effects[name].result;
  }

  #checkRecipients(addresses) {
    const patterns = this.permissions.filter((ask) => ask.kind === "messages").flatMap((ask) => ask.recipients);
    addresses.forEach((address, place) => {
      if (!/^[^\s@]+@[a-z0-9.-]+\.[a-z]+$/i.test(address)) {
        throw invalid("not-an-address", `/to/${place}`, "one plain mail address such as ada@example.com");
      }
      const domain = address.split("@")[1];
      const isGranted = (pattern) => (pattern.startsWith("*.") ? domain.endsWith(pattern.slice(1)) : domain === pattern);
      if (!patterns.some(isGranted)) {
        throw denied(`mail to ${address}`);
      }
    });
  }

  #addBusinessDays(name, date, days) {
    const calendar = this.calendars.find((each) => each.name === name);
    if (calendar === undefined) {
      throw notFound("business calendar", "calendar-unknown");
    }
    const isOpen = (day) => !calendar.weekend.includes(WEEKDAYS[new Date(day).getUTCDay()]) && !calendar.holidays.includes(iso(day));
    const step = days < 0 ? -DAY_MS : DAY_MS;
    let day = Date.parse(date);
    for (let left = Math.abs(days); left > 0 || !isOpen(day); ) {
      day += step;
      left -= isOpen(day) ? 1 : 0;
    }
    return iso(day);
  }
}

function iso(day) {
  return new Date(day).toISOString().slice(0, 10);
}

function rowOf(collection, { id, body }) {
  return { id, collection, revision: "1", created: 0, updated: 0, body: JSON.stringify(body), redacted: [] };
}

function invoiceOf(seed) {
  const money = (text) => {
    const amount = parse(text);
    return { minor: Number(toMinor(amount)), currency: amount.currency };
  };
  const gross = money(seed.gross);
  const head = {
    id: `id-of-${seed.number}`,
    revision: "1",
    flow: seed.flow ?? "receivable",
    kind: seed.kind ?? "invoice",
    state: seed.state ?? "issued",
    number: seed.number,
    numberText: seed.number,
    legalEntity: seed.legal_entity ?? LEGAL_ENTITY,
    party: seed.party,
    partyName: seed.party_name ?? seed.party,
    issueDate: seed.issue_date,
    dueDate: seed.due_date ?? null,
    net: gross,
    tax: { ...gross, minor: 0 },
    gross,
    outstanding: money(seed.outstanding ?? seed.gross),
    dunningLevel: seed.dunning_level ?? 0,
    reference: seed.reference ?? null,
  };
  const { flow, kind, legalEntity, party } = head;
  const content = { flow, kind, legalEntity, party, currency: gross.currency, lines: [], adjustments: [], extra: JSON.stringify(seed.extra ?? {}) };
  return { head, content };
}
