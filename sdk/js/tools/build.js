// From a plugin's folder to a component: check types, bundle, bind exactly what is called, append the manifest.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.js";
import { runProgram, withCompiled, workFolder } from "./compile.js";
import { readManifest } from "./manifest.js";
import { Mistake } from "./mistake.js";
import { excesses, inWords, unused } from "./reach.js";
import { withSection } from "./section.js";
import { world, WORLD } from "./world.js";

/** Name of the custom section that holds the manifest's text. */
const SECTION = "bursar:manifest";
const WIT = resolve(dirname(fileURLToPath(import.meta.url)), "../../../wit");
const require = createRequire(import.meta.url);

/**
 * Builds the plugin of a folder with plugin.toml, tsconfig.json and src/main.ts.
 *
 * Writes the component to `out`, if asked also compressed to `gzip` and its SHA-256 to `digest`, and gives the facts.
 */
export async function build(folder, { out, gzip, digest, wit = WIT }) {
  const manifest = readManifest(folder);
  const { code, imports } = await withCompiled(folder, (entry) => bundle(entry, folder));
  const beyond = excesses(imports, manifest);
  if (beyond.length > 0) {
    const hint = "ask for the permission in plugin.toml, with a reason, or do not call the function";
    throw new Mistake(`the code reaches further than plugin.toml asks: ${beyond.join("; ")}`, hint);
  }
  const component = withSection(componentize(code, world(wit, imports)), SECTION, Buffer.from(manifest.text));
  const sha256 = createHash("sha256").update(component).digest("hex");
  write(out, component);
  if (gzip !== undefined) {
    write(gzip, gzipSync(component, { level: 9 }));
  }
  if (digest !== undefined) {
    write(digest, `${sha256}\n`);
  }
  return {
    out,
    bytes: component.length,
    digest: sha256,
    imports: imports.map(({ interface: of, name }) => `${of}.${name}`).sort(),
    permissions_without_use: unused(imports, manifest).map(inWords),
  };
}

/** Makes a component of one ES module, with the functions of the world's package as its only imports. */
function componentize(code, wit) {
  const work = workFolder();
  try {
    mkdirSync(join(work, "wit"));
    writeFileSync(join(work, "wit/world.wit"), wit);
    writeFileSync(join(work, "plugin.js"), code);
    const program = join(dirname(require.resolve("componentize-qjs")), "bin/componentize-qjs");
    const files = ["--wit", "wit", "--js", "plugin.js", "--world", WORLD, "--output", "plugin.wasm"];
    runProgram([program, ...files, "--stub-wasi", "--sync", "--opt-size", "--minify"], "no component came out", work);
    return readFileSync(join(work, "plugin.wasm"));
  } finally {
    rmSync(work, { recursive: true });
  }
}

function write(path, content) {
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, content);
}
