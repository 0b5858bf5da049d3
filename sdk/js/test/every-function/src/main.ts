// Calls every function of the contract once and compares what comes back. A difference ends the run with `differences`.

import { Denied, HostError, PermanentFailure, RetryLater, calendars, calendarsWrite, clock, dates, documents, filter, invoices, plugin } from "@bursar/sdk";
import { invoicesWrite, ledger, log, messages, money, random, records, recordsWrite, schedules, state, tasks } from "@bursar/sdk";
import type { Json, Run } from "@bursar/sdk";

interface Party {
  name: string;
  kind: string;
  note?: string;
}

type Input = { end?: "retry" | "permanent" | "denied" | "fault" };

export const handler = plugin<Json, Input>({
  run(run) {
    const differences: string[] = [];
    compareAll(run, (name, found, expected) => {
      const [shown, wanted] = [JSON.stringify(answer(found)), JSON.stringify(expected)];
      if (shown !== wanted) {
        differences.push(`${name}: ${shown} instead of ${wanted}`);
      }
    });
    if (differences.length > 0) {
      throw new PermanentFailure("differences", differences.join("\n"));
    }
    end(run.trigger.kind === "manual" ? run.trigger.input.end : undefined);
    return { text: "everything answers", counts: { differences: 0 } };
  },
});

type Compare = (name: string, found: () => unknown, expected: unknown) => void;

function compareAll(run: Run<Json, Input>, compare: Compare): void {
  compareTime(run, compare);
  compareRecords(compare);
  compareInvoices(run, compare);
  compareSteps(run, compare);
  compareCalendars(compare);
  compareWork(compare);
}

/** A value, or class and code of the error. */
function answer(found: () => unknown): unknown {
  try {
    return found();
  } catch (error) {
    if (error instanceof HostError) {
      return `${error.name} ${error.code}`;
    }
    throw error;
  }
}

function compareTime(run: Run<Json, Input>, compare: Compare): void {
  const eight = clock.toInstant("2026-03-18T08:00:00", "Europe/Vienna");
  compare("to-instant", () => eight, 1773817200000000);
  compare("to-local", () => clock.toLocal(eight, "Europe/Vienna"), "2026-03-18T08:00:00");
  compare("unknown zone", () => clock.toLocal(eight, "Nowhere/No"), "Invalid unknown-zone");
  compare("now", () => clock.now() === run.event.time, true);
  compare("today", () => clock.toLocal(clock.now(), run.zone).slice(0, 10) === clock.today(), true);
  compare("random number", () => Number.isSafeInteger(random.number()) && random.number() !== random.number(), true);
  compare("random bytes", () => random.bytes(5).length, 5);
  compare("context", () => [run.legalEntity, run.zone, run.config, run.event.type], ["main", "Europe/Vienna", {}, "manual.started"]);
}

function compareRecords(compare: Compare): void {
  const made = recordsWrite.create<Party>("parties", "one", { name: "Käsehof", kind: "customer" });
  const again = (name: string) => recordsWrite.create<Party>("parties", "one", { name, kind: "customer" }).id === made.id;
  compare("create again", () => again("Käsehof"), true);
  compare("create other", () => again("Other"), "Conflict key-reused");
  compare("create bad", () => recordsWrite.create("parties", "two", { nome: 1 }), "Invalid schema-violation");
  compare("get", () => records.get<Party>("parties", made.id).body.name, "Käsehof");
  compare("get nothing", () => records.get("parties", "x"), "NotFound not-found");
  compare("get elsewhere", () => records.get("salaries", "x"), "Denied not-granted");
  compare("patch", () => recordsWrite.patch<Party>("parties", made.id, { note: "n" }, made.revision).body.note, "n");
  compare("patch stale", () => recordsWrite.patch("parties", made.id, { note: "m" }, made.revision), "Conflict revision-changed");
  compare("get-many", () => records.getMany<Party>("parties", ["x", made.id]).map((row) => row.body.note), ["n"]);
  const query = { conditions: [filter.startsWith("name", "Kä")], order: [filter.descending("name")] };
  compare("search", () => [...records.all<Party>("parties", query)].map((row) => row.id === made.id), [true]);
  compare("search page", () => records.search("parties", {}, { limit: 1 }).next !== undefined, true);
  compare("count", () => records.count("parties", query, 10), 1);
  const other = recordsWrite.create<Party>("parties", "gone", { name: "Gone", kind: "customer" });
  compare("remove", () => recordsWrite.remove("parties", other.id), undefined);
  compare("removed", () => records.get("parties", other.id), "NotFound not-found");
}

