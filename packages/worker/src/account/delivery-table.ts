import type { DeliveryResource } from "@claude-edge/protocol";

import { iso } from "../iso.js";
import { all } from "../sql/rows.js";

/** What ended is listed for this long, milliseconds. */
const KEPT_MS = 7 * 24 * 3_600_000;

/** Deliveries of an account that are kept: of more the oldest go, also those that wait. */
const MAX_ROWS = 20_000;

/** Old rows are removed each time so many were added. */
const SWEEP_EVERY = 100;

/** A message for a webhook. */
export interface Delivery {
  position: number;
  webhook: string;
  message: string;
  session_id: string;
  type: string;
  body: string;
  created_at: number;
  status: DeliveryResource["status"];
  attempts: number;
  next_at: number;
  last_status: number | null;
  last_error: string | null;
}

export type NewDelivery = Pick<
  Delivery,
  "webhook" | "message" | "session_id" | "type" | "body" | "created_at"
>;

/** The outcome of a try. */
export interface Attempt {
  status?: number | undefined;
  error?: string | undefined;
}

/** Of each webhook and session the first that waits: what comes later is not sent before it. */
const HEADS = `SELECT min(position) AS position FROM deliveries
  WHERE status = 'pending' GROUP BY webhook, session_id`;

/** What webhooks are to be sent, and what they were. */
export class DeliveryTable {
  readonly #sql: SqlStorage;
  #added = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Call it in the transaction of the event. */
  add({ webhook, message, session_id, type, body, created_at }: NewDelivery): number {
    const [{ position } = { position: 0 }] = all<{ position: number }>(
      this.#sql,
      `INSERT INTO deliveries (webhook, message, session_id, type, body, created_at, status, next_at)
        VALUES (?, ?, ?, ?, ?, ?, 'pending', ?) RETURNING position`,
      webhook,
      message,
      session_id,
      type,
      body,
      created_at,
      created_at,
    );
    this.#added += 1;
    if (this.#added % SWEEP_EVERY === 0) this.#sweep(position, created_at);
    return position;
  }

  get(position: number): Delivery | undefined {
    const query = "SELECT * FROM deliveries WHERE position = ?";
    return all<Delivery>(this.#sql, query, position)[0];
  }

  /** Those that may be tried now: one of each webhook and session. */
  due(now: number, limit: number): Delivery[] {
    return all<Delivery>(
      this.#sql,
      `SELECT * FROM deliveries WHERE position IN (${HEADS}) AND next_at <= ?
        ORDER BY next_at, position LIMIT ?`,
      now,
      limit,
    );
  }

  /** When one may be tried next. */
  dueAt(): number | undefined {
    const query = `SELECT min(next_at) AS due FROM deliveries WHERE position IN (${HEADS})`;
    return all<{ due: number | null }>(this.#sql, query)[0]?.due ?? undefined;
  }

  /** It is being tried: if nothing is heard of that it may be tried again from `lostAt` on. */
  begin(position: number, lostAt: number): void {
    this.#sql.exec(
      "UPDATE deliveries SET attempts = attempts + 1, next_at = ? WHERE position = ?",
      lostAt,
      position,
    );
  }

  /** A try has ended. `nextAt`: when the next one of a delivery that stays pending is due. */
  end(
    position: number,
    status: "pending" | "delivered" | "dead",
    { status: lastStatus, error }: Attempt,
    nextAt = 0,
  ): void {
    this.#sql.exec(
      `UPDATE deliveries SET status = ?, next_at = ?, last_status = ?, last_error = ?
        WHERE position = ? AND status IN ('pending', 'paused')`,
      status,
      nextAt,
      lastStatus ?? null,
      error ?? null,
      position,
    );
  }

  /** The webhook is off: what waits for it is not tried. */
  pause(webhook: string): void {
    const query =
      "UPDATE deliveries SET status = 'paused' WHERE webhook = ? AND status = 'pending'";
    this.#sql.exec(query, webhook);
  }

  /** The webhook is on again. */
  resume(webhook: string, now: number): void {
    this.#sql.exec(
      "UPDATE deliveries SET status = 'pending', next_at = ? WHERE webhook = ? AND status = 'paused'",
      now,
      webhook,
    );
  }

  /** Sends one again, or with no position all that were given up. Returns how many. They have three days again. */
  resend(webhook: string, position: number | undefined, now: number): number {
    return all(
      this.#sql,
      `UPDATE deliveries SET status = 'pending', next_at = ?1, created_at = ?1, attempts = 0
        WHERE webhook = ?2 AND (?3 IS NULL AND status = 'dead' OR position = ?3)
        RETURNING position`,
      now,
      webhook,
      position ?? null,
    ).length;
  }

  removeAllOf(webhook: string): void {
    this.#sql.exec("DELETE FROM deliveries WHERE webhook = ?", webhook);
  }

  /** Newest first; `before` is the position of the last of the page before. */
  list(
    webhook: string,
    status: Delivery["status"] | undefined,
    before: number | undefined,
    limit: number,
  ): Delivery[] {
    return all<Delivery>(
      this.#sql,
      `SELECT * FROM deliveries WHERE webhook = ?1 AND (?2 IS NULL OR status = ?2)
        AND position < ?3 ORDER BY position DESC LIMIT ?4`,
      webhook,
      status ?? null,
      before ?? Number.MAX_SAFE_INTEGER,
      limit,
    );
  }

  #sweep(newest: number, now: number): void {
    this.#sql.exec(
      `DELETE FROM deliveries WHERE position <= ? OR
        (status IN ('delivered', 'dead', 'paused') AND created_at < ?)`,
      newest - MAX_ROWS,
      now - KEPT_MS,
    );
  }
}

/** A delivery as callers see it. */
export function deliveryResource(delivery: Delivery): DeliveryResource {
  const { position, webhook, message, type, status, attempts, created_at } = delivery;
  const { next_at, last_status, last_error } = delivery;
  return {
    id: String(position),
    webhook_id: webhook,
    message_id: message,
    type,
    status,
    attempts,
    created_at: iso(created_at),
    ...(status === "pending" ? { next_attempt_at: iso(next_at) } : {}),
    ...(last_status === null ? {} : { last_status }),
    ...(last_error === null ? {} : { last_error }),
  };
}
