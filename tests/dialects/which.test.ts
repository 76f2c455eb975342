import { describe, expect, test } from "vitest";

import { useDialects, type DialectStack } from "../support/dialects.js";

const PATHS = [
  ["POST", "/query"],
  ["POST", "/claude-code"],
  ["GET", "/"],
  ["GET", "/debug"],
  ["POST", "/stream"],
  ["POST", "/conversations"],
  ["GET", "/conversations"],
  ["GET", "/conversations/00000000-0000-4000-8000-000000000000"],
  ["DELETE", "/conversations/00000000-0000-4000-8000-000000000000"],
] as const;

const answerTo = async (edge: DialectStack, method: string, path: string, body?: object) => {
  const headers = { "content-type": "application/json" };
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await edge.fetch(path, { method, headers, ...json });
  return { status: response.status, ...((await response.json()) as object) };
};

const queried = (edge: DialectStack, body: object) => answerTo(edge, "POST", "/query", body);

describe("with all of them off", () => {
  const edge = useDialects("messages");

  test.each(PATHS)("%s %s is not there", async (method, path) => {
    expect(await answerTo(edge, method, path)).toMatchObject({
      status: 404,
      error: { code: "not_found" },
    });
  });

  test("not for a token either, nor without a key", async () => {
    const headers = { authorization: `Bearer ${await edge.mint("ada")}` };
    const response = await edge.fetch("/query", { json: { query: "x" }, headers });
    expect(response.status).toBe(404);
    expect((await fetch(edge.stack.url)).status).toBe(401);
  });
});

describe("with query alone", () => {
  const edge = useDialects("query");

  test("it takes a prompt too, and checks it", async () => {
    expect(await queried(edge, { query: "%say a" })).toMatchObject({
      success: true,
      response: "a",
    });
    expect(await queried(edge, { prompt: "%say b" })).toMatchObject({
      success: true,
      response: "b",
    });
    expect(await queried(edge, { prompt: "" })).toMatchObject({ success: false, status: 400 });
    expect(await queried(edge, { prompt: "x", max_turns: 1 })).toMatchObject({
      success: false,
      code: "invalid_request",
    });
  });

  test("and the others' paths are not there", async () => {
    expect(await answerTo(edge, "POST", "/stream")).toMatchObject({ status: 404 });
    expect(await answerTo(edge, "GET", "/query")).toMatchObject({
      status: 405,
      error: { message: "/query takes POST, not GET." },
    });
  });
});

describe("with conversations alone", () => {
  const edge = useDialects("conversations");

  test("it checks every body in its own words, and who may ask", async () => {
    expect(await queried(edge, { prompt: "%say a" })).toMatchObject({ status: 200, response: "a" });
    expect(await queried(edge, { query: "x" })).toMatchObject({
      status: 400,
      code: "invalid_request",
      detail: expect.any(String),
    });
    const without = await fetch(`${edge.stack.url}/query`, { method: "POST" });
    expect(await without.json()).toMatchObject({
      code: "unauthorized",
      detail: expect.any(String),
    });
    const headers = { authorization: `Bearer ${await edge.mint("ada", { scopes: ["query"] })}` };
    const mine = await edge.fetch("/query", { json: { prompt: "%say b" }, headers });
    expect(await mine.json()).toMatchObject({ response: "b" });
  });
});

describe("with both on POST /query", () => {
  // Whatever the order in which they are named.
  const edge = useDialects(" conversations , query");

  test("a body with a prompt is a conversation's, any other the query's", async () => {
    const conversation = { conversation_id: expect.any(String), num_turns: 1 };
    expect(await queried(edge, { prompt: "%say a" })).toMatchObject({
      ...conversation,
      response: "a",
    });
    expect(await queried(edge, { query: "%say b" })).toEqual({
      status: 200,
      success: true,
      response: "b",
    });
    const detail = { status: 400, detail: expect.any(String) };
    expect(await queried(edge, { prompt: "x", query: "y" })).toMatchObject(detail);
    expect(await queried(edge, { prompt: 5 })).toMatchObject(detail);
    const error = { status: 400, success: false, error: expect.any(String) };
    expect(await queried(edge, {})).toMatchObject(error);
    expect(await queried(edge, { query: 5 })).toMatchObject(error);
    expect(await queried(edge, ["prompt"])).toMatchObject(error);
  });
});
