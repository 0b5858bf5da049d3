// Between the bindings' shapes and plain ones. Knows shapes only, no function of the host.
//
// bindings                          plain
// {minor: 110, currency: "EUR"}     {amount: "1.10", currency: "EUR"}
// JSON text in body, extra, memo    the value itself
// none as null                      undefined
//
// The bindings pass 64-bit integers as numbers and round what a number does not hold. An amount beyond 2^53 minor units is
// therefore refused in both directions, never rounded.

import { errorOf } from "./errors.js";
import { fromMinor, toMinor } from "./money.js";

/** Fields that hold JSON text, wherever they occur in the contract. */
const JSON_FIELDS = new Set(["body", "extra", "memo"]);

/** Calls the host with plain arguments and gives a plain answer; a refusal is thrown as one of the error classes. */
export function call(operation, ...values) {
  return plain(answer(operation, values.map(bound)));
}

/** As `call`, for arguments and an answer that need no conversion. */
export function callRaw(operation, ...values) {
  return answer(operation, values);
}

function answer(operation, values) {
  try {
    return operation(...values);
  } catch (thrown) {
    throw errorOf(thrown);
  }
}

/** A value of the bindings as a plain one. */
export function plain(value) {
  if (value === null) {
    return undefined;
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== "object" || ArrayBuffer.isView(value)) {
    return value;
  }
  if ("minor" in value) {
    return fromMinor(BigInt(safe(value.minor)), value.currency);
  }
  return mapped(value, (name, member) => (JSON_FIELDS.has(name) ? JSON.parse(member) : plain(member)));
}

/** A plain value as the bindings want it. */
export function bound(value) {
  if (Array.isArray(value)) {
    return value.map(bound);
  }
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) {
    return value;
  }
  if (isMoney(value)) {
    return { minor: safe(Number(toMinor(value))), currency: value.currency };
  }
  return mapped(value, (name, member) => (JSON_FIELDS.has(name) ? jsonText(member) : bound(member)));
}

/** JSON text of a value; absent is an empty object. */
export function jsonText(value) {
  return value === undefined ? "{}" : JSON.stringify(value);
}

/** The same number; a RangeError if it is no integer from -(2^53 - 1) to 2^53 - 1. */
export function safe(number) {
  if (!Number.isSafeInteger(number)) {
    throw new RangeError(`${number} is no integer, or beyond those that a number holds exactly`);
  }
  return number;
}

function isMoney(value) {
  return Object.keys(value).length === 2 && typeof value.amount === "string" && typeof value.currency === "string";
}

function mapped(value, convert) {
  const result = {};
  for (const name of Object.keys(value)) {
    result[name] = convert(name, value[name]);
  }
  return result;
}
