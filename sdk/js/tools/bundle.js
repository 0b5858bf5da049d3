// One ES module of a plugin's source, and which functions of the contract are left in it.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { rollup } from "rollup";
import { Mistake } from "./mistake.js";

const CONTRACT = /^bursar:office\/([a-z-]+)@/;

/**
 * Bundles from an entry file and resolves packages from `folder`: {code, imports: [{interface, name}]}, names as in WIT.
 *
 * Imports of the contract stay, but only those that something uses.
 */
export async function bundle(entry, folder) {
  const contract = {
    name: "contract",
    resolveId: (source) => (CONTRACT.test(source) ? { id: source, external: true, moduleSideEffects: false } : undefined),
  };
  const chunk = await bundled(entry, [contract, packagesOf(folder)]);
  const imports = Object.entries(chunk.importedBindings).flatMap(([source, names]) =>
    names.map((name) => ({ interface: CONTRACT.exec(source)?.[1] ?? source, name: kebab(name) })),
  );
  return { code: chunk.code, imports };
}

/** Bundles with the contract's interfaces replaced by the texts that `source` gives for their names. */
export async function bundleWith(entry, folder, source) {
  const standIn = {
    name: "stand-in",
    resolveId: (name) => (CONTRACT.test(name) ? `\0${CONTRACT.exec(name)[1]}` : undefined),
    load: (id) => (id.startsWith("\0") ? source(id.slice(1)) : undefined),
  };
  return (await bundled(entry, [standIn, packagesOf(folder)])).code;
}

/** Finds packages as Node would from the folder; relative paths are rollup's own business. */
function packagesOf(folder) {
  const require = createRequire(resolve(folder, "package.json"));
  return {
    name: "packages",
    resolveId: (source) => (/^[./\0]/.test(source) || resolve(source) === source ? undefined : require.resolve(source)),
  };
}

async function bundled(input, plugins) {
  const onwarn = (warning) => {
    throw new Mistake(`the plugin cannot be bundled: ${warning.message}`, "mend it and build again");
  };
  try {
    const bundle = await rollup({ input, plugins, onwarn, treeshake: { moduleSideEffects: false } });
    const { output } = await bundle.generate({ format: "es" });
    return output[0];
  } catch (error) {
    throw error instanceof Mistake ? error : new Mistake(`the plugin cannot be bundled: ${error.message}`, "mend it and build again");
  }
}

function kebab(name) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
