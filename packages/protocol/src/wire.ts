/**
 * What a client needs of the wire: its words and checks, and no schema. zod takes 60 ms to load and 10 kB of a bundle,
 * and checks only what is sent to the deployment.
 */
export type { AccountLimits, LimitsReport } from "./account-limits.js";
export type { AccountErasure, AccountResource } from "./accounts.js";
export { MAX_AUDIT_PAGE, type AuditAction, type AuditActor, type AuditEntry } from "./audit.js";
export type {
  CallbackAnswer,
  ControlMethod,
  ElicitationPayload,
  HookPayload,
  JsonRpcMessage,
  McpPayload,
  NetworkAnswer,
  NetworkPayload,
  NetworkScope,
  PermissionPayload,
  RequestKind,
  RequestResource,
  RequestStatus,
} from "./callbacks.js";
export type { NetworkPolicy } from "./network-policy.js";
export type { NetworkDenial, NetworkReport, NetworkUse } from "./network.js";
export { capacityNote, isCapacityCause, type CapacityCause } from "./capacity.js";
export { clientError, type ClientErrorCode } from "./client-errors.js";
export type { WireError } from "./error-policy.js";
export type { ErrorCode } from "./errors.js";
export {
  deltaText,
  isTerminal,
  type CheckpointEvent,
  type DeltaEvent,
  type EdgeEvent,
  type MessageEvent,
  type NetworkEvent,
  type RepositoryEvent,
  type RequestEvent,
  type RequestResolvedEvent,
  type ResolvedRequest,
  type RewindEvent,
  type SecretEvent,
  type SdkMessage,
  type TurnEvent,
  type WaitingFor,
} from "./events.js";
export { REQUESTS_FOR_PEOPLE, type FeedEntry, type FeedKind } from "./feed.js";
export {
  ATTACHMENTS_FOLDER,
  IGNORED_DIRECTORIES,
  MAX_UPLOAD_BYTES,
  pathProblem,
  type AttachedFile,
  type Attachment,
  type CheckpointList,
  type CheckpointReason,
  type CheckpointResource,
  type FileChange,
  type FileDiff,
  type FileEntry,
  type FileList,
  type FileWritten,
  type Rewound,
  type SkippedFile,
} from "./files.js";
export {
  isAccount,
  isAccountList,
  isAuditEntry,
  isErrorAnswer,
  isEventList,
  isFeedEntry,
  isHealth,
  isLimitsReport,
  isNetworkReport,
  isNetworkUseList,
  isRequest,
  isRequestList,
  isSecret,
  isSecretList,
  isSession,
  isSessionList,
  isMintedToken,
  isToken,
  isTokenList,
  isTurn,
  isTurnList,
  isTurnTrace,
  isUsageReport,
  isDelivery,
  isDeliveryList,
  isWebhook,
  isWebhookList,
  isWebhookWithSecret,
} from "./forms.js";
export type { SessionOptions } from "./options.js";
export { InvalidEventError, parseEvent, toEvent } from "./parse-event.js";
export type { Repository } from "./repositories.js";
export type { Priority, Prompt, UserMessageFields } from "./requests.js";
export type { SecretList, SecretPlaces, SecretResource, SecretScope } from "./secrets.js";
export type {
  Health,
  MintedToken,
  SessionResource,
  TokenResource,
  TurnResource,
  TurnResult,
  TurnStatus,
  Usage,
  UsageFigures,
  UsageGroup,
  UsageReport,
} from "./resources.js";
export {
  ACCOUNT_NAME,
  DEFAULT_SCOPES,
  MAX_TOKEN_LIFE_S,
  MIN_ROOT_KEY_CHARS,
  SCOPES,
  SESSION_ID,
  signToken,
  TOKEN_ID,
  TOKEN_ISSUER,
  TOKEN_LIFE_S,
  type Scope,
} from "./tokens.js";
export {
  ACCOUNT_HEADER,
  IDEMPOTENCY_HEADER,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  protocolProblem,
  REQUEST_ID_HEADER,
  TRACE_HEADER,
} from "./version.js";
export type { TraceStep, TraceStepKind, TurnTrace } from "./trace.js";
export { isSigned, WEBHOOK_TYPES, type WebhookEvent, type WebhookType } from "./webhook-event.js";
export type { DeliveryResource, WebhookResource, WebhookWithSecret } from "./webhooks.js";
