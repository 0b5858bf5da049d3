// The SDK against the real host: set BURSAR to the program's path. Without it these tests are skipped.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "../tools/build.js";
import { REACH } from "../tools/reach.js";

const program = process.env.BURSAR;
const skip = program === undefined && "BURSAR does not name the program";
const source = join(dirname(fileURLToPath(import.meta.url)), "every-function");
const company = {
  legal_entity: { key: "main", name: "Example GmbH", zone: "Europe/Vienna", base_currency: "EUR", mail_from: "office@company.example" },
  departments: [{ key: "finance", name: "Finance" }],
  parties: [{ key: "c1", name: "First", kind: "customer" }, { key: "c2", name: "Second", kind: "customer" }],
  business_calendars: [{ name: "office", weekend: ["saturday", "sunday"], holidays: ["2026-12-25"] }],
  calendars: [{
    key: "desk",
    name: "Desk",
    department: "finance",
    zone: "Europe/Vienna",
    entries: [{ uid: "round", kind: "event", title: "Round", start: "2026-03-04T09:00:00[Europe/Vienna]", length: "PT1H", rules: ["FREQ=WEEKLY;COUNT=3"] }],
  }],
  invoices: [],
  payments: [],
};
let work;

function bursar(...words) {
  const said = execFileSync(program, ["--folder", join(work, "data"), "--json", ...words], { stdio: ["ignore", "pipe", "pipe"] });
  return JSON.parse(said);
}

function preview(end) {
  const input = JSON.stringify(end === undefined ? {} : { end });
  return bursar("automation", "preview", "every-function", "--input", input);
}

before(async () => {
  if (skip) {
    return;
  }
  work = mkdtempSync(join(tmpdir(), "bursar-js-host-"));
  const file = (name) => join(work, name);
  writeFileSync(file("company.json"), JSON.stringify(company));
  writeFileSync(file("note.txt"), "Grüße\n");
  await build(source, { out: file("plugin.wasm") });
  bursar("init", "--entity", "main", "--name", "Example GmbH", "--zone", "Europe/Vienna");
  bursar("sample", "load", file("company.json"));
  bursar("document", "add", file("note.txt"), "--folder-name", "notes", "--media-type", "text/plain");
  bursar("plugin", "install", file("plugin.wasm"));
  bursar("automation", "enable", "every-function", "--plugin", "every-function", "--department", "finance");
});

after(() => work && rmSync(work, { recursive: true }));

test("every function of the contract answers as its types say", { skip }, () => {
  const { outcome } = preview();
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  assert.deepEqual(outcome.counts, { differences: "0" });
});

test("a component reaches what its code calls, here the whole contract, and no WASI", { skip }, () => {
  const { imports, wasi } = bursar("plugin", "inspect", join(work, "plugin.wasm"));
  assert.deepEqual(wasi, []);
  const all = Object.entries(REACH).flatMap(([of, functions]) => Object.keys(functions).map((name) => `${of}.${name}`));
  assert.deepEqual(imports, all.sort());
});

test("a run that asks for another try gets it", { skip }, () => {
  const { kind, after_us, problem } = preview("retry").outcome;
  assert.deepEqual([kind, after_us, problem.code], ["retry", 120_000_000, "busy"]);
});

test("failures and uncaught refusals end the run for good", { skip }, () => {
  const permanent = preview("permanent").outcome;
  assert.deepEqual([permanent.kind, permanent.problem], ["refused", { code: "no-way", pointer: "/x", message: "never" }]);
  assert.equal(preview("denied").outcome.problem.code, "not-granted");
});

test("a fault traps and is in the log", { skip }, () => {
  const { outcome, logs } = preview("fault");
  assert.equal(outcome.kind, "trapped");
  assert.match(logs.at(-1).message, /^TypeError: a fault/);
});