function compareInvoices(run: Run<Json, Input>, compare: Compare): void {
  const party = recordsWrite.create<Party>("parties", "buyer", { name: "Buyer", kind: "customer" }).id;
  const tax = { category: "Z", rate: "0" };
  const lines = [{ description: "Hour", quantity: "2", unit: "HUR", unitPrice: "0.55", tax }];
  const base = { flow: "receivable", kind: "invoice", legalEntity: run.legalEntity, party } as const;
  const draft = invoicesWrite.draft("i", { ...base, currency: "EUR", dueDate: dates.addDays(clock.today(), 30), lines, extra: { a: [1] } });
  compare("draft", () => [draft.state, draft.gross, draft.number], ["draft", { amount: "1.10", currency: "EUR" }, null]);
  compare("get invoice", () => invoices.get(draft.id).content.extra, { a: [1] });
  compare("line", () => invoices.get(draft.id).content.lines[0]?.unitPrice, "0.55");
  compare("issue", () => invoicesWrite.issue(draft.id, draft.revision, { issueDate: clock.today() }).outstanding.amount, "1.10");
  const text = { bankReference: "R1", bankAccount: "A1", text: "t" };
  const paid = invoicesWrite.recordPayment("p", { ...base, ...text, amount: money.parse("0.60 EUR"), valueDate: clock.today() });
  compare("payment", () => invoices.getPayment(paid.id).unallocated, { amount: "0.60", currency: "EUR" });
  const part = [{ invoice: draft.id, amount: money.parse("0.60 EUR") }];
  compare("allocate", () => invoicesWrite.allocate("a", paid.id, part).map((head) => head.outstanding.amount), ["0.50"]);
  compare("reverse", () => invoicesWrite.reversePayment("r", paid.id, clock.today(), "returned").reverses === paid.id, true);
  compare("payments", () => [...invoices.allPayments({ conditions: [filter.equal("party", party)] })].length, 2);
  compare("dun", () => invoicesWrite.dun(draft.id, 2).dunningLevel, 2);
  compare("dun again", () => invoicesWrite.dun(draft.id, 2), "Conflict level-recorded");
  const open = { conditions: [filter.equal("party", party), filter.greater("outstanding", money.parse("1.09 EUR"))] };
  compare("search invoices", () => [...invoices.all(open)].map((head) => head.outstanding.amount), ["1.10"]);
  compare("write-off", () => invoicesWrite.writeOff("w", draft.id, money.parse("1.10 EUR"), "bad-debt").outstanding.amount, "0.00");
  compare("search by nothing", () => invoices.search({ conditions: [filter.equal("colour", "red")] }, { limit: 1 }), "Invalid not-indexed");
}

