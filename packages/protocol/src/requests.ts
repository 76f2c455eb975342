import * as z from "zod/mini";

import { sessionOptions } from "./options.js";

/** A UUID in any version, as the Agent SDK takes it for a session id; lower case, so that one id has one spelling. */
const sessionId = z
  .string()
  .check(
    z.regex(
      /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
      "must be a lower-case UUID",
    ),
  );

const title = z.string().check(z.minLength(1), z.maxLength(200));

/** Length and emptiness are checked apart from the schema, so that each has a code of its own. */
const prompt = z.string();

/** Which account the request is for; only the root key may say. */
const accountId = z
  .string()
  .check(
    z.regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
      "must be 1 to 128 letters, digits, dots, dashes or underscores",
    ),
  );

/** The form an account's name has. */
export const accountName = accountId;

const tags = z.array(z.string().check(z.minLength(1), z.maxLength(50))).check(z.maxLength(20));

const onContainerLost = z.enum(["fail", "resume"]);

/** Body of `POST /v1/sessions`. */
export const createSessionRequest = z.strictObject({
  accountId: z.optional(accountId),
  id: z.optional(sessionId),
  title: z.optional(title),
  tags: z.optional(tags),
  options: z.optional(sessionOptions),
  on_container_lost: z.optional(onContainerLost),
});

/** Body of `PATCH /v1/sessions/{id}`: what is named is replaced. */
export const updateSessionRequest = z.strictObject({
  accountId: z.optional(accountId),
  title: z.optional(title),
  tags: z.optional(tags),
});

/** Body of `POST /v1/sessions/{id}/fork`: whole, or up to and with a message. */
export const forkSessionRequest = z.strictObject({
  accountId: z.optional(accountId),
  id: z.optional(sessionId),
  title: z.optional(title),
  message_id: z.optional(z.string()),
});

/** Body of `POST /v1/query`: a prompt in a session of its own. */
export const queryRequest = z.strictObject({
  accountId: z.optional(accountId),
  prompt,
  session_id: z.optional(sessionId),
  title: z.optional(title),
  tags: z.optional(tags),
  options: z.optional(sessionOptions),
  on_container_lost: z.optional(onContainerLost),
});

/** Body of `POST /v1/sessions/{id}/turns`. */
export const createTurnRequest = z.strictObject({
  accountId: z.optional(accountId),
  prompt,
});

/** Body of `POST /v1/sessions/{id}/interrupt`: one turn, or without its id all of the session's open ones. */
export const interruptRequest = z.strictObject({
  accountId: z.optional(accountId),
  turn_id: z.optional(z.string()),
});

export type CreateSessionRequest = z.infer<typeof createSessionRequest>;
export type QueryRequest = z.infer<typeof queryRequest>;
export type UpdateSessionRequest = z.infer<typeof updateSessionRequest>;
export type ForkSessionRequest = z.infer<typeof forkSessionRequest>;
export type CreateTurnRequest = z.infer<typeof createTurnRequest>;
