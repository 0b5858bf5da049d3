// Names and amounts: snake case and "1.10 EUR" in the words that all languages share, camel case and objects in the SDK.

import { money } from "@bursar/sdk";
import type { Money } from "@bursar/sdk";

/** Members whose content is somebody's own JSON: it stays as it is. */
const OWN = new Set(["body", "merge", "extra", "memo", "value", "data"]);

/** What the SDK answered, in the words that all languages share. */
export function shared(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return [...value];
  }
  if (Array.isArray(value)) {
    return value.map(shared);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return isMoney(value) ? money.toText(value) : mapped(value, snake, shared);
}

/** What a case gives, as the SDK takes it; amounts stay texts, since only a call knows which texts are amounts. */
export function own(value: unknown): any {
  if (Array.isArray(value)) {
    return value.map(own);
  }
  return typeof value !== "object" || value === null ? value : mapped(value, camel, own);
}

function mapped(value: object, rename: (name: string) => string, convert: (member: unknown) => unknown): object {
  const members = Object.entries(value).map(([name, member]) => [rename(name), OWN.has(name) ? member : convert(member)]);
  return Object.fromEntries(members);
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

function isMoney(value: object): value is Money {
  return Object.keys(value).length === 2 && "amount" in value && "currency" in value;
}
