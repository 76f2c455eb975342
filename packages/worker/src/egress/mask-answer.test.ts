import { describe, expect, test } from "vitest";

import { maskAnswer } from "./mask-answer.js";

const SENT = [
  { text: "sk-live-1234", placeholder: "ce_secret_1" },
  { text: "c2stbGl2ZQ==", placeholder: "ce_secret_2" },
  { text: "abc", placeholder: "ce_secret_3" },
];
const answerOf = (body: BodyInit | null, headers: Record<string, string> = {}, status = 200) =>
  new Response(body, { status, headers });

describe("an answer that echoes a secret", () => {
  test.each([
    "text/plain",
    "text/event-stream",
    "application/json",
    "application/problem+json",
    "application/xml",
    "multipart/mixed; boundary=x",
    undefined,
  ])("of type %s has its placeholder", async (type) => {
    const text = 'data: {"authorization":"Bearer sk-live-1234","basic":"c2stbGl2ZQ=="}\n\n';
    const length = { "content-length": String(text.length) };
    const bytes = new TextEncoder().encode(text);
    const answer = maskAnswer(
      answerOf(bytes, { ...(type && { "content-type": type }), ...length }),
      SENT,
    );
    expect(await answer.text()).toBe(
      'data: {"authorization":"Bearer ce_secret_1","basic":"ce_secret_2"}\n\n',
    );
    expect(answer.headers.get("content-length")).toBeNull();
  });

  test("in pieces too, and each as soon as it comes", async () => {
    let source!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (made) => void (source = made) });
    const put = (text: string) => source.enqueue(new TextEncoder().encode(text));
    const answer = maskAnswer(answerOf(body, { "content-type": "text/event-stream" }), SENT);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    put("data: one\n\n");
    expect((await reader.read()).value).toBe("data: one\n\n");
    put("data: sk-li");
    expect((await reader.read()).value).toBe("data: ");
    put("ve-1234\n\n");
    expect((await reader.read()).value).toBe("ce_secret_1\n\n");
    source.close();
    expect((await reader.read()).done).toBe(true);
  });

  test("in its headers, cookies one by one", () => {
    const given = answerOf("x", { location: "https://h.example/?k=sk-live-1234" });
    given.headers.append("set-cookie", "a=sk-live-1234");
    given.headers.append("set-cookie", "b=2");
    const { headers } = maskAnswer(given, SENT);
    expect(headers.get("location")).toBe("https://h.example/?k=ce_secret_1");
    expect(headers.getSetCookie()).toEqual(["a=ce_secret_1", "b=2"]);
  });
});

test("a binary body passes as it is, with its length", async () => {
  const bytes = new TextEncoder().encode("\0sk-live-1234");
  const headers = { "content-type": "application/octet-stream", "content-length": "13" };
  const answer = maskAnswer(answerOf(bytes, headers), SENT);
  expect(answer.headers.get("content-length")).toBe("13");
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
});

test("an answer without a body, or of an encoding that nobody takes off, keeps its status", async () => {
  expect(maskAnswer(answerOf(null, {}, 204), SENT).status).toBe(204);
  expect(maskAnswer(answerOf(null, {}, 304), SENT).status).toBe(304);
  const encoded = answerOf("sk-live-1234", {
    "content-encoding": "zstd",
    "content-type": "text/plain",
  });
  expect(await maskAnswer(encoded, SENT).text()).toBe("sk-live-1234");
});

test("a value that is short enough to be in any text is left", async () => {
  expect(await maskAnswer(answerOf("abcabc"), SENT).text()).toBe("abcabc");
  const untouched = answerOf("x");
  expect(maskAnswer(untouched, [])).toBe(untouched);
});
