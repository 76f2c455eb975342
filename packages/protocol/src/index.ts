export {
  EdgeError,
  ERRORS,
  EXIT,
  errorPolicy,
  isErrorCode,
  toWireError,
  wireError,
  type ErrorCode,
  type ErrorPolicy,
  type WireError,
} from "./errors.js";
export {
  deltaText,
  isTerminal,
  type DeltaEvent,
  type EdgeEvent,
  type MessageEvent,
  type SdkMessage,
  type TurnEvent,
} from "./events.js";
export { HEARTBEAT_MS, MAX_BODY_BYTES, MAX_IDEMPOTENCY_KEY, MAX_PROMPT_BYTES } from "./limits.js";
export { sessionOptions, type SessionOptions } from "./options.js";
export { InvalidEventError, parseEvent } from "./parse-event.js";
export {
  accountName,
  createSessionRequest,
  createTurnRequest,
  forkSessionRequest,
  interruptRequest,
  queryRequest,
  updateSessionRequest,
  type CreateSessionRequest,
  type CreateTurnRequest,
  type ForkSessionRequest,
  type QueryRequest,
  type UpdateSessionRequest,
} from "./requests.js";
export {
  errorAnswer,
  eventList,
  health,
  isFinal,
  session,
  sessionList,
  turn,
  turnResult,
  turnStatus,
  usage,
  type Health,
  type SessionList,
  type SessionResource,
  type TurnResource,
  type TurnResult,
  type TurnStatus,
  type Usage,
} from "./resources.js";
export {
  ACCOUNT_HEADER,
  IDEMPOTENCY_HEADER,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  REQUEST_ID_HEADER,
} from "./version.js";
