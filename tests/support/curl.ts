import { execFile } from "node:child_process";

/** What curl got. */
export interface CurlAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** A proxy of the machine's has no business on loopback. */
const PREFIX = 'curl() { command curl --silent --show-error --include --noproxy "*" "$@"; }\n';

/** Runs a line of a shell, as a README has it, with the real curl. */
export function curl(line: string): Promise<CurlAnswer> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 64 * 1024 * 1024 };
    execFile("bash", ["-c", PREFIX + line], options, (error, stdout, stderr) => {
      if (error) return reject(new Error(`${line}\n${stderr}`, { cause: error }));
      const end = stdout.indexOf("\r\n\r\n");
      const [first = "", ...fields] = stdout.slice(0, end).split("\r\n");
      // A large body is announced, and that is answered first.
      if (/ 100 /.test(first)) return reject(new Error(`an interim answer: ${first}`));
      const headers = new Headers(
        fields.map((field): [string, string] => {
          const colon = field.indexOf(":");
          return [field.slice(0, colon), field.slice(colon + 1).trim()];
        }),
      );
      resolve({ status: Number(first.split(" ")[1]), headers, body: stdout.slice(end + 4) });
    });
  });
}
