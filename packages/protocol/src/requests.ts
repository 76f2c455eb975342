import * as z from "zod/mini";

import { CONTROL_METHODS } from "./callbacks.js";
import { MAX_ATTACHMENTS, pathProblem } from "./files.js";
import { sessionOptions } from "./options.js";
import { secretInput } from "./secrets.js";
import { ACCOUNT_NAME, MAX_TOKEN_LIFE_S, SCOPES, SESSION_ID } from "./tokens.js";

/** A UUID in any version, as the Agent SDK takes it for a session id. */
const sessionId = z.string().check(z.regex(SESSION_ID, "must be a lower-case UUID"));

/** A text of a bounded length; without words of its own zod says "Invalid input". */
const shortText = (longest: number) => {
  const form = `must be 1 to ${longest} characters`;
  return z.string(form).check(z.minLength(1, form), z.maxLength(longest, form));
};

const title = shortText(200);

/**
 * A text, or content blocks of the Messages API. Length and emptiness are checked apart from the schema, so that each
 * has a code of its own.
 */
const prompt = z.union([
  z.string(),
  z.array(
    z
      .looseObject({ type: z.string() })
      // The agent waits for ever on one without.
      .check(z.refine((block) => block.type !== "text" || typeof block.text === "string")),
  ),
]);
/** A text, or content blocks of the Messages API: text, images, documents. At most 1 MiB of JSON. */
export type Prompt = z.infer<typeof prompt>;

const PRIORITIES = ["now", "next", "later"] as const;
/**
 * What a prompt does while another turn of its session runs. `next`: the running turn takes it in with the results of its
 * next tools; if it calls no more, the prompt is the next turn. `now`: the running turn is interrupted, and the prompt is
 * the next turn. `later`: it is a turn of its own, after those that are queued.
 */
export type Priority = (typeof PRIORITIES)[number];

/** Fields of a user message that have a place of their own in a request. */
const OWN_FIELDS = ["type", "message", "uuid", "priority"];

const userMessage = z
  .looseObject({
    parent_tool_use_id: z.optional(z.nullable(z.string())),
    isSynthetic: z.optional(z.boolean()),
    shouldQuery: z.optional(z.boolean()),
    client_composed: z.optional(z.literal(true)),
  })
  .check(
    z.refine(
      (fields) => !OWN_FIELDS.some((name) => name in fields),
      `must have none of ${OWN_FIELDS.join(", ")}`,
    ),
  );
/** The fields of the Agent SDK's `SDKUserMessage` beside its content, `uuid` and `priority`; unknown ones go through too. */
export type UserMessageFields = z.infer<typeof userMessage>;

/** Which account the request is for; only the root key may say. */
const accountId = z
  .string()
  .check(z.regex(ACCOUNT_NAME, "must be 1 to 128 letters, digits, dots, dashes or underscores"));

/** The form an account's name has. */
export const accountName = accountId;

const tags = z.array(shortText(50)).check(z.maxLength(20, "must be 20 at most"));

/** A path of a workspace. */
const filePath = z
  .string()
  .check(z.refine((path) => pathProblem(path) === undefined, "must be a path of the workspace"));

const NAME = "must be the name of a file, without a folder";
const attachments = z
  .array(
    z.union([
      z.strictObject({ path: filePath }),
      z.strictObject({
        name: z
          .string(NAME)
          .check(z.refine((name) => !pathProblem(name) && !name.includes("/"), NAME)),
        data: z.base64("must be base64"),
      }),
    ]),
  )
  .check(z.maxLength(MAX_ATTACHMENTS, `must be ${MAX_ATTACHMENTS} at most`));

const onContainerLost = z.enum(["auto", "fail", "resume"]);

/** How long a permission or question may wait, milliseconds; a century is as good as for ever. */
const approvalTimeout = z.int().check(z.positive(), z.maximum(100 * 365 * 24 * 3_600_000));

const life = `must be a whole number of seconds up to ${MAX_TOKEN_LIFE_S}, or "never"`;
const secondsOrNever = z.union(
  [z.int(life).check(z.positive(life), z.maximum(MAX_TOKEN_LIFE_S, life)), z.literal("never")],
  life,
);

/** Body of `POST /v1/sessions`. */
export const createSessionRequest = z.strictObject({
  accountId: z.optional(accountId),
  id: z.optional(sessionId),
  title: z.optional(title),
  tags: z.optional(tags),
  options: z.optional(sessionOptions),
  on_container_lost: z.optional(onContainerLost),
  approval_timeout_ms: z.optional(approvalTimeout),
  /** Deleted this many seconds after its last activity; `never`: as the deployment has it. */
  expires_in: z.optional(secondsOrNever),
});

/** Body of `PATCH /v1/sessions/{id}`: what is named is replaced. Options hold from the next turn on. */
export const updateSessionRequest = z.strictObject({
  accountId: z.optional(accountId),
  title: z.optional(title),
  tags: z.optional(tags),
  options: z.optional(sessionOptions),
  approval_timeout_ms: z.optional(approvalTimeout),
  /** Deleted this many seconds after its last activity; `never`: as the deployment has it. */
  expires_in: z.optional(secondsOrNever),
});

