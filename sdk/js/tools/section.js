// Custom sections of a WebAssembly binary (core specification, binary format of modules).

const CUSTOM_SECTION_ID = 0;

/** The binary with one more custom section at its end. */
export function withSection(binary, name, content) {
  const title = Buffer.from(name);
  const body = Buffer.concat([unsigned(title.length), title, content]);
  return Buffer.concat([binary, Buffer.from([CUSTOM_SECTION_ID]), unsigned(body.length), body]);
}

/** An unsigned integer in LEB128. */
function unsigned(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return Buffer.from(bytes);
}
