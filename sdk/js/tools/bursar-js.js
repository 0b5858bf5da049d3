#!/usr/bin/env node
// The command line: `bursar-js build FOLDER --out FILE`, `bursar-js cases FOLDER`.

import { parseArgs } from "node:util";
import { build } from "./build.js";
import { runCases } from "./cases.js";
import { Mistake } from "./mistake.js";

const USAGE = `usage: bursar-js build FOLDER --out FILE.wasm [--gzip FILE.wasm.gz] [--digest FILE.txt] [--wit FOLDER]
       bursar-js cases FOLDER`;

async function main() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { out: { type: "string" }, gzip: { type: "string" }, digest: { type: "string" }, wit: { type: "string" } },
  });
  const [command, folder, ...rest] = positionals;
  if (folder === undefined || rest.length > 0) {
    throw new Mistake("a command and a plugin's folder are missing", USAGE);
  }
  if (command === "build" && values.out !== undefined) {
    return build(folder, values);
  }
  if (command === "cases") {
    return runCases(folder);
  }
  throw new Mistake(`there is no command ${JSON.stringify(positionals.join(" "))} like this`, USAGE);
}

try {
  console.log(JSON.stringify(await main(), undefined, 2));
} catch (error) {
  const isTheirs = error instanceof Mistake || error?.code?.startsWith?.("ERR_PARSE_ARGS");
  console.error(`error: ${isTheirs ? error.message : error.stack}`);
  console.error(`\nhint: ${error.hint ?? USAGE}`);
  process.exitCode = isTheirs ? 1 : 2;
}
