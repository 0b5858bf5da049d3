// The contract cut down to what a plugin calls. An interpreter binds every function of its world, so the world must hold no
// more than the plugin may reach.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Mistake } from "./mistake.js";

/** Name of the world that is made. */
export const WORLD = "plugin";

const PACKAGE = /^package\s+[^;]+;/m;
const INTERFACE = /(?:^\/\/\/.*\n)*^interface\s+([a-z-]+)\s*\{\n([\s\S]*?)^\}/gm;
/** A function with its doc comment, over one line or more. */
const FUNCTION = /(?:^[ \t]*\/\/\/.*\n)*^[ \t]*%?([a-z][a-z0-9-]*)[ \t]*:[ \t]*func\b[^;]*;[^\n]*\n/gm;
/** Interfaces whole: the export, and the nouns, which hold no function. */
const WHOLE = ["handler", "types", "rows"];

/** Text of one WIT package whose world imports exactly these functions and exports the handler. */
export function world(folder, imports) {
  const files = readdirSync(folder).filter((file) => file.endsWith(".wit")).sort();
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8"));
  const named = texts.map((text) => PACKAGE.exec(text)?.[0]).find((found) => found !== undefined);
  const interfaces = texts.flatMap((text) => [...text.matchAll(INTERFACE)]);
  if (named === undefined || interfaces.length === 0) {
    throw new Mistake(`${folder} holds no contract`, "name the folder of the contract's WIT files with --wit");
  }
  const called = (of) => imports.filter((each) => each.interface === of).map((each) => each.name);
  const used = interfaces.filter(([, name]) => WHOLE.includes(name) || called(name).length > 0);
  const cut = used.map(([, name, body]) => `interface ${name} {\n${WHOLE.includes(name) ? body : only(body, called(name))}}\n`);
  const importing = used.map(([, name]) => name).filter((name) => name !== "handler").map((name) => `  import ${name};\n`);
  return `${named}\n\n${cut.join("\n")}\nworld ${WORLD} {\n${importing.join("")}  export handler;\n}\n`;
}

function only(body, names) {
  return body.replace(FUNCTION, (whole, name) => (names.includes(name) ? whole : ""));
}
