/**
 * What a client needs of the wire: its words and checks, and no schema. zod takes 60 ms to load and 10 kB of a bundle,
 * and checks only what is sent to the deployment.
 */
export type {
  CallbackAnswer,
  ControlMethod,
  ElicitationPayload,
  HookPayload,
  JsonRpcMessage,
  McpPayload,
  PermissionPayload,
  RequestResource,
  RequestStatus,
} from "./callbacks.js";
export { clientError, type ClientErrorCode } from "./client-errors.js";
export type { WireError } from "./error-policy.js";
export type { ErrorCode } from "./errors.js";
export {
  deltaText,
  isTerminal,
  type DeltaEvent,
  type EdgeEvent,
  type MessageEvent,
  type RequestEvent,
  type RequestResolvedEvent,
  type ResolvedRequest,
  type SdkMessage,
  type TurnEvent,
} from "./events.js";
export {
  isErrorAnswer,
  isEventList,
  isHealth,
  isRequest,
  isRequestList,
  isSession,
  isSessionList,
  isTurn,
} from "./forms.js";
export type { SessionOptions } from "./options.js";
export { InvalidEventError, parseEvent, toEvent } from "./parse-event.js";
export type { Prompt } from "./requests.js";
export type {
  Health,
  SessionResource,
  TurnResource,
  TurnResult,
  TurnStatus,
  Usage,
} from "./resources.js";
export {
  ACCOUNT_HEADER,
  IDEMPOTENCY_HEADER,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  REQUEST_ID_HEADER,
  TRACE_HEADER,
} from "./version.js";