function compareSteps(run: Run<Json, Input>, compare: Compare): void {
  const [buyer, supplier] = ["debtor", "supplier"].map((key) => recordsWrite.create<Party>("parties", key, { name: key, kind: "customer" }).id);
  const tax = { category: "Z", rate: "0" };
  const lines = [{ description: "Hour", quantity: "2", unit: "HUR", unitPrice: "5", tax }];
  const base = { kind: "invoice", legalEntity: run.legalEntity, currency: "EUR", lines } as const;
  const draft = invoicesWrite.draft("credited", { ...base, flow: "receivable", party: buyer ?? "" });
  compare("credit a draft", () => invoicesWrite.credit("n0", draft.id), "Conflict wrong-state");
  invoicesWrite.issue(draft.id, draft.revision, { issueDate: clock.today() });
  const accounts = { flow: "receivable", party: buyer } as const;
  const aged = ledger.aging(accounts, [10]).books.map(({ buckets, open }) => [buckets.length, open.amount]);
  compare("aging", () => aged, [[3, "10.00"]]);
  compare("balances", () => [...ledger.allBalances(accounts)].map(({ balance }) => balance.amount), ["10.00"]);
  compare("no buckets", () => ledger.aging(accounts, [2, 1]), "Invalid out-of-range");
  const half = () => invoicesWrite.credit("n1", draft.id, [{ line: 1, quantity: "1" }]);
  compare("credit", () => [half().kind, half().gross.amount, half().id === half().id], ["credit-note", "5.00", true]);
  compare("credit no lines", () => invoicesWrite.credit("n3", draft.id, []), "Invalid wrong-count");
  compare("credit whole", () => invoicesWrite.credit("n2", draft.id).gross.amount, "10.00");
  const bill = invoicesWrite.draft("bill", { ...base, flow: "payable", party: supplier ?? "", supplierNumber: "S-1" });
  compare("step too far", () => invoicesWrite.step(bill.id, bill.revision, "approved"), "Conflict wrong-state");
  compare("step", () => invoicesWrite.step(bill.id, bill.revision, "matched").state, "matched");
}

function compareCalendars(compare: Compare): void {
  const march = { start: clock.toInstant("2026-03-01T00:00:00", "UTC"), end: clock.toInstant("2026-04-01T00:00:00", "UTC") };
  const starts = (found: { start: number }[]) => found.map(({ start }) => clock.toLocal(start, "Europe/Vienna"));
  const wednesdays = ["2026-03-04T09:00:00", "2026-03-11T09:00:00", "2026-03-18T09:00:00"];
  compare("occurrences", () => starts(calendars.occurrences(["desk"], march)), wednesdays);
  compare("no grant", () => calendars.occurrences(["desk", "hr"], march), "Denied not-granted");
  compare("busy", () => starts(calendars.freeBusy({ calendars: ["desk"] }, march)), wednesdays);
  compare("busy for nobody", () => calendars.freeBusy({ calendars: ["desk"], person: "Cem" }, march), []);
  const hours = { zone: "Europe/Vienna", shifts: [{ weekday: "wednesday", from: "09:00", to: "17:00" }] } as const;
  const attendees = [{ busy: { calendars: ["desk"] }, hours: { ...hours, shifts: [...hours.shifts] } }];
  compare("slots", () => starts(calendars.findSlots({ window: march, length: "PT2H", attendees, atMost: 1 })), ["2026-03-04T10:00:00"]);
  const visit = { kind: "event", title: "Visit", start: "2026-03-19", length: "P1D", attendees: ["Ada"] };
  const made = calendarsWrite.create("desk", "visit", visit);
  compare("create entry", () => [made.content.uid === made.id, made.content.isOpaque, made.content.extra], [true, true, {}]);
  compare("create entry again", () => calendarsWrite.create("desk", "visit", visit).id === made.id, true);
  compare("create other entry", () => calendarsWrite.create("desk", "visit", { ...visit, title: "V" }), "Conflict key-reused");
  compare("create bad entry", () => calendarsWrite.create("desk", "bad", { ...visit, start: "soon" }), "Invalid not-a-moment");
  compare("entries", () => [...calendars.all("desk", march)].length, 2);
  compare("entry page", () => calendars.search("desk", undefined, { limit: 1 }).next !== undefined, true);
  const again = { ...visit, overrides: [{ original: "2026-03-19", moved: { start: "2026-03-20", length: "P1D" } }], rules: ["FREQ=DAILY;COUNT=2"] };
  const changed = calendarsWrite.replace("desk", made.id, made.revision, { ...again, excluded: ["2026-03-20"] });
  compare("replace", () => changed.content.overrides, again.overrides);
  compare("replace stale", () => calendarsWrite.replace("desk", made.id, made.revision, visit), "Conflict revision-changed");
  compare("get entry", () => calendars.get("desk", made.id).revision === changed.revision, true);
  compare("remove entry", () => calendarsWrite.remove("desk", made.id, changed.revision), undefined);
  compare("removed entry", () => calendars.get("desk", made.id), "NotFound not-found");
}

