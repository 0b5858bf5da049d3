// Listings as iterators. Knows cursors, not what a page holds.

/** Rows asked for at a time: the most a page may hold, since each call has a price and a row has not. */
const PAGE_ROWS = 1000;

/** Rows of all pages, fetched while they are taken. `fetch` gets {limit, after} and gives {items, next}. */
export function* pages(fetch) {
  let after;
  do {
    const { items, next } = fetch({ limit: PAGE_ROWS, after });
    yield* items;
    after = next;
  } while (after !== undefined);
}
