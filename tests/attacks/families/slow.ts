import { setInterval as every } from "node:timers";

import { holds, refused, works, type Family } from "../attack.ts";
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
  const dripAll = (head: string, byte: string) =>
    askRaw(
      url,
      (write) => {
        write(head);
        const timer = every(() => write(byte), BYTE_MS);
        timer.unref();
        setTimeout(() => clearInterval(timer), PATIENCE_MS).unref();
      },
      { ms: PATIENCE_MS },
    );
  const drip = (head: string, byte: string) => dripAll(head, byte).then(([answer]) => answer!);
  const post = (...framing: string[]) => rawRequest(url, "POST /v1/query", [key, json, ...framing]);
  const late = { status: 408, code: "body_too_slow" };
  /** They all wait for the same half minute, so they begin at once. */
  const begun = [
    ["a byte now and then", drip(post("Content-Length: 1000"), " "), late],
    ["a chunk now and then", drip(post("Transfer-Encoding: chunked"), "1\r\n \r\n"), late],
    ["a body that never begins", drip(post("Content-Length: 1000"), ""), late],
    ["a body that stops", drip(`${post("Content-Length: 1000")}{"prompt":`, ""), late],
    ["chunks that do not end", drip(`${post("Transfer-Encoding: chunked")}2\r\n{}\r\n`, ""), late],
    [
      "a body that never begins, without a key",
      drip(rawRequest(url, "POST /v1/query", [json, "Content-Length: 1000"]), ""),
      { status: 401, code: "unauthorized" },
    ],
    [
      "a byte now and then of what is too large",
      drip(post("Content-Length: 10737418240"), " "),
      { status: 413, code: "body_too_large" },
    ],
  ] as const;
  // The server beneath gives headers 15 s, and hangs up without a word.
  const head = `GET /v1/sessions HTTP/1.1\r\nHost: x\r\n${key}\r\nx-a: `;
  const cut = [
    ["headers, a byte now and then", dripAll(head, "a")],
    ["headers that stop", dripAll(head, "")],
  ] as const;
  for (const [, answer] of [...begun, ...cut]) answer.catch(() => {});
  return {
    controls: [
      works("a body in two pieces", () =>
        askRaw(url, (write) => {
          write(post("Content-Length: 20", "Connection: close"));
          setTimeout(() => write('{"prompt":"%say ok"}'), BYTE_MS);
        }).then(([answer]) => answer!),
      ),
    ],
    attacks: [
      ...begun.map(([name, answer, expected]) => refused(name, () => answer, expected)),
      ...cut.map(([name, answers]) =>
        holds(name, async () => {
          const [answer] = await answers;
          return answer && `${answer.status} ${answer.text.slice(0, 100)}`;
        }),
      ),
    ],
  };
}