function compareWork(compare: Compare): void {
  const [note] = [...documents.all("notes")];
  compare("documents", () => [note?.name, note?.bytes], ["note.txt", 8]);
  compare("read", () => documents.readText(note?.id ?? ""), "Grüße\n");
  compare("get document", () => documents.get(note?.id ?? "").mediaType, "text/plain");
  compare("other folder", () => documents.search("hr", "", { limit: 1 }), "Denied not-granted");
  compare("add-business-days", () => schedules.addBusinessDays("office", "2026-12-24", 1), "2026-12-28");
  compare("business-days", () => schedules.businessDays("office", "2026-12-21", "2026-12-28"), 4);
  compare("is open", () => schedules.isOpen("office", "2026-12-25"), false);
  compare("no calendar", () => schedules.isOpen("mars", "2026-12-25"), "NotFound calendar-unknown");
  compare("state", () => (state.put("a", { b: [1, null] }), state.get("a")), { b: [1, null] });
  compare("state names", () => state.names(), ["a"]);
  compare("state gone", () => (state.remove("a"), state.get("a")), undefined);
  const task = { assignee: "role:accounting", title: "T", text: "t", choices: [{ value: "a", label: "A" }] };
  const id = tasks.create("t", { ...task, due: clock.now() + 1, memo: { x: 1 } });
  compare("task", () => [tasks.get(id).memo, tasks.get(id).isClosed, tasks.get(id).answer], [{ x: 1 }, false, null]);
  compare("withdraw", () => (tasks.withdraw(id, "done"), tasks.get(id).isClosed), true);
  compare("task of others", () => tasks.create("t2", { ...task, assignee: "role:hr" }), "Denied not-granted");
  const mail = { subject: "s", text: "t" };
  compare("mail", () => messages.mail("m", { ...mail, to: ["a@b.example"] }) === messages.mail("m", { ...mail, to: ["a@b.example"] }), true);
  compare("mail other", () => messages.mail("m", { ...mail, to: ["c@b.example"] }), "Conflict key-reused");
  compare("mail denied", () => messages.mail("n", { ...mail, to: ["a@b.test"] }), "Denied not-granted");
  const letter = { ...mail, to: ["a@b.example"], attachments: [note?.id ?? ""] };
  compare("send", () => messages.send("s", letter) === messages.send("s", letter), true);
  compare("follow", () => messages.send("f", { ...mail, to: ["a@b.example"], follows: messages.send("s", letter) }).length, 36);
  compare("no template", () => messages.send("x", { to: ["a@b.example"], template: "none", data: { a: 1 } }), "NotFound not-found");
  const late = tasks.createWith("t3", task, { reminders: [clock.now() + 1], expires: clock.now() + 2 });
  compare("task with terms", () => tasks.get(late).isClosed, false);
  log.debug("debug", { a: 1 });
  log.info("info");
}

function end(how: Input["end"]): void {
  switch (how) {
    case "retry":
      throw new RetryLater("busy", "come back", 120);
    case "permanent":
      throw new PermanentFailure("no-way", "never", "/x");
    case "denied":
      throw messages.mail("o", { to: ["a@b.test"], subject: "s", text: "t" });
    case "fault":
      throw new TypeError(`a fault, not ${Denied.name}`);
    case undefined:
  }
}
