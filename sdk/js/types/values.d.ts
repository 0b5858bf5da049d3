// Arithmetic on plain values; no function of the host.

import type { CalendarDate, Decimal, Money } from "./nouns.js";

/** Amounts, exactly. What is no amount, and mixed currencies, are a RangeError. */
export namespace money {
  /** Digits after the point: 2 for EUR, 0 for JPY, 3 for BHD (ISO 4217). */
  function exponent(currency: string): number;
  /** An amount with exactly the digits of its minor unit; a RangeError if it is finer. */
  function of(amount: Decimal, currency: string): Money;
  /** Reads "1.10 EUR". */
  function parse(text: string): Money;
  /** "1.10 EUR". */
  function toText(money: Money): string;
  function add(left: Money, right: Money): Money;
  function subtract(left: Money, right: Money): Money;
  function compare(left: Money, right: Money): -1 | 0 | 1;
  /** Whether it is above zero. */
  function isPositive(money: Money): boolean;
  /** Minor units: 110n of "1.10 EUR". */
  function toMinor(money: Money): bigint;
  function fromMinor(minor: bigint, currency: string): Money;
}

/** Calendar dates as texts. What is no date is a RangeError. */
export namespace dates {
  /** `month` and `day` begin with 1. */
  function parts(date: CalendarDate): { year: number; month: number; day: number };
  function addDays(date: CalendarDate, days: number): CalendarDate;
  /** 1 from a date to the next, negative if `end` is before. */
  function daysBetween(start: CalendarDate, end: CalendarDate): number;
  /** 1 for Monday to 7 for Sunday. */
  function weekday(date: CalendarDate): number;
}

export namespace text {
  /** Bytes that a text takes in UTF-8: what limits count. */
  function utf8Length(text: string): number;
  /** A RangeError where the bytes are not UTF-8. */
  function fromUtf8(bytes: Uint8Array): string;
}