/** Body of `POST /v1/sessions/{id}/fork`: whole, or up to and with a message or a turn; files as they were then. */
export const forkSessionRequest = z.strictObject({
  accountId: z.optional(accountId),
  id: z.optional(sessionId),
  title: z.optional(title),
  message_id: z.optional(z.string()),
  /** Up to the end of a turn; not together with `message_id`. */
  turn_id: z.optional(z.string()),
});

/**
 * Body of `POST /v1/sessions/{id}/rewind`: back to the end of a turn, or with `null` to the beginning; or with
 * `checkpoint` the files alone, as they were then.
 */
export const rewindSessionRequest = z
  .strictObject({
    accountId: z.optional(accountId),
    turn_id: z.optional(z.nullable(z.string())),
    checkpoint: z.optional(z.int().check(z.nonnegative())),
  })
  .check(
    z.refine(({ turn_id, checkpoint }) => turn_id !== undefined || checkpoint !== undefined, {
      path: ["turn_id"],
      error: "is missing",
    }),
    z.refine(({ turn_id, checkpoint }) => turn_id === undefined || checkpoint === undefined, {
      path: ["checkpoint"],
      error: "does not go together with turn_id",
    }),
  );

/** Body of `POST /v1/query`: a prompt in a session of its own. */
export const queryRequest = z.strictObject({
  accountId: z.optional(accountId),
  prompt,
  attachments: z.optional(attachments),
  session_id: z.optional(sessionId),
  title: z.optional(title),
  tags: z.optional(tags),
  options: z.optional(sessionOptions),
  on_container_lost: z.optional(onContainerLost),
  approval_timeout_ms: z.optional(approvalTimeout),
  /** Deleted this many seconds after its last activity; `never`: as the deployment has it. */
  expires_in: z.optional(secondsOrNever),
});

/** Body of `POST /v1/sessions/{id}/turns`. */
export const createTurnRequest = z.strictObject({
  accountId: z.optional(accountId),
  /** A UUID to give the turn; a fresh one without. With a priority, the same id again is the same prompt. */
  id: z.optional(sessionId),
  prompt,
  attachments: z.optional(attachments),
  /** `later` without it. */
  priority: z.optional(z.enum(PRIORITIES)),
  /** The fields of the Agent SDK's user message beside its content. */
  fields: z.optional(userMessage),
});

/** Body of `POST /v1/sessions/{id}/interrupt`: one turn, or without its id all of the session's open ones. */
export const interruptRequest = z.strictObject({
  accountId: z.optional(accountId),
  turn_id: z.optional(z.string()),
});

/** Body of `POST /v1/sessions/{id}/requests/{rid}`: what was asked for, or that it could not be had. */
export const answerRequest = z.strictObject({
  accountId: z.optional(accountId),
  answer: z.optional(z.record(z.string(), z.unknown())),
  error: z.optional(z.strictObject({ message: z.string() })),
  /** Who answers, for the audit. */
  by: z.optional(shortText(200)),
});

/** Body of `POST /v1/sessions/{id}/control`: a method of the Agent SDK's `Query`, and its arguments. */
export const controlRequest = z.strictObject({
  accountId: z.optional(accountId),
  method: z.enum(CONTROL_METHODS),
  args: z.optional(z.array(z.unknown())),
});

/** Body of `POST /v1/tokens`. */
export const createTokenRequest = z.strictObject({
  account: z.optional(accountId),
  /** All but `admin` without it. */
  scopes: z.optional(z.array(z.enum(SCOPES)).check(z.minLength(1))),
  /** Seconds, or `never`; 90 days without it. */
  expires_in: z.optional(secondsOrNever),
  /** The one session it is for. */
  session_id: z.optional(sessionId),
  /** The one request it is for: it has the scope `requests:answer` then, and holds for a day unless told otherwise. */
  request_id: z.optional(shortText(300)),
  /** What people call it. */
  name: z.optional(title),
});

/** Body of `PUT /v1/secrets/{name}`. */
export const putSecretRequest = z.extend(secretInput, { accountId: z.optional(accountId) });

export type PutSecretRequest = z.infer<typeof putSecretRequest>;
export type CreateTokenRequest = z.infer<typeof createTokenRequest>;
export type AnswerRequest = z.infer<typeof answerRequest>;
export type ControlRequest = z.infer<typeof controlRequest>;
export type CreateSessionRequest = z.infer<typeof createSessionRequest>;
export type QueryRequest = z.infer<typeof queryRequest>;
export type UpdateSessionRequest = z.infer<typeof updateSessionRequest>;
export type RewindSessionRequest = z.infer<typeof rewindSessionRequest>;
export type ForkSessionRequest = z.infer<typeof forkSessionRequest>;
export type CreateTurnRequest = z.infer<typeof createTurnRequest>;
