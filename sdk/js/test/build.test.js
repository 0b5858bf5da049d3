import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { REACH, excesses, unused } from "../tools/reach.js";
import { withSection } from "../tools/section.js";
import { world } from "../tools/world.js";

const WIT = join(dirname(fileURLToPath(import.meta.url)), "../../../wit");

test("a world holds the functions that are called and no other", () => {
  const text = world(WIT, [
    { interface: "invoices-write", name: "dun" },
    { interface: "clock", name: "today" },
  ]);
  const functions = [...text.matchAll(/^ {2}([a-z-]+): func/gm)].map(([, name]) => name);
  assert.deepEqual(functions, ["today", "run", "dun"]);
  const imports = [...text.matchAll(/^ {2}import ([a-z-]+);/gm)].map(([, name]) => name);
  assert.deepEqual(imports, ["clock", "invoices-write", "rows", "types"]);
});

test("every function of the contract has its reach, and no other", () => {
  const known = Object.entries(REACH).flatMap(([of, functions]) => Object.keys(functions).map((name) => `${of}.${name}`));
  const there = readdirSync(WIT).flatMap((file) => functionsOf(readFileSync(join(WIT, file), "utf8")));
  assert.deepEqual(known.sort(), there.filter((name) => name !== "handler.run").sort());
});

function functionsOf(wit) {
  const [, ...interfaces] = wit.split(/^interface /m);
  return interfaces.flatMap((text) => [...text.matchAll(/^ {2}([a-z-]+): func/gm)].map(([, name]) => `${text.split(" ")[0]}.${name}`));
}

test("what no permission covers is named, and so is what nothing needs", () => {
  const manifest = { permissions: [{ kind: "invoices", operations: ["read", "dun"] }, { kind: "messages" }] };
  const imports = [{ interface: "invoices", name: "get" }, { interface: "tasks", name: "create" }, { interface: "log", name: "write" }];
  assert.deepEqual(excesses(imports, manifest), ['tasks.create needs the permission "tasks"']);
  assert.deepEqual(unused(imports.slice(0, 1), manifest), [{ kind: "invoices", operation: "dun" }, { kind: "messages" }]);
});

test("a section is appended with its length, whatever the length", () => {
  const empty = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const length of [0, 1, 124, 125, 126, 127, 128, 20_000]) {
    const folder = mkdtempSync(join(tmpdir(), "section-"));
    writeFileSync(join(folder, "m.wasm"), withSection(empty, "note", Buffer.alloc(length, 7)));
    const module = new WebAssembly.Module(readFileSync(join(folder, "m.wasm")));
    rmSync(folder, { recursive: true });
    const [section] = WebAssembly.Module.customSections(module, "note");
    assert.equal(section.byteLength, length);
  }
});
