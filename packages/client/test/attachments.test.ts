import { buffer } from "node:stream/consumers";

import { ClaudeEdgeError } from "@claude-edge/client";
import { expect, test } from "vitest";

import {
  deployment,
  error,
  failureOf,
  HEADERS,
  requests,
  SESSION,
  stream,
  WHOLE,
} from "./deployment.js";

/** A deployment that takes uploads and prompts; `fails` of the prompts break off before their first event. */
async function taking(fails = 0) {
  const prompts: { attachments: unknown }[] = [];
  const uploads: Buffer[] = [];
  const edge = await deployment(
    async (response, request) => {
      const body = await buffer(request);
      if (request.method === "PUT") {
        uploads.push(body);
        response.writeHead(200, { ...HEADERS, "content-type": "application/json" });
        return response.end('{"checkpoint":1,"changed":1}');
      }
      prompts.push(JSON.parse(body.toString()) as { attachments: unknown });
      if (prompts.length <= fails) return stream(response).destroy();
      stream(response).end(WHOLE.join(""));
    },
    { clock: { now: Date.now, sleep: async () => {} } },
  );
  return { edge, prompts, uploads };
}

const base64 = (data: string | Uint8Array) => Buffer.from(data).toString("base64");

test("attachments travel with the prompt", async () => {
  const { edge, prompts } = await taking();
  const bytes = new Uint8Array(70_000).map((_, index) => index);
  const attachments = [
    { path: "src/main.ts" },
    { name: "note.txt", data: "grün" },
    { name: "bytes.bin", data: bytes },
    { name: "blob.bin", data: new Blob([bytes]) },
    { name: "empty", data: new ArrayBuffer(0) },
  ];
  const sent = [
    { path: "src/main.ts" },
    { name: "note.txt", data: base64("grün") },
    { name: "bytes.bin", data: base64(bytes) },
    { name: "blob.bin", data: base64(bytes) },
    { name: "empty", data: "" },
  ];
  await edge.query("Look", { attachments });
  await edge.sessions.open(SESSION).send("Look", { attachments });
  expect(prompts).toEqual([
    { prompt: "Look", attachments: sent, options: {} },
    { prompt: "Look", attachments: sent },
  ]);
});

test("nothing is read or sent before the turn is", async () => {
  const { edge } = await taking();
  const large = new Uint8Array(6 * 1024 * 1024);
  const turn = edge.sessions.open(SESSION).send("x", { attachments: [{ name: "a", data: large }] });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(requests).toEqual([]);
  await turn;
  expect(requests.map(({ method }) => method)).toEqual(["PUT", "POST"]);
});

test("too many bytes are put into the session first, once", async () => {
  const { edge, prompts, uploads } = await taking(1);
  const [one, two] = [1, 2].map((byte) => new Uint8Array(3 * 1024 * 1024).fill(byte));
  await edge.sessions.open(SESSION).send("Look", {
    attachments: [{ name: "one.bin", data: one! }, { path: "b" }, { name: "two two", data: two! }],
  });
  expect(uploads.map((body) => body.length)).toEqual([one!.length, two!.length]);
  expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `PUT /v1/sessions/${SESSION}/files/attachments/one.bin`,
    `PUT /v1/sessions/${SESSION}/files/attachments/two%20two`,
    `POST /v1/sessions/${SESSION}/turns`,
    `POST /v1/sessions/${SESSION}/turns`,
  ]);
  const attachments = [
    { path: "attachments/one.bin" },
    { path: "b" },
    { path: "attachments/two two" },
  ];
  expect(prompts).toEqual([
    { prompt: "Look", attachments },
    { prompt: "Look", attachments },
  ]);
});

test("a query refuses too many bytes with the way out, before anything is sent", async () => {
  const { edge } = await taking();
  const data = new Uint8Array(6 * 1024 * 1024);
  const failure = await failureOf(edge.query("Look", { attachments: [{ name: "a", data }] }));
  expect(failure).toBeInstanceOf(ClaudeEdgeError);
  expect(failure).toMatchObject({ code: "body_too_large", retryable: false });
  expect(failure!.suggestion).toContain("sessions.create()");
  expect(requests).toEqual([]);
});

test.each(["a/b", "..", "", "a\0b"])("the name %j is refused", async (name) => {
  const { edge } = await taking();
  const failure = await failureOf(edge.query("Look", { attachments: [{ name, data: "x" }] }));
  expect(failure).toMatchObject({ code: "invalid_request" });
  expect(requests).toEqual([]);
});

test("a session that is busy says so, and the prompt is not sent", async () => {
  const edge = await deployment((response) => error(response, 409, "turn_running", true), {
    maxRetries: 0,
  });
  const data = new Uint8Array(6 * 1024 * 1024);
  const turn = edge.sessions.open(SESSION).send("Look", { attachments: [{ name: "a", data }] });
  expect(await failureOf(turn)).toMatchObject({ code: "turn_running", retryable: true });
  expect(requests.map(({ method }) => method)).toEqual(["PUT"]);
});
