// A plugin's cases: cases/NAME/seed.json, and in expected.json what each of its runs must leave.
//
// The plugin's code runs in Node, bundled as for the sandbox, with a stand-in for the host. cases/config.json is the
// configuration, changed by the seed's `config`. A run is {"on", "trigger"?, "paid"?, "answered"?, "parties"?}: what
// happened before it, and its day.

import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Office } from "../testing/office.js";
import { bundleWith } from "./bundle.js";
import { withCompiled, workFolder } from "./compile.js";
import { readManifest } from "./manifest.js";
import { Mistake } from "./mistake.js";
import { REACH } from "./reach.js";

/** Runs all cases of a folder; the first difference is a Mistake. */
export async function runCases(folder) {
  const { permissions } = readManifest(folder);
  const handler = await handlerOf(folder);
  const cases = join(folder, "cases");
  const names = readdirSync(cases).filter((name) => existsSync(join(cases, name, "seed.json"))).sort();
  const base = json(join(cases, "config.json"));
  for (const name of names) {
    const seed = json(join(cases, name, "seed.json"));
    const found = played(handler, seed, { ...base, ...seed.config }, permissions);
    const difference = differenceOf(json(join(cases, name, "expected.json")), found, "");
    if (difference !== undefined) {
      throw new Mistake(`case ${name}: ${difference}`, `found\n${JSON.stringify(found, undefined, 2)}`);
    }
  }
  return { cases: names.length, passed: names.length };
}

function played(handler, seed, config, permissions) {
  const office = new Office(seed, permissions);
  globalThis.bursarOffice = office;
  const runs = seed.runs.map(({ on, trigger = "timer", paid = {}, answered = {}, parties = {} }, place) => {
    Object.entries(paid).forEach(([number, amount]) => office.pay(number, amount));
    Object.entries(answered).forEach(([title, choice]) => office.answer(title, choice));
    Object.entries(parties).forEach(([id, change]) => {
      Object.assign(office.books.parties.find((party) => party.id === id).body, change);
    });
    const before = { messages: office.books.messages.length, tasks: office.books.tasks.length };
    const { summary, failure } = office.run(handler, { id: `run-${place + 1}`, today: on, config, trigger });
    if (failure !== undefined) {
      return { failure: (failure.val.problem ?? failure.val).code };
    }
    return {
      mails: office.books.messages.slice(before.messages).map(({ to, subject, text, replyTo }) => ({ to, subject, text, reply_to: replyTo })),
      tasks: office.books.tasks.slice(before.tasks).map(({ title }) => title),
      counts: Object.fromEntries(summary.counts.map(({ name, value }) => [name, Number(value)])),
      summary: summary.text,
    };
  });
  const levels = office.books.invoices.map(({ head }) => [head.number, head.dunningLevel]);
  return { runs, levels: Object.fromEntries(levels) };
}

/** Where what was found differs from what is expected; members that are not named in an expected object may be anything. */
function differenceOf(expected, found, path) {
  if (typeof expected !== "object" || expected === null) {
    return expected === found ? undefined : `${path}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`;
  }
  if (Array.isArray(expected) && expected.length !== found?.length) {
    return `${path}: expected ${expected.length}, found ${found?.length}: ${JSON.stringify(found)}`;
  }
  const names = Object.keys(expected);
  return names.map((name) => differenceOf(expected[name], found?.[name], `${path}/${name}`)).find((each) => each !== undefined);
}

/** The plugin's handler, in this process. */
async function handlerOf(folder) {
  const code = await withCompiled(folder, (entry) => bundleWith(entry, folder, standInFor));
  const work = workFolder();
  try {
    const file = join(work, "plugin.mjs");
    writeFileSync(file, code);
    return (await import(pathToFileURL(file))).handler;
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** A module with an interface's functions, which call whatever office is set up. */
function standInFor(name) {
  const camel = (text) => text.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
  const functions = Object.keys(REACH[name]).map(camel);
  const lines = functions.map(
    (each) => `export const ${each} = (...values) => globalThis.bursarOffice.call("${camel(name)}", "${each}", values);`,
  );
  return lines.join("\n");
}

function json(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Mistake(`${path}: ${error.message}`, "a case has seed.json and expected.json, and all share cases/config.json");
  }
}
