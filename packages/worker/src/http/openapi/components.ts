import {
  answerRequest,
  controlRequest,
  createSessionRequest,
  createTokenRequest,
  createTurnRequest,
  createWebhookRequest,
  forkSessionRequest,
  health,
  interruptRequest,
  networkPolicy,
  putSecretRequest,
  queryRequest,
  request,
  requestList,
  resendRequest,
  rewindSessionRequest,
  session,
  sessionList,
  sessionOptions,
  setNetworkRequest,
  turn,
  turnList,
  turnResult,
  updateLimitsRequest,
  updateSessionRequest,
  updateWebhookRequest,
  usage,
  webhookRequest,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import * as accounts from "./account-schemas.js";
import { error, errorDetails } from "./error-schemas.js";
import { event, eventPage, EVENTS, promptContent, sdkMessage } from "./event-schemas.js";
import * as files from "./file-schemas.js";
import * as outside from "./outside-schemas.js";

/** `request.resolved` as `RequestResolvedEvent`. */
const nameOfEvent = (kind: string) =>
  `${kind.replaceAll(/(^|\.)./g, (letter) => letter.replace(".", "").toUpperCase())}Event`;

const EVENT_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(EVENTS).map((kind) => [kind, nameOfEvent(kind)]),
);

/** The named schemas of the API: bodies, answers and events, and what a sentence says of each. */
const COMPONENTS = {
  Error: [error, "Any answer that is not a success."],
  ErrorDetails: [
    errorDetails,
    "Why something failed. Branch on `code`; a later version may have others.",
  ],
  Health: [health, "What a deployment says of itself to everybody."],
  Tick: [
    z.object({ n: z.int(), at: z.number() }),
    "An event of the status stream: its number and when it was sent.",
  ],
  Status: [accounts.status, "What a deployment knows of itself and of the account's container."],

  Query: [queryRequest, "A prompt in a session of its own."],
  CreateSession: [createSessionRequest, "A session to create."],
  UpdateSession: [
    updateSessionRequest,
    "What is named is replaced. Options count from the next turn on.",
  ],
  ForkSession: [
    forkSessionRequest,
    "Where a session is to be forked: at its end, or at a message or a turn.",
  ],
  RewindSession: [
    rewindSessionRequest,
    "How far a session is to go back: a turn, or `null` for its beginning.",
  ],
  CreateTurn: [createTurnRequest, "A prompt to send."],
  Interrupt: [interruptRequest, "The turn to stop; all open ones without it."],
  Control: [controlRequest, "A method of the Agent SDK's `Query`, and its arguments."],
  AnswerRequest: [answerRequest, "The answer to a request."],
  CreateToken: [createTokenRequest, "A token to mint."],
  UpdateLimits: [updateLimitsRequest, '`"none"`: no limit. `null`: the deployment\'s again.'],
  SetNetwork: [setNetworkRequest, "The account's own network policy; `null` for none."],
  PutSecret: [putSecretRequest, "A secret to store. Its value is never shown again."],
  CreateWebhook: [createWebhookRequest, "A webhook to add."],
  UpdateWebhook: [updateWebhookRequest, "What is named is replaced."],
  WebhookCall: [webhookRequest, "No fields but the account."],
  Resend: [resendRequest, "The delivery to send again; without it, all that were given up."],

  SessionOptions: [
    sessionOptions,
    "The options of a session: those of the Agent SDK that travel, and some of our own.",
  ],
  NetworkPolicy: [networkPolicy, "Which hosts a container reaches."],
  PromptContent: [promptContent, "A text, or content blocks of the Messages API."],
  SdkMessage: [sdkMessage, "One message of the Agent SDK, unchanged."],
  Session: [session, "A conversation."],
  SessionList: [sessionList, "Newest first; `next_cursor` is there when more follow."],
  Turn: [turn, "One prompt up to its result."],
  TurnList: [turnList, "Newest first; `next_cursor` is there when more follow."],
  TurnResult: [turnResult, "What a completed turn came to."],
  Usage: [usage, "What one turn used. Costs are US dollars."],
  Interrupted: [z.object({ interrupted: z.array(z.string()) }), "The turns that were stopped."],
  ControlResult: [z.object({ result: z.unknown() }), "What the method gave; `null` for nothing."],
  Trace: [accounts.trace, "Where the time of a turn went. Times are milliseconds since 1970."],
  Request: [request, "Something that a turn asks of the outside."],
  RequestList: [requestList, "Oldest first."],
  EventPage: [eventPage, "The stored events after a `seq`."],

  FileEntry: [files.fileEntry, "What a path of a workspace holds."],
  FileList: [files.fileList, "By path, a directory before what is in it."],
  FileWritten: [files.fileWritten, "The checkpoint that holds what was written."],
  FileDiff: [files.fileDiff, "What differs between two states, by path."],
  Checkpoint: [files.checkpoint, "A state of a session's files."],
  CheckpointList: [files.checkpointList, "Newest first."],
  Rewound: [files.rewound, "Where a session is after it went back."],

  UsageReport: [accounts.usageReport, "What an account has used."],
  LimitsReport: [accounts.limitsReport, "What an account may use, and has used. `null`: no limit."],
  NetworkReport: [accounts.networkReport, "The network policies that count for an account."],
  NetworkUseList: [accounts.networkUseList, "What a session's container asked of hosts, by turn."],
  Token: [accounts.token, "A token of an account, without the token itself."],
  TokenList: [accounts.tokenList, "Newest first."],
  MintedToken: [accounts.mintedToken, "The only answer that ever holds the token."],
  Secret: [accounts.secret, "A secret, without its value."],
  SecretList: [accounts.secretList, "By name."],
  Account: [accounts.account, "An account, as the operator sees it."],
  AccountList: [accounts.accountList, "The last active first."],

  FeedEntry: [outside.feedEntry, "A change in an account: ids and a time, and no content."],
  FeedPage: [outside.feedPage, "Entries after a cursor, and the cursor to read on from."],
  Webhook: [outside.webhook, "An address that is told of events."],
  WebhookList: [outside.webhookList, "With the root key those of the deployment too."],
  WebhookWithSecret: [outside.webhookWithSecret, "The secret is shown this once."],
  WebhookEvent: [outside.webhookEvent, "The body of a webhook: what happened, when, and ids."],
  Delivery: [outside.delivery, "What a webhook was sent, or is to be."],
  DeliveryList: [outside.deliveryList, "Newest first."],
  Resent: [outside.resent, "How many deliveries are sent again."],

  Event: [event, "An event of a session, told apart by `kind`."],
} as const satisfies Record<string, readonly [z.ZodMiniType, string]>;

