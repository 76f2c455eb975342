import { ProtocolError } from "@claude-edge/client";
import { expect, test } from "vitest";

import { deployment, failureOf, HEADERS, read, requests, SESSION, TURN } from "./deployment.js";

const event = (seq: number, kind = "message") => ({
  seq,
  turn_id: TURN,
  kind,
  message: { type: "assistant" },
});

/** What a session's events come to that are read up to now, when the deployment gives one page after the other. */
async function readPages(pages: { events: unknown[]; last_seq: unknown }[], after?: number) {
  const edge = await deployment((response, _request, count) => {
    response.writeHead(200, { ...HEADERS, "content-type": "application/json" });
    response.end(JSON.stringify(pages[count - 1] ?? { events: [], last_seq: 0 }));
  });
  const session = edge.sessions.open(SESSION);
  return read(session.events({ follow: false, ...(after === undefined ? {} : { after }) }));
}

const asked = () =>
  requests.map(({ url }) => Number(new URL(url, "http://x").searchParams.get("after")));

test("page after page, up to the newest event", async () => {
  const pages = [
    { events: [event(1), event(2)], last_seq: 4 },
    { events: [event(3), event(4)], last_seq: 4 },
  ];
  expect(await readPages(pages)).toEqual([1, 2, 3, 4]);
  expect(asked()).toEqual([0, 2]);
});

test("what a running turn adds meanwhile is left out", async () => {
  const pages = [
    { events: [event(1)], last_seq: 2 },
    { events: [event(2), event(3)], last_seq: 9 },
  ];
  expect(await readPages(pages)).toEqual([1, 2]);
  expect(asked()).toEqual([0, 1]);
});

test("a newest number that no event has, as a lost container leaves it, is not waited for", async () => {
  const pages = [
    { events: [event(1)], last_seq: 1_000_001 },
    { events: [], last_seq: 1_000_001 },
  ];
  expect(await readPages(pages)).toEqual([1]);
  expect(await readPages([{ events: [], last_seq: 0 }])).toEqual([]);
  expect(await readPages([{ events: [], last_seq: 3 }], 7)).toEqual([]);
  expect(asked()).toEqual([7]);
});

test("a page of kinds this version does not know is not the end", async () => {
  const pages = [
    { events: [event(1, "unheard-of"), event(2, "unheard-of")], last_seq: 3 },
    { events: [event(3)], last_seq: 3 },
  ];
  expect(await readPages(pages)).toEqual([3]);
});

test.each([
  ["an event without a message", [{ events: [{ ...event(1), message: null }], last_seq: 1 }]],
  ["an event without a number", [{ events: [{ ...event(1), seq: "1" }], last_seq: 1 }]],
  ["no newest number", [{ events: [event(1)], last_seq: null }]],
])("%s is an error, and not left out", async (_what, pages) => {
  expect(await failureOf(readPages(pages))).toBeInstanceOf(ProtocolError);
});
