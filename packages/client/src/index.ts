export { ClaudeEdge, type QueryOptions } from "./client.js";
export type { ClientOptions, Retry } from "./config.js";
export {
  AbortError,
  ApiError,
  ClaudeEdgeError,
  ConnectionError,
  ProtocolError,
  StreamInterruptedError,
  TimeoutError,
  TurnError,
} from "./errors.js";
export {
  Session,
  Sessions,
  type CallOptions,
  type CreateSessionOptions,
  type ForkOptions,
  type SessionSettings,
} from "./sessions.js";
export { TextReader } from "./text-reader.js";
export { Turn, type TurnOutcome } from "./turn.js";
export {
  isTerminal,
  type DeltaEvent,
  type EdgeEvent,
  type ErrorCode,
  type Health,
  type MessageEvent,
  type SdkMessage,
  type SessionOptions,
  type SessionResource,
  type TurnEvent,
  type TurnStatus,
  type Usage,
} from "@claude-edge/protocol";
