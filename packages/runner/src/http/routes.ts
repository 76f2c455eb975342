import type { RunnerHealth } from "@claude-edge/protocol/runner";

import type { SessionLogs } from "../log/session-logs.js";
import type { Sessions } from "../sessions/registry.js";
import { acknowledgeLog, streamLog } from "./log.js";
import { route, type Route } from "./router.js";
import { listSessions, releaseSpare, reserveSpare } from "./runner.js";
import {
  answerRequest,
  callControl,
  deleteSession,
  interruptTurn,
  putTranscript,
  startTurn,
  steerTurn,
  withdrawMessage,
} from "./sessions.js";
import {
  putBlobs,
  putWorkspace,
  releaseCheckpoint,
  sendBlobs,
  sendEntries,
  takeCheckpoint,
} from "./workspace.js";

/** What the routes work on. */
export interface RunnerParts {
  health: RunnerHealth;
  sessions: Sessions;
  logs: SessionLogs;
}

const SESSION = "/sessions/{session}";
const TURN = `${SESSION}/turns/{turn}` as const;
const CHECKPOINT = `${SESSION}/checkpoints/{n}` as const;

/** All that the runner serves; `@claude-edge/protocol/runner` describes the bodies. */
export function routesOf({ health, sessions, logs }: RunnerParts): Route[] {
  return [
    route("GET", "/health", () => (sessions.isDraining ? { ...health, draining: true } : health)),
    route("GET", "/sessions", () => listSessions(sessions)),
    route("POST", "/spares/reserve", (call) => reserveSpare(sessions, call)),
    route("DELETE", "/spares/{session}", (call) => releaseSpare(sessions, call)),

    route("PUT", TURN, (call) => startTurn(sessions, call)),
    route("POST", `${TURN}/interrupt`, (call) => interruptTurn(sessions, call)),
    route("PUT", `${TURN}/messages/{message}`, (call) => steerTurn(sessions, call)),
    route("DELETE", `${TURN}/messages/{message}`, (call) => withdrawMessage(sessions, call)),
    route("PUT", `${SESSION}/transcript`, (call) => putTranscript(sessions, call)),
    route("POST", `${SESSION}/requests/{request}`, (call) => answerRequest(sessions, call)),
    route("POST", `${SESSION}/control`, (call) => callControl(sessions, call)),
    route("GET", `${SESSION}/log`, (call) => streamLog(logs, call)),
    route("POST", `${SESSION}/log/ack`, (call) => acknowledgeLog(logs, call)),
    route("DELETE", SESSION, (call) => deleteSession(sessions, call)),

    route("PUT", `${SESSION}/workspace`, (call) => putWorkspace(sessions, call)),
    route("PUT", `${SESSION}/workspace/blobs`, (call) => putBlobs(sessions, call)),
    route("POST", `${SESSION}/checkpoints`, (call) => takeCheckpoint(sessions, call)),
    route("GET", CHECKPOINT, (call) => sendEntries(sessions, call)),
    route("POST", `${CHECKPOINT}/blobs`, (call) => sendBlobs(sessions, call)),
    route("DELETE", CHECKPOINT, (call) => releaseCheckpoint(sessions, call)),
  ];
}
