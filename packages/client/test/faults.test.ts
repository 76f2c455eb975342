import type { ServerResponse } from "node:http";

import {
  AbortError,
  ApiError,
  ClaudeEdge,
  ConnectionError,
  ProtocolError,
  StreamInterruptedError,
  TimeoutError,
  TurnError,
} from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import {
  SESSION,
  TURN,
  turnEvent,
  frame,
  WHOLE,
  deployment,
  HEADERS,
  stream,
  error,
  read,
  failureOf,
  requests,
} from "./deployment.js";

describe("a stream", () => {
  test("undisturbed gives its events and its outcome", async () => {
    const edge = await deployment((response) => stream(response).end(WHOLE.join("")));
    const turn = edge.query("hi");
    expect(turn.id).toBeUndefined();
    expect(await read(turn)).toEqual([1, 2, 3, 4, 5]);
    expect(await turn).toMatchObject({ text: "ab", sessionId: SESSION, turnId: TURN });
    expect(turn).toMatchObject({ id: TURN, sessionId: SESSION, lastSeq: 5 });
  });

  test("sends nothing before it is read", async () => {
    const edge = await deployment((response) => stream(response).end(WHOLE.join("")));
    const turn = edge.query("hi");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(requests).toEqual([]);
    await turn;
    expect(requests).toHaveLength(1);
  });

  test.each([
    ["ends", (response: ServerResponse) => response.end()],
    ["is reset", (response: ServerResponse) => response.socket!.resetAndDestroy()],
    [
      "ends in the middle of an event",
      (response: ServerResponse) => response.end(WHOLE[3]!.slice(0, 40)),
    ],
  ])("that %s before its turn is taken up behind the last event", async (_what, cut) => {
    const edge = await deployment((response, _request, count) => {
      if (count > 1) return stream(response).end(WHOLE.slice(3).join(""));
      stream(response).write(WHOLE.slice(0, 3).join(""), () => setTimeout(() => cut(response), 20));
    });
    expect(await read(edge.query("hi"))).toEqual([1, 2, 3, 4, 5]);
    expect(requests[1]).toMatchObject({
      method: "GET",
      url: `/v1/sessions/${SESSION}/events?after=3&turn=${TURN}`,
    });
  });

  test("that ends before its first event is asked for again with the same key", async () => {
    const edge = await deployment((response, _request, count) =>
      count > 1 ? stream(response).end(WHOLE.join("")) : stream(response).end(),
    );
    expect(await read(edge.query("hi"))).toEqual([1, 2, 3, 4, 5]);
    expect(requests[1]!.key).toBe(requests[0]!.key);
    expect(requests[0]!.key).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("gives an event once, however often it comes", async () => {
    const twice = [...WHOLE.slice(0, 4), ...WHOLE.slice(2, 4), WHOLE[4]];
    const edge = await deployment((response) => stream(response).end(twice.join("")));
    expect(await read(edge.query("hi"))).toEqual([1, 2, 3, 4, 5]);
  });

  test("that cannot be taken up ends with what was seen", async () => {
    const edge = await deployment(
      (response, _request, count) =>
        count > 1 ? response.socket!.destroy() : stream(response).end(WHOLE.slice(0, 3).join("")),
      { maxReconnects: 1, maxRetries: 0 },
    );
    const failure = await failureOf(edge.query("hi"));
    expect(failure).toBeInstanceOf(StreamInterruptedError);
    expect(failure).toMatchObject({ sessionId: SESSION, turnId: TURN, lastSeq: 3 });
  });

  test("of a session where nothing happens may break as often as it likes, if each lasts", async () => {
    let now = 0;
    const clock = { now: () => now, sleep: async () => {} };
    const edge = await deployment(
      (response, _request, count) => {
        if (count > 6) return void stream(response).write(WHOLE[0]!);
        // As a deployment ends it, once a minute.
        stream(response).write(": ping\n\n", () =>
          setTimeout(() => {
            now += 60_000;
            response.end();
          }, 20),
        );
      },
      { maxReconnects: 2, clock },
    );
    for await (const { seq } of edge.sessions.open(SESSION).events()) {
      expect(seq).toBe(1);
      break;
    }
    expect(requests).toHaveLength(7);
  });

  test("that falls silent is given up", async () => {
    const edge = await deployment((response) => stream(response).write(WHOLE[0]), {
      idleTimeout: 200,
      maxReconnects: 0,
    });
    const failure = await failureOf(edge.query("hi"));
    expect(failure).toBeInstanceOf(StreamInterruptedError);
    expect(failure!.cause).toBeInstanceOf(TimeoutError);
  });

  test("may be split anywhere: in a line, in a character, between CR and LF", async () => {
    const text = WHOLE.join("").replace('"a"', '"é"').replaceAll("\n", "\r\n");
    const bytes = Buffer.from(text);
    const edge = await deployment(async (response) => {
      stream(response);
      for (let at = 0; at < bytes.length; at += 7) {
        response.write(bytes.subarray(at, at + 7));
        await new Promise(setImmediate);
      }
      response.end();
    });
    const pieces: string[] = [];
    for await (const piece of edge.query("hi").text()) pieces.push(piece);
    expect(pieces.join("")).toBe("éb");
  });

  test("skips kinds of events it does not know", async () => {
    const edge = await deployment((response) =>
      stream(response).end([...WHOLE.slice(0, 4), frame(4, "novelty", {}), WHOLE[4]].join("")),
    );
    expect(await read(edge.query("hi"))).toEqual([1, 2, 3, 4, 5]);
  });

  test.each([
    ["is not JSON", "id: 3\nevent: message\ndata: {oops\n\n"],
    ["is no delta", "id: 3\nevent: delta\ndata: {}\n\n"],
    ["has a status there is not", turnEvent(3, "exploded")],
  ])("with an event that %s is an error, and says behind which", async (_what, bad) => {
    const edge = await deployment((response) => stream(response).end(WHOLE[0]! + WHOLE[1]! + bad));
    const failure = await failureOf(edge.query("hi"));
    expect(failure).toBeInstanceOf(ProtocolError);
    expect(failure!.message).toContain("Behind event 2");
  });

  test("of a turn that fails gives all its events, and throws where the outcome is asked for", async () => {
    const failed = turnEvent(3, "failed", {
      error: { code: "model_overloaded", message: "busy", retryable: true },
    });
    const edge = await deployment((response) =>
      stream(response).end(WHOLE[0]! + WHOLE[1]! + failed),
    );
    const turn = edge.query("hi");
    expect(await read(turn)).toEqual([1, 2, 3]);
    const failure = await failureOf(turn);
    expect(failure).toBeInstanceOf(TurnError);
    expect(failure).toMatchObject({
      code: "model_overloaded",
      sessionId: SESSION,
      turnId: TURN,
    });
  });

  test("is read once", async () => {
    const edge = await deployment((response) => stream(response).end(WHOLE.join("")));
    const turn = edge.query("hi");
    await read(turn);
    await expect(read(turn)).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("is left by break: the connection ends", async () => {
    let closed: Promise<unknown> | undefined;
    const edge = await deployment((response) => {
      closed = new Promise((resolve) => response.once("close", resolve));
      stream(response).write(WHOLE.slice(0, 3).join(""));
    });
    for await (const event of edge.query("hi")) if (event.seq === 3) break;
    await closed;
    expect(requests).toHaveLength(1);
  });

  test("is ended by its signal", async () => {
    const edge = await deployment((response) => stream(response).write(WHOLE.slice(0, 3).join("")));
    const controller = new AbortController();
    const turn = edge.query("hi", { signal: controller.signal });
    const reading = (async () => {
      for await (const event of turn) if (event.seq === 3) controller.abort(new Error("enough"));
    })();
    const failure = await failureOf(reading);
    expect(failure).toBeInstanceOf(AbortError);
    expect(failure!.cause).toMatchObject({ message: "enough" });
  });
});

describe("an answer", () => {
  test("that is an error of the deployment is one here, with its request id", async () => {
    const edge = await deployment((response) => error(response, 401, "unauthorized", false));
    const failure = await failureOf(edge.query("hi"));
    expect(failure).toBeInstanceOf(ApiError);
    expect(failure).toMatchObject({
      code: "unauthorized",
      status: 401,
      requestId: "req_1",
    });
    expect(requests).toHaveLength(1);
  });

  test("that asks to come again is asked again, when it says", async () => {
    const edge = await deployment((response, _request, count) =>
      count < 3
        ? error(response, 503, "queue_full", true, { "retry-after": "0" })
        : stream(response).end(WHOLE.join("")),
    );
    expect((await edge.query("hi")).text).toBe("ab");
    expect(new Set(requests.map(({ key }) => key)).size).toBe(1);
  });

  test.each([
    ["a login page", 200, "text/html", ProtocolError, 1],
    ["a page that is not there", 404, "text/html", ProtocolError, 1],
    ["a redirection", 302, "text/html", ProtocolError, 1],
    ["a gateway's error page", 502, "text/html", ConnectionError, 2],
    ["JSON of something else", 200, "application/json", ProtocolError, 1],
  ])("that is %s is an error", async (_what, status, type, kind, tries) => {
    const edge = await deployment(
      (response) =>
        response.writeHead(status, { "content-type": type, location: "/login" }).end("<html>"),
      { maxRetries: 1 },
    );
    const failure = await failureOf(edge.query("hi"));
    expect(failure).toBeInstanceOf(kind);
    expect(requests).toHaveLength(tries);
  });

  test("of a protocol that is no neighbour is an error with the way out", async () => {
    const edge = await deployment((response) =>
      response
        .writeHead(200, { "content-type": "text/event-stream", "x-claude-edge-protocol": "3" })
        .end(),
    );
    expect(await failureOf(edge.query("hi"))).toMatchObject({
      code: "protocol_mismatch",
      message: "The deployment speaks protocol 3, the client 1: raise the client.",
    });
  });

  test("that does not begin is given up", async () => {
    const edge = await deployment(() => {}, { headersTimeout: 100, maxRetries: 0 });
    const failure = await failureOf(edge.query("hi"));
    expect(failure).toBeInstanceOf(TimeoutError);
    expect(failure).toMatchObject({ phase: "headers" });
  });

  test("that nobody gives is a connection error that names the URL", async () => {
    const edge = new ClaudeEdge({ baseURL: "http://127.0.0.1:9", token: "key", maxRetries: 0 });
    const failure = await failureOf(edge.query("hi"));
    expect(failure).toBeInstanceOf(ConnectionError);
    expect(failure!.message).toContain("http://127.0.0.1:9");
  });
});

describe("the client", () => {
  test("wants to know where and with what", () => {
    expect(() => new ClaudeEdge({ token: "key" })).toThrow(
      expect.objectContaining({ code: "no_url" }),
    );
    expect(() => new ClaudeEdge({ baseURL: "example.com", token: "key" })).toThrow(
      expect.objectContaining({ code: "no_url" }),
    );
    expect(() => new ClaudeEdge({ baseURL: "https://example.com" })).toThrow(
      expect.objectContaining({ code: "unauthorized" }),
    );
  });

  test("keeps an id that is no id within its place in the path, and a key out of messages", async () => {
    const edge = await deployment((response) => error(response, 404, "session_not_found", false));
    await failureOf(edge.sessions.open("x/../../query?").send("hi"));
    expect(requests[0]!.url).toBe("/v1/sessions/x%2F..%2F..%2Fquery%3F/turns");
    for (const id of ["", ".", ".."]) {
      expect(() => edge.sessions.open(id)).toThrow(
        expect.objectContaining({ code: "session_not_found" }),
      );
    }
    const bad = () => new ClaudeEdge({ baseURL: "http://127.0.0.1:9", token: "sk-1\r\nsk-2" });
    expect(bad).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        message: expect.not.stringContaining("sk-"),
      }),
    );
  });

  test("gives up a JSON answer that stalls", async () => {
    const edge = await deployment(
      (response) =>
        response.writeHead(200, { ...HEADERS, "content-type": "application/json" }).write("{"),
      { idleTimeout: 200, maxRetries: 0 },
    );
    expect(await failureOf(edge.sessions.create())).toBeInstanceOf(TimeoutError);
  });

  test("does not hurry a reader that takes its time", async () => {
    const edge = await deployment((response) => stream(response).end(WHOLE.join("")), {
      idleTimeout: 100,
    });
    const seqs: number[] = [];
    for await (const { seq } of edge.query("hi")) {
      seqs.push(seq);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(seqs).toEqual([1, 2, 3, 4, 5]);
    expect(requests).toHaveLength(1);
  });

  test("tells of what it repeats", async () => {
    const retries: number[] = [];
    const edge = await deployment(
      (response, _request, count) =>
        count < 2 ? response.socket!.destroy() : stream(response).end(WHOLE.join("")),
      { onRetry: ({ attempt }) => retries.push(attempt) },
    );
    await edge.query("hi");
    expect(retries).toEqual([1]);
  });

  test("an error says all it knows as JSON, and never the key", async () => {
    const edge = await deployment((response) => error(response, 409, "session_exists", false), {
      token: "very-secret",
    });
    const failure = await failureOf(edge.sessions.create());
    expect(JSON.stringify(failure)).toContain("session_exists");
    expect(JSON.stringify(failure)).not.toContain("very-secret");
    expect(String(failure!.stack)).not.toContain("very-secret");
  });
});
