// Text as UTF-8 bytes and back, for guests without TextEncoder and TextDecoder.

/** Bytes that a text takes in UTF-8: what the contract's limits count. */
export function utf8Length(text) {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0);
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}

/** The text of UTF-8 bytes; a RangeError where they are none. */
export function fromUtf8(bytes) {
  let escaped = "";
  for (const byte of bytes) {
    escaped += `%${byte.toString(16).padStart(2, "0")}`;
  }
  try {
    return decodeURIComponent(escaped);
  } catch {
    throw new RangeError("the bytes are not UTF-8");
  }
}
