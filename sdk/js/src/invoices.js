// Reading invoices and payments. Needs `invoices: read` for the flow.

import {
  get as hostGet,
  getPayment as hostGetPayment,
  search as hostSearch,
  searchPayments as hostSearchPayments,
} from "bursar:office/invoices@0.1.0";
import { call } from "./convert.js";
import { pages } from "./paging.js";

/** A whole invoice: {head, content, taxTotals, redacted}. */
export function get(id) {
  return call(hostGet, id);
}

/** One page of heads: {items, next}. */
export function search({ conditions = [], order = [] }, page) {
  return call(hostSearch, conditions, order, { limit: page.limit, after: page.after });
}

/** Heads of all invoices that meet the conditions, page by page. */
export function all(query = {}) {
  return pages((page) => search(query, page));
}

/** One payment. */
export function getPayment(id) {
  return call(hostGetPayment, id);
}

/** One page of payments: {items, next}. */
export function searchPayments({ conditions = [], order = [] }, page) {
  return call(hostSearchPayments, conditions, order, { limit: page.limit, after: page.after });
}

/** All payments that meet the conditions, page by page. */
export function allPayments(query = {}) {
  return pages((page) => searchPayments(query, page));
}
