import { ACCOUNT } from "./account-operations.js";
import { FILES } from "./file-operations.js";
import type { Operation } from "./operation.js";
import { OUTSIDE } from "./outside-operations.js";
import { REQUESTS } from "./request-operations.js";
import { SESSIONS } from "./session-operations.js";

/** Every route of the API but those that are open, by the keys of the route table. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...ACCOUNT,
  ...SESSIONS,
  ...FILES,
  ...REQUESTS,
  ...OUTSIDE,
};
