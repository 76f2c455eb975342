import { requestStatus } from "@claude-edge/protocol";

import { json, text, type Operation } from "./operation.js";

const list: Operation = {
  id: "listRequests",
  tag: "requests",
  summary: "List requests, oldest first",
  query: { status: requestStatus, after: text },
  answers: { 200: json("RequestList") },
};
const read: Operation = {
  id: "getRequest",
  tag: "requests",
  summary: "Read a request",
  answers: { 200: json("Request") },
};
const answer: Operation = {
  id: "answerRequest",
  tag: "requests",
  summary: "Answer a request; the first answer counts",
  body: "AnswerRequest",
  answers: { 200: json("Request") },
};

/** Requests, by id alone or under their session. */
export const REQUESTS: Record<string, Operation> = {
  "GET /v1/requests": list,
  "GET /v1/requests/:request": read,
  "POST /v1/requests/:request": answer,
  "GET /v1/sessions/:id/requests": { ...list, id: "listSessionRequests" },
  "GET /v1/sessions/:id/requests/:request": { ...read, id: "getSessionRequest" },
  "POST /v1/sessions/:id/requests/:request": { ...answer, id: "answerSessionRequest" },
};
