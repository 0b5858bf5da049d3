// TypeScript to ES modules, with the types checked.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Mistake } from "./mistake.js";

const require = createRequire(import.meta.url);

/** Compiles the `src` of a plugin's folder and hands the path of what became of src/main.ts to `use`; then it is gone. */
export async function withCompiled(folder, use) {
  const work = workFolder();
  try {
    const compiler = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
    const places = ["--project", folder, "--rootDir", join(folder, "src"), "--outDir", work];
    runProgram([compiler, ...places, "--noEmit", "false"], "the plugin does not compile");
    return await use(join(work, "main.js"));
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** A folder of one's own, to be removed by whoever asks for it. */
export function workFolder() {
  return mkdtempSync(join(tmpdir(), "bursar-js-"));
}

/** Runs a JavaScript program; what it says about a failure becomes a Mistake. */
export function runProgram(words, failure, cwd = undefined) {
  try {
    execFileSync(process.execPath, words, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const said = `${error.stdout ?? ""}${error.stderr ?? ""}`.trim() || error.message;
    throw new Mistake(`${failure}:\n${said}`, "mend it and build again");
  }
}
