// Reading rows of collections. Needs `records: read`; an unknown collection is NotFound.

import { count as hostCount, get as hostGet, getMany as hostGetMany, search as hostSearch } from "bursar:office/records@0.1.0";
import { call } from "./convert.js";
import { pages } from "./paging.js";

/** One row, its body as a value. */
export function get(collection, id) {
  return call(hostGet, collection, id);
}

/** At most 1000 ids; answers in the order asked, leaving out what is not found. */
export function getMany(collection, ids) {
  return call(hostGetMany, collection, ids);
}

/** One page: {items, next}. */
export function search(collection, { conditions = [], order = [] }, page) {
  return call(hostSearch, collection, { conditions, order }, { limit: page.limit, after: page.after });
}

/** All rows that meet the conditions, page by page. */
export function all(collection, query = {}) {
  return pages((page) => search(collection, query, page));
}

/** How many rows match, counted up to `atMost` (1 to 100000). */
export function count(collection, { conditions = [], order = [] }, atMost) {
  return call(hostCount, collection, { conditions, order }, atMost);
}
