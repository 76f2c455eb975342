/**
 * The Agent SDK's control protocol in the terms of a deployment: what its frames ask for, and what is asked in them. Pure, for
 * each transport that carries it.
 */
export { callOf, type Call } from "./calls.js";
export { failedResult } from "./endings.js";
export {
  failure,
  readFrame,
  success,
  type ControlBody,
  type ControlCancelFrame,
  type ControlRequestFrame,
  type ControlResponseFrame,
  type ProgramFrame,
  type UserFrame,
} from "./frames.js";
export { readInitialize, type HookIds, type Initialization } from "./initialize.js";
export {
  askPermission,
  callHook,
  elicit,
  sendToServer,
  serverResponse,
  showDialog,
} from "./questions.js";
