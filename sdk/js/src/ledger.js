// What parties owe, added up. Needs `invoices: read` for the flow.

import { aging as hostAging, balances as hostBalances } from "bursar:office/ledger@0.1.0";
import { call } from "./convert.js";
import { pages } from "./paging.js";

/** What is open by days past due: {asOf, books}. `buckets` are the last days of each but the last: 30, 60, 90 unless given. */
export function aging(accounts, buckets = []) {
  return call(hostAging, accountsOf(accounts), buckets);
}

/** One page of what each party owes: {asOf, items, next}. */
export function balances(accounts, page) {
  return call(hostBalances, accountsOf(accounts), { limit: page.limit, after: page.after });
}

/** What every party owes, page by page. */
export function allBalances(accounts) {
  return pages((page) => balances(accounts, page));
}

function accountsOf({ flow, legalEntity = undefined, party = undefined, asOf = undefined }) {
  return { flow, legalEntity, party, asOf };
}
