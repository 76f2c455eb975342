import { expect, test } from "vitest";

import { findRoute, route } from "./router.js";

const ID = "0e8f8e4e-6c3c-4b7c-9a39-0d6bb1f0a111";
const TURN = "11111111-2222-4333-8444-555555555555";
const REQUEST = `0123456789abcdef.${ID}`;
const names = ["session", "turn", "request", "checkpoint", "blobs"];
const [session, turn, request, checkpoint, blobs] = names.map(
  (name) => () => name,
) as (() => string)[];

const routes = [
  route("DELETE", "/sessions/{session}", session!),
  route("PUT", "/sessions/{session}/turns/{turn}", turn!),
  route("POST", "/sessions/{session}/requests/{request}", request!),
  route("GET", "/sessions/{session}/checkpoints/{n}", checkpoint!),
  route("POST", "/sessions/{session}/checkpoints/{n}/blobs", blobs!),
];

test.each([
  ["DELETE", `/sessions/${ID}`, session, { session: ID }],
  ["PUT", `/sessions/${ID}/turns/${TURN}`, turn, { session: ID, turn: TURN }],
  ["POST", `/sessions/${ID}/requests/${REQUEST}`, request, { session: ID, request: REQUEST }],
  ["GET", `/sessions/${ID}/checkpoints/12`, checkpoint, { session: ID, n: "12" }],
  ["POST", `/sessions/${ID}/checkpoints/12/blobs`, blobs, { session: ID, n: "12" }],
])("%s %s has a route", (method, path, handle, params) => {
  const found = findRoute(routes, method, path);
  expect(found?.route.handle).toBe(handle);
  expect(found?.params).toEqual(params);
});

test.each([
  ["GET", `/sessions/${ID}`],
  ["DELETE", "/sessions/x"],
  ["POST", `/sessions/${ID}/requests/${ID}`],
  ["DELETE", `/sessions/${ID}/`],
  ["DELETE", `/other/sessions/${ID}`],
  ["GET", `/sessions/${ID}/checkpoints/1234567890`],
  ["GET", `/sessions/${ID}/checkpoints/-1`],
])("%s %s has none", (method, path) => {
  expect(findRoute(routes, method, path)).toBeUndefined();
});
