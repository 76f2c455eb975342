import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";

/** A model API that answers as a test wants it to: such things as a proxy before another model may say. */
type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;
let answer: Answer = (response) => response.end();

const server = createServer((request, response) => {
  request.resume().on("end", () => void answer(response, request));
});

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  vi.stubEnv("ANTHROPIC_API_KEY", "a-key-of-the-deployment");
  vi.stubEnv("ANTHROPIC_BASE_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
const edge = useOwnStack({ model: "credential" });
beforeAll(() => void vi.unstubAllEnvs());

const asked = { model: "claude-opus-5-5", max_tokens: 9, messages: [] };
const ask = (account: string, init: RequestInit = {}) =>
  edge.fetch("/v1/messages", { account, json: asked, ...init });

const usedBy = async (account: string) => (await edge.client(account).limits()).used;
const tokensOf = (account: string, tokens: number) =>
  until(`${tokens} tokens are counted`, async () => {
    const { tokens_today: found } = await usedBy(account);
    return found === tokens;
  });

const whole =
  (message: object): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(message));
  };
const event = (data: { type: string; [key: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const start = event({
  type: "message_start",
  message: { model: "claude-opus-5-5", usage: { input_tokens: 40, output_tokens: 1 } },
});
const delta = event({ type: "content_block_delta", delta: { type: "text_delta", text: "Hi" } });
const end = event({ type: "message_delta", usage: { output_tokens: 2 } });
const stop = event({ type: "message_stop" });

describe("whoever leaves early has used it all the same", () => {
  const message = JSON.stringify({ ...asked, usage: { input_tokens: 40, output_tokens: 2 } });
  const JSON_TYPE = "application/json";
  const STREAM_TYPE = "text/event-stream";
  // As many as begun and as seen, so that it is all the same how much of it came at once.
  const rest = [delta, event({ type: "message_delta", usage: { output_tokens: 1 } }), stop];
  // White space before JSON, and between events, is nothing.
  test.each([
    ["a whole answer", JSON_TYPE, "\n", [message], 42],
    ["a whole answer that has not begun", JSON_TYPE, "", [message], 42],
    ["a stream without an event yet", STREAM_TYPE, "\n", [start, ...rest], 41],
    ["a stream that has not begun", STREAM_TYPE, "", [start, ...rest], 41],
  ])("%s", async (name, type, before, pieces, tokens) => {
    const account = name.replaceAll(" ", "-");
    const begun = Promise.withResolvers<void>();
    answer = async (response) => {
      response.writeHead(200, { "content-type": type });
      begun.resolve();
      for (let n = 0; n < 20; n += 1) {
        if (before) response.write(before);
        await sleep(50);
      }
      for (const piece of pieces) response.write(piece);
      response.end();
    };
    const gone = new AbortController();
    const left = ask(account, { signal: gone.signal })
      .then((got) => got.text())
      .catch(() => "left");
    await begun.promise;
    gone.abort();
    expect(await left).toBe("left");
    await tokensOf(account, tokens);
  });
});

describe("answers as others give them are passed on and counted", () => {
  const usage = { input_tokens: 10, output_tokens: 5 };
  test.each<[string, object, number]>([
    ["no model", { model: null, usage }, 15],
    ["a model that is no name", { model: { name: "x" }, usage }, 15],
    ["a model of a name that objects have", { model: "__proto__", usage }, 15],
    [
      "figures that are none",
      { usage: { ...usage, input_tokens: "10", cache_read_input_tokens: -3 } },
      5,
    ],
    [
      "figures that are null",
      { usage: { ...usage, cache_read_input_tokens: null, cache_creation: null } },
      15,
    ],
    ["a figure beyond all measure", { usage: { ...usage, output_tokens: 1e300 } }, 10],
  ])("%s", async (name, message, tokens) => {
    const account = name.replaceAll(" ", "-");
    answer = whole(message);
    expect(await (await ask(account)).json()).toEqual(message);
    await tokensOf(account, tokens);
    const { total } = await edge.client(account).usage();
    expect(total.input_tokens + total.output_tokens).toBe(tokens);
    answer = (response) => {
      response.writeHead(200, { "content-type": "Text/Event-Stream; charset=utf-8" });
      const text = event({ type: "message_start", message }) + end.replace("2", "null") + stop;
      response.write(`: comment\r\n\r\n${text.slice(0, 30)}`);
      response.end(text.slice(30).replaceAll("\n", "\r\n"));
    };
    expect(await (await ask(account)).text()).toContain("message_stop");
    await tokensOf(account, tokens * 2);
  });
});

test("where a page was is not told to the model, nor to a page what the model's API would let it see", async () => {
  let seen: IncomingMessage["headers"] = {};
  answer = (response, request) => {
    seen = request.headers;
    response.writeHead(200, {
      "content-type": "application/json",
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "*",
    });
    response.end("{}");
  };
  const headers = { origin: "https://app.example.com", referer: "https://app.example.com/secret" };
  const got = await ask("page", { headers });
  expect(got.status).toBe(200);
  expect(seen["x-api-key"]).toBe("a-key-of-the-deployment");
  expect([seen.origin, seen.referer]).toEqual([undefined, undefined]);
  expect([...got.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
});

test("a redirection of the model API is not followed: the credential is not for wherever it leads to", async () => {
  const paths: string[] = [];
  answer = (response, request) => {
    paths.push(request.url ?? "");
    response.writeHead(307, { location: "/elsewhere" }).end();
  };
  const got = await ask("redirected");
  expect(got.status).toBe(502);
  expect(await got.json()).toMatchObject({ error: { code: "model_unreachable" } });
  expect(paths).toEqual(["/v1/messages"]);
});

test("whose credential it was paths with, and what stands before the model, is not told", async () => {
  answer = (response) => {
    response.writeHead(200, {
      "content-type": "application/json",
      "anthropic-organization-id": "org-1",
      "x-litellm-model-api-base": "https://inside.example",
      "anthropic-ratelimit-requests-remaining": "7",
    });
    response.end("{}");
  };
  const { headers } = await ask("told");
  expect(headers.get("anthropic-ratelimit-requests-remaining")).toBe("7");
  const names = [...headers.keys()].filter((name) => /organization|litellm/.test(name));
  expect(names).toEqual([]);
});
