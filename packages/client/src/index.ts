export { query, type AgentQuery } from "./agent/query.js";
export { createSdkMcpServer, tool } from "./agent/tools.js";
export type {
  OnPermission,
  PermissionAnswer,
  PermissionRequest,
  SessionCallbacks,
} from "./callbacks.js";
export { ClaudeEdge, type LimitChanges, type QueryOptions, type UsageOptions } from "./client.js";
export type { ClientOptions, Clock, Logger, RequestInfo, ResponseInfo, Retry } from "./config.js";
export {
  AbortError,
  ApiError,
  ClaudeEdgeError,
  ConnectionError,
  ProtocolError,
  StreamInterruptedError,
  TimeoutError,
  TurnError,
  type ErrorContext,
} from "./errors.js";
export {
  SessionFiles,
  type DeleteFileOptions,
  type DiffFilesOptions,
  type FileCallOptions,
  type FileProgress,
  type FileStateOptions,
  type GetFileOptions,
  type GetTarOptions,
  type ListCheckpointsOptions,
  type ListFilesOptions,
  type PutFileOptions,
  type PutTarOptions,
} from "./files.js";
export type { FileDownload } from "./files/download.js";
export type { UploadData } from "./files/upload.js";
export type {
  JsonSchema,
  OutputOf,
  OutputSchema,
  StandardResult,
  StandardSchema,
} from "./output.js";
export type { PromptAttachment } from "./prompt-body.js";
export { Requests } from "./requests.js";
export {
  Session,
  Sessions,
  type AgentOptions,
  type CallOptions,
  type CreateSessionOptions,
  type ForkOptions,
  type SessionSettings,
  type TurnOptions,
} from "./sessions.js";
export { TextReader } from "./text-reader.js";
export { Tokens, type CreateTokenOptions } from "./tokens.js";
export { Turn, type TurnOutcome } from "./turn.js";
export {
  isTerminal,
  type AttachedFile,
  type Attachment,
  type CheckpointEvent,
  type CheckpointReason,
  type CheckpointResource,
  type ControlMethod,
  type DeltaEvent,
  type EdgeEvent,
  type ErrorCode,
  type FileChange,
  type FileEntry,
  type FileWritten,
  type Health,
  type MessageEvent,
  type MintedToken,
  type Prompt,
  type RequestEvent,
  type RequestResolvedEvent,
  type RequestResource,
  type RequestStatus,
  type RewindEvent,
  type Rewound,
  type Scope,
  type SdkMessage,
  type SessionOptions,
  type SessionResource,
  type SkippedFile,
  type TokenResource,
  type TurnEvent,
  type TurnStatus,
  type Usage,
  type UsageFigures,
  type UsageGroup,
  type UsageReport,
  type AccountLimits,
  type LimitsReport,
} from "@claude-edge/protocol/wire";
