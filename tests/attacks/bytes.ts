/** An entry of a tar as it is written, sound or not. */
export interface TarEntry {
  name: string;
  content?: string | Buffer;
  /** What its header says of its length, if that is not so. */
  size?: number | string;
  /** A character: `0` a file, `1` a hard link, `2` a link, `3` to `6` devices and pipes, `5` a folder. */
  type?: string;
  link?: string;
}

const BLOCK = 512;

const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;

/** A tar by hand: what no library would write. */
export function tarOf(...entries: TarEntry[]): Buffer<ArrayBuffer> {
  return Buffer.concat([...entries.flatMap(entryOf), Buffer.alloc(2 * BLOCK)]);
}

function entryOf({ name, content = "", size, type = "0", link = "" }: TarEntry): Buffer[] {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, "utf8");
  header.write(octal(0o644, 7), 100, "latin1");
  header.write(octal(0, 7) + octal(0, 7), 108, "latin1");
  header.write(typeof size === "string" ? size : octal(size ?? bytes.length, 11), 124, "latin1");
  header.write(octal(0, 11), 136, "latin1");
  header.write(`        ${type}`, 148, "latin1");
  header.write(link, 157, 100, "utf8");
  header.write("ustar\u000000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)} `, 148, "latin1");
  const padding = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
  return [header, bytes, padding];
}

/** A long name as GNU tar writes it, in an entry before the one it is for. */
export const longName = (name: string): TarEntry => ({
  name: "././@LongLink",
  type: "L",
  content: `${name}\0`,
});

/** A name as POSIX writes it. */
export function paxPath(path: string): TarEntry {
  const text = ` path=${path}\n`;
  let length = Buffer.byteLength(text) + 2;
  while (Buffer.byteLength(`${length}${text}`) !== length) length += 1;
  return { name: "PaxHeader", type: "x", content: `${length}${text}` };
}

/** The smallest image there is. */
export const PNG: Buffer<ArrayBuffer> = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==",
  "base64",
);

/** A form with one file. */
export function formOf(
  field: string,
  filename: string,
  content: Buffer,
): { body: Buffer<ArrayBuffer>; headers: Record<string, string> } {
  const disposition = `content-disposition: form-data; name="${field}"; filename="${filename}"`;
  return {
    body: Buffer.concat([
      Buffer.from(`--b\r\n${disposition}\r\n\r\n`),
      content,
      Buffer.from("\r\n--b--\r\n"),
    ]),
    headers: { "content-type": "multipart/form-data; boundary=b" },
  };
}
