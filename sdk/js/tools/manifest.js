// plugin.toml, as far as building needs it. The host checks the rest when the component is installed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { Mistake } from "./mistake.js";

/** The manifest of a folder: {text, permissions: [{kind, operations}]}. */
export function readManifest(folder) {
  const path = join(folder, "plugin.toml");
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Mistake(`cannot read ${path}: ${error.message}`, "name the folder of a plugin");
  }
  try {
    const { permissions = [] } = parse(text);
    return { text, permissions };
  } catch (error) {
    throw new Mistake(`${path}: ${error.message}`, "correct plugin.toml and build again");
  }
}
