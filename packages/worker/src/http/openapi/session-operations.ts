import { sessionStatus } from "@claude-edge/protocol";

import { flag, json, page, text, whole, type Operation } from "./operation.js";

const events = { of: "Event" } as const;

/** Sessions, their turns and events. */
export const SESSIONS: Record<string, Operation> = {
  "POST /v1/query": {
    id: "query",
    tag: "sessions",
    summary: "Send a prompt in a session of its own, and get its turn",
    body: "Query",
    answers: { 200: json("Turn"), 202: json("Turn") },
    events,
  },
  "POST /v1/sessions": {
    id: "createSession",
    tag: "sessions",
    summary: "Create a session",
    body: "CreateSession",
    answers: { 201: json("Session") },
  },
  "GET /v1/sessions": {
    id: "listSessions",
    tag: "sessions",
    summary: "List the account's sessions, by tag, status or text of the title",
    query: { ...page, tag: text, title: text, status: sessionStatus },
    answers: { 200: json("SessionList") },
  },
  "GET /v1/sessions/:id": {
    id: "getSession",
    tag: "sessions",
    summary: "Read a session",
    answers: { 200: json("Session") },
  },
  "PATCH /v1/sessions/:id": {
    id: "updateSession",
    tag: "sessions",
    summary: "Change title, tags, options or lifetime of a session",
    body: "UpdateSession",
    answers: { 200: json("Session") },
  },
  "DELETE /v1/sessions/:id": {
    id: "deleteSession",
    tag: "sessions",
    summary: "Delete a session with all it has",
    answers: { 204: null },
  },
  "POST /v1/sessions/:id/fork": {
    id: "forkSession",
    tag: "sessions",
    summary: "Branch conversation and files into a new session",
    body: "ForkSession",
    answers: { 201: json("Session") },
  },
  "POST /v1/sessions/:id/rewind": {
    id: "rewindSession",
    tag: "sessions",
    summary: "Go back to the end of a turn, conversation and files",
    body: "RewindSession",
    answers: { 200: json("Rewound") },
  },
  "GET /v1/sessions/:id/export": {
    id: "exportSession",
    tag: "sessions",
    summary: "All of a session as a tar: turns, events, transcript and files",
    answers: { 200: { bytes: "application/x-tar" } },
  },
  "GET /v1/sessions/:id/transcript": {
    id: "getTranscript",
    tag: "sessions",
    summary: "The transcript of a session, one entry a line",
    answers: { 200: { bytes: "application/x-ndjson" } },
  },
  "GET /v1/sessions/:id/network": {
    id: "getSessionNetwork",
    tag: "sessions",
    summary: "What the session's container asked of hosts, by turn",
    answers: { 200: json("NetworkUseList") },
  },
  "POST /v1/sessions/:id/turns": {
    id: "createTurn",
    tag: "turns",
    summary: "Send a prompt; with a priority it steers the running turn",
    body: "CreateTurn",
    answers: { 202: json("Turn") },
    events,
  },
  "GET /v1/sessions/:id/turns": {
    id: "listTurns",
    tag: "turns",
    summary: "List the turns of a session",
    query: page,
    answers: { 200: json("TurnList") },
  },
  "GET /v1/sessions/:id/turns/:turn": {
    id: "getTurn",
    tag: "turns",
    summary: "Read a turn, with its result once it has ended",
    answers: { 200: json("Turn") },
  },
  "GET /v1/sessions/:id/turns/:turn/trace": {
    id: "getTrace",
    tag: "turns",
    summary: "Where the time of a turn went",
    answers: { 200: json("Trace") },
  },
  "GET /v1/sessions/:id/events": {
    id: "listEvents",
    tag: "turns",
    summary: "The events after a `seq`; as a stream, also those to come",
    query: { after: whole, turn: text, callbacks: flag },
    answers: { 200: json("EventPage") },
    events,
  },
  "POST /v1/sessions/:id/interrupt": {
    id: "interrupt",
    tag: "turns",
    summary: "Stop the open turns of a session, or one of them",
    body: "Interrupt",
    answers: { 200: json("Interrupted") },
  },
  "POST /v1/sessions/:id/control": {
    id: "control",
    tag: "turns",
    summary: "Call a method of the Agent SDK's `Query`",
    body: "Control",
    isSentOnce: true,
    answers: { 200: json("ControlResult") },
  },
};
