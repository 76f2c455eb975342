import { randomUUID } from "node:crypto";
import { request } from "node:http";

import { MAX_HEADER_CHARS, MAX_JSON_DEPTH, MAX_PATH_CHARS } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { outcome } from "../support/tokens.js";

const edge = useStack();

const OK = { status: 200 };
/** A body that is taken: the session that it is for is looked for then, and not found. */
const TAKEN = { status: 404, code: "session_not_found" };

const post = (body: BodyInit) =>
  edge.fetch(`/v1/sessions/${randomUUID()}/turns`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });

describe("how long a path may be", () => {
  const query = (chars: number) => {
    const path = "/v1/sessions?x=";
    return path + "y".repeat(chars - path.length);
  };

  test("up to the limit and not beyond, whoever asks", async () => {
    const tooLong = { status: 414, code: "path_too_long" };
    expect(await outcome(await edge.fetch(query(MAX_PATH_CHARS)))).toEqual(OK);
    expect(await outcome(await edge.fetch(query(MAX_PATH_CHARS + 1)))).toMatchObject(tooLong);
    const unknown = await fetch(`${edge.stack.url}${query(MAX_PATH_CHARS + 1)}`);
    expect(await outcome(unknown)).toMatchObject(tooLong);
    expect(unknown.headers.get("x-request-id")).toMatch(/^req_/);
  });
});

describe("how much the headers may hold", () => {
  /** With Node's own client: `fetch` gives up at headers of this size. */
  const ask = (headers: Record<string, string>) =>
    new Promise<Response>((resolve, reject) => {
      const url = `${edge.stack.url}/v1/sessions`;
      const authorization = `Bearer ${edge.stack.token}`;
      const sent = request(url, { headers: { authorization, ...headers } }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
        answer.on("end", () => resolve(new Response(text, { status: answer.statusCode! })));
      });
      sent.on("error", reject).end();
    });
  const tooLarge = { status: 431, code: "headers_too_large" };

  test("all of them together", async () => {
    expect(await outcome(await ask({ "x-filler": "a".repeat(MAX_HEADER_CHARS / 2) }))).toEqual(OK);
    const one = await ask({ "x-filler": "a".repeat(MAX_HEADER_CHARS) });
    expect(await outcome(one)).toMatchObject(tooLarge);
    const names = Array.from({ length: 2_000 }, (_, index) => `x-filler-${index}`);
    const many = await ask(Object.fromEntries(names.map((name) => [name, "a".repeat(10)])));
    expect(await outcome(many)).toMatchObject(tooLarge);
  });
});

describe("what a body may be", () => {
  const nested = (depth: number) => {
    // The prompt's list and its block are the first levels beneath the body itself.
    const inner = depth - 3;
    return `{"prompt":[{"type":"text","text":"%say ok","x":${"[".repeat(inner)}${"]".repeat(inner)}}]}`;
  };

  test("nested up to the limit and not beyond, whatever its texts hold", async () => {
    expect(await outcome(await post(nested(MAX_JSON_DEPTH)))).toMatchObject(TAKEN);
    const tooDeep = { status: 400, code: "invalid_request" };
    expect(await outcome(await post(nested(MAX_JSON_DEPTH + 1)))).toMatchObject(tooDeep);
    expect(await outcome(await post("[".repeat(4_000_000)))).toMatchObject(tooDeep);
    const text = `\\"${"[{".repeat(MAX_JSON_DEPTH)}`;
    expect(await outcome(await post(`{"prompt":"${text}"}`))).toMatchObject(TAKEN);
  });

  test("UTF-8 and nothing else", async () => {
    const bytes = (...parts: (string | number[])[]) =>
      Buffer.concat(parts.map((part) => Buffer.from(part as string)));
    const notText = { status: 400, code: "invalid_json" };
    const broken = await post(bytes('{"prompt":"', [0xed, 0xa0, 0x80], '"}'));
    expect(await outcome(broken)).toMatchObject(notText);
    expect(await outcome(await post(bytes('{"prompt":"x"}', [0xe2, 0x82])))).toMatchObject(notText);
  });
});
