import assert from "node:assert/strict";
import { test } from "node:test";
import { bound, call, plain } from "../src/convert.js";
import { Conflict, Denied, Invalid, LimitReached, NotFound, OtherError, PermanentFailure, RetryLater, failureOf } from "../src/errors.js";

const problem = (code, message = "why", pointer = "") => ({ code, pointer, message });

function thrownBy(payload) {
  try {
    call(() => {
      throw Object.assign(new Error("refused"), { payload });
    });
  } catch (error) {
    return error;
  }
}

test("each case of the contract's error is a class", () => {
  const cases = { "not-found": NotFound, conflict: Conflict, denied: Denied, limit: LimitReached, other: OtherError, later: OtherError };
  for (const [tag, expected] of Object.entries(cases)) {
    const error = thrownBy({ tag, val: problem("some-code", "why", "/x") });
    assert.equal(error.constructor, expected);
    assert.deepEqual([error.code, error.pointer, error.message], ["some-code", "/x", "why"]);
    assert.deepEqual(failureOf(error), { tag: "permanent", val: problem("some-code", "why", "/x") });
  }
});

test("all problems of invalid input are kept", () => {
  const error = thrownBy({ tag: "invalid", val: [problem("first", "no name", "/name"), problem("second", "no date")] });
  assert.ok(error instanceof Invalid);
  assert.equal(error.problems.length, 2);
  assert.deepEqual(failureOf(error).val, problem("first", "no name; no date", "/name"));
});

test("a plugin's own failures keep their code, and a fault is none", () => {
  assert.deepEqual(failureOf(new PermanentFailure("no-way", "never", "/x")), { tag: "permanent", val: problem("no-way", "never", "/x") });
  assert.deepEqual(failureOf(new RetryLater("busy", "later", 1.5)), { tag: "retry", val: { problem: problem("busy", "later"), after: 1_500_000 } });
  assert.equal(failureOf(new RetryLater("busy", "later")).val.after, undefined);
  assert.equal(failureOf(new TypeError("x")), undefined);
});

test("shapes go both ways", () => {
  const binding = { amount: { minor: 110, currency: "EUR" }, dueDate: null, extra: '{"a":[1]}', lines: [{ extra: "{}" }] };
  const value = { amount: { amount: "1.10", currency: "EUR" }, dueDate: undefined, extra: { a: [1] }, lines: [{ extra: {} }] };
  assert.deepEqual(plain(binding), value);
  assert.deepEqual(bound(value), { ...binding, dueDate: undefined });
});

test("an amount that a number does not hold is refused in both directions", () => {
  assert.throws(() => plain({ minor: 2 ** 53, currency: "EUR" }), RangeError);
  assert.throws(() => bound({ amount: "90071992547409.93", currency: "EUR" }), RangeError);
  assert.deepEqual(bound({ amount: "90071992547409.91", currency: "EUR" }), { minor: 2 ** 53 - 1, currency: "EUR" });
});
