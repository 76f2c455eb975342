import { setInterval as every } from "node:timers";

import { refused, works, type Family } from "../attack.ts";
import { askRaw, rawRequest } from "../send.ts";
import type { World } from "../world.ts";

/** Longer than the deadline of a body, milliseconds. */
const PATIENCE_MS = 50_000;
const BYTE_MS = 500;

/** Requests that take their time, so that the deployment waits: each is told so, once. */
export function slow({ stack, mallory }: World): Family {
  const { url } = stack;
  const key = `Authorization: Bearer ${mallory.token}`;
  const json = "Content-Type: application/json";
  /** A byte now and then, for as long as anybody listens. */
  const drip = (head: string, byte: string, ms = BYTE_MS) =>
    askRaw(
      url,
      (write) => {
        write(head);
        const timer = every(() => write(byte), ms);
        timer.unref();
        setTimeout(() => clearInterval(timer), PATIENCE_MS).unref();
      },
      { ms: PATIENCE_MS },
    ).then(([answer]) => answer!);
  const post = (...framing: string[]) => rawRequest(url, "POST /v1/query", [key, json, ...framing]);
  const late = { status: 408, code: "body_too_slow" };
  /** They all wait for the same half minute, so they begin at once. */
  const begun = [
    ["a byte now and then", drip(post("Content-Length: 1000"), " "), late],
    ["a chunk now and then", drip(post("Transfer-Encoding: chunked"), "1\r\n \r\n"), late],
    ["a body that never begins", drip(post("Content-Length: 1000"), ""), late],
    ["a body that stops", drip(`${post("Content-Length: 1000")}{"prompt":`, ""), late],
    ["chunks that do not end", drip(`${post("Transfer-Encoding: chunked")}2\r\n{}\r\n`, ""), late],
    // The server beneath gives headers 15 s.
    [
      "headers, a byte now and then",
      drip(`GET /v1/sessions HTTP/1.1\r\n${key}\r\nx-a: `, "a"),
      { status: 408 },
    ],
    ["headers that stop", drip("GET /v1/sessions HTTP/1.1\r\nHost: x\r\n", ""), { status: 408 }],
  ] as const;
  for (const [, answer] of begun) answer.catch(() => {});
  return {
    controls: [
      works("a body in two pieces", () =>
        askRaw(url, (write) => {
          write(post("Content-Length: 20", "Connection: close"));
          setTimeout(() => write('{"prompt":"%say ok"}'), BYTE_MS);
        }).then(([answer]) => answer!),
      ),
    ],
    attacks: begun.map(([name, answer, expected]) => refused(name, () => answer, expected)),
  };
}
