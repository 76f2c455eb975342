export { Accounts, type DeleteAccountOptions } from "./accounts.js";
export { query, type AgentQuery } from "./agent/query.js";
export type {
  HookCallback,
  HookCallbackMatcher,
  HookEvent,
  HookInput,
  HookJSONOutput,
  Hooks,
} from "./agent/hook-types.js";
export type { McpServerConfig } from "./agent/mcp-types.js";
export type {
  CanUseToolOptions,
  ElicitationRequest,
  ElicitationResult,
  PermissionResult,
  PermissionUpdate,
  UserDialogRequest,
  UserDialogResult,
} from "./agent/permission-types.js";
export { createSdkMcpServer, tool } from "./agent/tools.js";
export type { CallOptions } from "./call-options.js";
export type {
  NetworkRequest,
  OnNetwork,
  OnPermission,
  PermissionAnswer,
  PermissionRequest,
  SessionCallbacks,
} from "./callbacks/types.js";
export {
  ClaudeEdge,
  type AuditOptions,
  type FeedOptions,
  type LimitChanges,
  type QueryOptions,
  type UsageOptions,
} from "./client.js";
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
export type { PromptAttachment } from "./files/attachments.js";
export type { FileDownload } from "./files/download.js";
export type {
  DeleteFileOptions,
  DiffFilesOptions,
  ExportOptions,
  FileCallOptions,
  FileProgress,
  FileStateOptions,
  GetFileOptions,
  GetTarOptions,
  ListCheckpointsOptions,
  ListFilesOptions,
  PutFileOptions,
  PutTarOptions,
} from "./files/options.js";
export { SessionFiles } from "./files/session-files.js";
export type { UploadData } from "./files/upload.js";
export type {
  JsonSchema,
  OutputOf,
  OutputSchema,
  StandardResult,
  StandardSchema,
} from "./output.js";
export { Requests } from "./requests.js";
export { Secrets, type ListSecretsOptions, type SetSecretOptions } from "./secrets.js";
export {
  Session,
  Sessions,
  type AgentOptions,
  type CreateSessionOptions,
  type ForkOptions,
  type ListSessionsOptions,
  type SessionSettings,
  type SteerOptions,
  type TurnOptions,
} from "./sessions.js";
export { TextReader } from "./text-reader.js";
export { Tokens, type CreateTokenOptions } from "./tokens.js";
export { Turn, type TurnOutcome } from "./turn.js";
export {
  Webhooks,
  type CreateWebhookOptions,
  type ListDeliveriesOptions,
  type UpdateWebhookOptions,
} from "./webhooks.js";
export {
  isTerminal,
  type AttachedFile,
  type AuditAction,
  type AuditActor,
  type AuditEntry,
  type Attachment,
  type CheckpointEvent,
  type CheckpointReason,
  type CheckpointResource,
  type ControlMethod,
  type DeliveryResource,
  type DeltaEvent,
  type EdgeEvent,
  type ErrorCode,
  type FeedEntry,
  type FeedKind,
  type FileChange,
  type FileEntry,
  type FileWritten,
  type Health,
  type MessageEvent,
  type NetworkAnswer,
  type NetworkDenial,
  type NetworkEvent,
  type NetworkPolicy,
  type NetworkReport,
  type NetworkScope,
  type NetworkUse,
  type MintedToken,
  type Priority,
  type Prompt,
  type Repository,
  type RepositoryEvent,
  type RequestEvent,
  type RequestKind,
  type RequestResolvedEvent,
  type RequestResource,
  type RequestStatus,
  type RewindEvent,
  type Rewound,
  type Scope,
  type SdkMessage,
  type SecretEvent,
  type SecretPlaces,
  type SecretResource,
  type SecretScope,
  type SessionOptions,
  type SessionResource,
  type SkippedFile,
  type TokenResource,
  type TraceStep,
  type TraceStepKind,
  type TurnEvent,
  type TurnResource,
  type TurnStatus,
  type TurnTrace,
  type Usage,
  type UsageFigures,
  type UsageGroup,
  type UsageReport,
  type AccountErasure,
  type AccountLimits,
  type AccountResource,
  type LimitsReport,
  type WebhookResource,
  type WebhookType,
  type WebhookWithSecret,
} from "@claude-edge/protocol/wire";
