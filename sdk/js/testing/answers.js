// Answers of the stand-in: errors as bindings throw them, conditions and pages over heads of invoices.

/** Rows of a page: few, so that cases go through several. */
const PAGE_ROWS_MAX = 3;

const refusal = (tag, val) => Object.assign(new Error(tag), { payload: { tag, val } });

export const notFound = (what, code = "not-found") => refusal("not-found", { code, pointer: "", message: `there is no such ${what}` });
export const conflict = (code, message) => refusal("conflict", { code, pointer: "", message });
export const denied = (what) => refusal("denied", { code: "not-granted", pointer: "", message: `not granted: ${what}` });
export const invalid = (code, pointer, message) => refusal("invalid", [{ code, pointer, message }]);

/** Whether a row meets a condition; amounts count in minor units, and absent values meet nothing. */
export function matches(row, { field, comparison, values }) {
  const value = valueOf(row, field);
  const [wanted, ...more] = values.map((text) => JSON.parse(text));
  if (value === null) {
    return comparison === "missing";
  }
  switch (comparison) {
    case "present":
      return true;
    case "equal":
      return value === wanted;
    case "not-equal":
      return value !== wanted;
    case "less":
      return value < wanted;
    case "less-or-equal":
      return value <= wanted;
    case "greater":
      return value > wanted;
    case "greater-or-equal":
      return value >= wanted;
    case "one-of":
      return [wanted, ...more].includes(value);
    case "starts-with":
      return value.startsWith(wanted);
    default:
      return false;
  }
}

/** One page in order; the cursor is the place of the next row. */
export function page(rows, order, { limit, after }) {
  const sorted = [...rows].sort((left, right) => compare(left, right, order));
  const start = Number(after ?? 0);
  const end = start + Math.min(limit, PAGE_ROWS_MAX);
  return { items: sorted.slice(start, end), next: end < sorted.length ? String(end) : null };
}

function compare(left, right, order) {
  for (const { field, direction } of [...order, { field: "id", direction: "ascending" }]) {
    const [a, b] = [valueOf(left, field), valueOf(right, field)];
    if (a !== b) {
      return a < b === (direction === "ascending") ? -1 : 1;
    }
  }
  return 0;
}

function valueOf(row, field) {
  if (field === "currency") {
    return row.gross.currency;
  }
  const name = field.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
  if (!(name in row)) {
    throw invalid("not-indexed", "/conditions", `${field} is no field that can be filtered or sorted by`);
  }
  return row[name]?.minor ?? row[name];
}