export type ComponentName = keyof typeof COMPONENTS;

export const refOf = (name: string): string => `#/components/schemas/${name}`;

type JsonSchema = Record<string, unknown>;

/** A schema as JSON Schema 2020-12, of what comes in: objects that may have other fields say nothing of them. */
const OPTIONS = { io: "input", unrepresentable: "any" } as const;

/** OpenAPI says once which dialect of JSON Schema it is in, and names schemas by their place. */
const embedded = (schema: object): JsonSchema =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => key !== "$schema" && key !== "$id"));

export const jsonSchemaOf = (schema: z.ZodMiniType): JsonSchema =>
  embedded(z.toJSONSchema(schema, OPTIONS));

/** `components.schemas`: each refers to the others by name. */
export function componentSchemas(): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string; description?: string }>();
  for (const [id, [schema, description]] of Object.entries(COMPONENTS)) {
    registry.add(schema, { id, description });
  }
  for (const [kind, schema] of Object.entries(EVENTS)) {
    registry.add(schema, { id: EVENT_NAMES[kind]! });
  }
  const { schemas } = z.toJSONSchema(registry, { ...OPTIONS, uri: refOf });
  const mapping = Object.fromEntries(
    Object.entries(EVENT_NAMES).map(([kind, name]) => [kind, refOf(name)]),
  );
  const byName = Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, embedded(schema)]),
  );
  byName.Event = { ...byName.Event, discriminator: { propertyName: "kind", mapping } };
  return byName;
}
