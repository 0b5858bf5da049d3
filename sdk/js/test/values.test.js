import assert from "node:assert/strict";
import { test } from "node:test";
import * as dates from "../src/dates.js";
import * as filter from "../src/filter.js";
import * as money from "../src/money.js";
import * as text from "../src/text.js";

test("an amount survives text in every exponent", () => {
  for (const each of ["1.10 EUR", "-0.05 CHF", "0.00 USD", "110 JPY", "1.105 BHD", "-12.3456 CLF", "92233720368547758.07 EUR"]) {
    assert.equal(money.toText(money.parse(each)), each);
  }
});

test("what is not exact is no amount", () => {
  const bad = ["1.105 EUR", "1.5 JPY", "1e3 EUR", "1. EUR", ".5 EUR", "+1 EUR", "--1 EUR", " EUR", "1.00 eur", "1.00", "1.00 EUR "];
  for (const each of bad) {
    assert.throws(() => money.parse(each), RangeError, each);
  }
  assert.deepEqual(money.parse("1.10000 EUR"), { amount: "1.10", currency: "EUR" });
  assert.deepEqual(money.parse("7 EUR"), { amount: "7.00", currency: "EUR" });
});

test("sums are exact and mixed currencies have none", () => {
  const cents = Array.from({ length: 10 }, () => money.parse("0.10 EUR"));
  assert.deepEqual(cents.reduce(money.add), money.parse("1.00 EUR"));
  assert.deepEqual(money.subtract(money.parse("0.10 EUR"), money.parse("0.30 EUR")), money.parse("-0.20 EUR"));
  assert.equal(money.compare(money.parse("9.99 EUR"), money.parse("10.00 EUR")), -1);
  assert.equal(money.compare(money.parse("10 EUR"), money.parse("10.00 EUR")), 0);
  assert.throws(() => money.add(money.parse("1 EUR"), money.parse("1 CHF")), RangeError);
});

test("dates agree with the platform's calendar over eight centuries", () => {
  const dayMs = 86_400_000;
  const platform = (days) => new Date(days * dayMs).toISOString().slice(0, 10);
  for (let days = -146097; days <= 146097; days += 97) {
    const date = platform(days);
    assert.equal(dates.addDays("1970-01-01", days), date);
    assert.equal(dates.daysBetween("1970-01-01", date), days);
    assert.equal(dates.weekday(date) % 7, new Date(days * dayMs).getUTCDay());
    assert.equal(dates.addDays(date, 1), platform(days + 1));
  }
});

test("what is no date is refused", () => {
  for (const each of ["2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "26-01-01", "", "2026-01-01T00:00:00"]) {
    assert.throws(() => dates.addDays(each, 1), RangeError, each);
  }
  assert.equal(dates.addDays("2028-02-28", 1), "2028-02-29");
});

test("values of conditions travel as JSON and amounts as minor units", () => {
  assert.deepEqual(filter.equal("state", "issued").values, ['"issued"']);
  assert.deepEqual(filter.greater("outstanding", 0).values, ["0"]);
  assert.deepEqual(filter.greater("outstanding", money.parse("1.10 EUR")).values, ["110"]);
  assert.deepEqual(filter.oneOf("number", ["a", "b"]).values, ['"a"', '"b"']);
  assert.deepEqual(filter.missing("email").values, []);
});

test("text is counted and read as UTF-8", () => {
  for (const each of ["", "a", "ä", "€", "😀", "Grüße, €1 😀"]) {
    const bytes = new TextEncoder().encode(each);
    assert.equal(text.utf8Length(each), bytes.length);
    assert.equal(text.fromUtf8(bytes), each);
  }
  assert.throws(() => text.fromUtf8(Uint8Array.of(0xff)), RangeError);
});
