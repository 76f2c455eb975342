import type { SessionResource, SessionStatus } from "@claude-edge/protocol";

import { iso } from "../iso.js";
import { redactOptions } from "./redact.js";
import type { SessionSettings } from "./row-types.js";

/** How a session stands. Times are milliseconds since 1970. */
interface Standing {
  status: SessionStatus;
  expiresAt?: number | undefined;
  backgroundTasks?: number;
  lastSeq: number;
  createdAt: number;
  updatedAt: number;
}

/** A session as callers see it. */
export function resourceOf(
  session: SessionSettings & { id: string },
  { status, expiresAt, backgroundTasks = 0, lastSeq, createdAt, updatedAt }: Standing,
): SessionResource {
  const { id, title, tags, options, onContainerLost } = session;
  const { approvalTimeoutMs, expiresIn, forkedFrom } = session;
  return {
    id,
    title: title ?? null,
    tags,
    status,
    options: redactOptions(options),
    on_container_lost: onContainerLost,
    ...(approvalTimeoutMs === undefined ? {} : { approval_timeout_ms: approvalTimeoutMs }),
    ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
    ...(expiresAt === undefined ? {} : { expires_at: iso(expiresAt) }),
    ...(forkedFrom ? { forked_from: forkedFrom } : {}),
    ...(backgroundTasks === 0 ? {} : { background_tasks: backgroundTasks }),
    last_seq: lastSeq,
    created_at: iso(createdAt),
    updated_at: iso(updatedAt),
  };
}
