// Reading documents. Needs `documents: read` on the folder.

import { get as hostGet, read as hostRead, search as hostSearch } from "bursar:office/documents@0.1.0";
import { call, callRaw, safe } from "./convert.js";
import { pages } from "./paging.js";
import { fromUtf8 } from "./text.js";

/** Bytes asked for at a time, the most a call gives. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** A document's description. */
export function get(id) {
  return call(hostGet, id);
}

/** One page of a folder, by name: {items, next}. */
export function search(folder, namePrefix, page) {
  return call(hostSearch, folder, namePrefix, { limit: page.limit, after: page.after });
}

/** All documents of a folder whose names begin with the prefix, page by page. */
export function all(folder, namePrefix = "") {
  return pages((page) => search(folder, namePrefix, page));
}

/** Bytes from an offset, at most 4 MiB a call; empty at the end. */
export function read(id, offset, length) {
  return Uint8Array.from(callRaw(hostRead, id, safe(offset), length));
}

/** A document's whole content. Look at its `bytes` first: it is held in memory. */
export function readAll(id) {
  const chunks = [];
  let length = 0;
  for (;;) {
    const chunk = read(id, length, CHUNK_BYTES);
    if (chunk.length === 0) {
      break;
    }
    chunks.push(chunk);
    length += chunk.length;
  }
  const content = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    content.set(chunk, offset);
    offset += chunk.length;
  }
  return content;
}

/** A document's whole content as text; a RangeError if it is not UTF-8. */
export function readText(id) {
  return fromUtf8(readAll(id));
}
