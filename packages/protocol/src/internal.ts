/** Parts that the packages of claude-edge share and that nobody else should build on. */
export { nextBackground, NO_BACKGROUND, type Background } from "./background.js";
export { Bell } from "./bell.js";
export { credentialKind, type CredentialKind } from "./credential-kind.js";
export {
  isAtLeast,
  isRequestEntry,
  LOG_LEVELS,
  parseLogEntry,
  REQUEST_ANSWERED,
  type LogEntry,
  type LoggedError,
  type LogLevel,
  type LogSubject,
  type RequestLogEntry,
} from "./log-entry.js";
export {
  Logger,
  logSettingProblem,
  logSettings,
  type LogFields,
  type LogVariables,
} from "./logger.js";
export { isOwnVariable } from "./own-variables.js";
export { readLines } from "./lines.js";
export { TICK_MS, TICKS } from "./status.js";
/** How the gateway's refusal begins when a budget is spent: its text is all that comes out of the agent's process. */
export const BUDGET_SPENT = "The account has spent its budget of";
/** What is said of a session that is not there: in Claude Code's words, which programs written for it match. */
export const noConversation = (session: string): string =>
  `No conversation found with session ID: ${session}`;
