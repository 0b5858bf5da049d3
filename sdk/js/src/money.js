// Amounts as text, exactly: {amount: "1.10", currency: "EUR"}. Binary fractions never come in.

/** Digits after the point of currencies whose minor unit is not a hundredth (ISO 4217). */
const EXPONENTS = new Map([
  ..."BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ").map((code) => [code, 0]),
  ..."BHD IQD JOD KWD LYD OMR TND".split(" ").map((code) => [code, 3]),
  ..."CLF UYW".split(" ").map((code) => [code, 4]),
]);

const AMOUNT = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;
const CURRENCY = /^[A-Z]{3}$/;

/** Digits after the point: 2 for EUR, 0 for JPY, 3 for BHD. */
export function exponent(currency) {
  return EXPONENTS.get(currency) ?? 2;
}

/** An amount of a currency, with exactly the digits of its minor unit; a RangeError if it is none, or finer. */
export function of(amount, currency) {
  return fromMinor(toMinor({ amount, currency }), currency);
}

/** Reads "1.10 EUR"; a RangeError if it is none. */
export function parse(text) {
  const [amount, currency, rest] = text.split(" ");
  if (currency === undefined || rest !== undefined) {
    throw new RangeError(`${JSON.stringify(text)} is no amount and currency`);
  }
  return of(amount, currency);
}

/** "1.10 EUR". */
export function toText(money) {
  return `${money.amount} ${money.currency}`;
}

/** The sum; a RangeError for mixed currencies. */
export function add(left, right) {
  return fromMinor(toMinor(left) + toMinor(same(left, right)), left.currency);
}

/** The difference; a RangeError for mixed currencies. */
export function subtract(left, right) {
  return fromMinor(toMinor(left) - toMinor(same(left, right)), left.currency);
}

/** -1, 0 or 1; a RangeError for mixed currencies. */
export function compare(left, right) {
  const difference = toMinor(left) - toMinor(same(left, right));
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Whether it is above zero. */
export function isPositive(money) {
  return toMinor(money) > 0n;
}

/** Minor units as a BigInt: 110n of "1.10 EUR". */
export function toMinor({ amount, currency }) {
  const [, sign, whole, fraction = ""] = AMOUNT.exec(amount) ?? [];
  if (whole === undefined || !CURRENCY.test(currency)) {
    throw new RangeError(`${JSON.stringify(`${amount} ${currency}`)} is no amount and currency`);
  }
  const digits = exponent(currency);
  if (/[1-9]/.test(fraction.slice(digits))) {
    throw new RangeError(`${amount} is finer than the minor unit of ${currency}`);
  }
  const minor = BigInt(whole + fraction.slice(0, digits).padEnd(digits, "0"));
  return sign === "-" ? -minor : minor;
}

/** The amount of minor units: "1.10" of 110n EUR. */
export function fromMinor(minor, currency) {
  const digits = exponent(currency);
  const sign = minor < 0n ? "-" : "";
  const padded = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, "0");
  const whole = padded.slice(0, padded.length - digits);
  const fraction = padded.slice(padded.length - digits);
  return { amount: digits === 0 ? sign + whole : `${sign}${whole}.${fraction}`, currency };
}

function same(left, right) {
  if (left.currency !== right.currency) {
    throw new RangeError(`${left.currency} and ${right.currency} do not add up`);
  }
  return right;
}
