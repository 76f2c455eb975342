import {
  request,
  turnResult,
  turnStatus,
  usage,
  type AttachedFile,
  type CheckpointEvent,
  type EdgeEvent,
  type NetworkEvent,
  type RepositoryEvent,
  type RequestEvent,
  type RequestResolvedEvent,
  type RewindEvent,
  type SecretEvent,
  type TurnEvent,
  type WaitingFor,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import { checkpoint } from "./file-schemas.js";
import { errorDetails } from "./error-schemas.js";
import { schemaOf } from "./schema-of.js";

const base = { seq: z.int(), turn_id: z.string(), at: z.number() };

/** One message of the Agent SDK. */
export const sdkMessage = z.looseObject({ type: z.string() });

const waitingFor = schemaOf<WaitingFor>()(
  z.object({
    session_id: z.optional(z.string()),
    turn_id: z.optional(z.string()),
    since: z.string(),
  }),
);

const attachedFile = schemaOf<AttachedFile>()(
  z.union([
    z.object({ path: z.string() }),
    z.object({ name: z.string(), sha256: z.string(), size: z.number() }),
  ]),
);

/** A text, or content blocks of the Messages API. */
export const promptContent = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]);

/** The events of a session, by their kind. */
export const EVENTS = {
  message: z.object({ ...base, kind: z.literal("message"), message: sdkMessage }),
  delta: z.object({ ...base, kind: z.literal("delta"), message: sdkMessage }),
  turn: schemaOf<TurnEvent>()(
    z.object({
      ...base,
      kind: z.literal("turn"),
      session_id: z.string(),
      status: turnStatus,
      prompt: z.optional(promptContent),
      priority: z.optional(z.enum(["now", "next", "later"])),
      steered_turn_id: z.optional(z.string()),
      attachments: z.optional(z.array(attachedFile)),
      waiting_for: z.optional(waitingFor),
      reason: z.optional(z.literal("waiting_for_capacity")),
      since: z.optional(z.string()),
      cause: z.optional(z.string()),
      result: z.optional(turnResult),
      error: z.optional(errorDetails),
      usage: z.optional(usage),
    }),
  ),
  request: schemaOf<RequestEvent>()(z.object({ ...base, kind: z.literal("request"), request })),
  "request.resolved": schemaOf<RequestResolvedEvent>()(
    z.object({
      ...base,
      kind: z.literal("request.resolved"),
      request: z.omit(request, { payload: true, expires_at: true }),
    }),
  ),
  checkpoint: schemaOf<CheckpointEvent>()(
    z.object({
      ...base,
      kind: z.literal("checkpoint"),
      checkpoint: z.optional(checkpoint),
      error: z.optional(errorDetails),
    }),
  ),
  rewind: schemaOf<RewindEvent>()(
    z.object({
      ...base,
      kind: z.literal("rewind"),
      to_turn_id: z.nullable(z.string()),
      checkpoint,
    }),
  ),
  network: schemaOf<NetworkEvent>()(
    z.object({
      ...base,
      kind: z.literal("network"),
      host: z.string(),
      method: z.string(),
      decision: z.literal("denied"),
      reason: z.enum(["deployment", "account", "session", "refused", "unanswered", "local"]),
    }),
  ),
  repository: schemaOf<RepositoryEvent>()(
    z.object({
      ...base,
      kind: z.literal("repository"),
      url: z.string(),
      path: z.string(),
      status: z.enum(["cloning", "cloned"]),
      commit: z.optional(z.string()),
    }),
  ),
  secret: schemaOf<SecretEvent>()(
    z.object({
      ...base,
      kind: z.literal("secret"),
      name: z.string(),
      scope: z.enum(["deployment", "account", "session"]),
      host: z.string(),
      decision: z.literal("withheld"),
    }),
  ),
} satisfies Record<EdgeEvent["kind"], z.ZodMiniType>;

/** An event of a session. */
export const event = z.discriminatedUnion("kind", [
  EVENTS.message,
  EVENTS.delta,
  EVENTS.turn,
  EVENTS.request,
  EVENTS["request.resolved"],
  EVENTS.checkpoint,
  EVENTS.rewind,
  EVENTS.network,
  EVENTS.repository,
  EVENTS.secret,
]);

/** `GET /v1/sessions/{id}/events` as JSON. */
export const eventPage = z.object({ events: z.array(event), last_seq: z.int() });
