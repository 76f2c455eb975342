/** Parts that the packages of claude-edge share and that nobody else should build on. */
export { Bell } from "./bell.js";
export { credentialKind, type CredentialKind } from "./credential-kind.js";
export { readLines } from "./lines.js";
export { TICK_MS, TICKS } from "./status.js";
