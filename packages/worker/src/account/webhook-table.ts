import type { UpdateWebhookRequest, WebhookType } from "@claude-edge/protocol";

import type { Sealed } from "../secrets/sealing.js";
import { all } from "../sql/rows.js";

/** A webhook of the account, as it is stored. */
export interface StoredWebhook {
  id: string;
  name: string | null;
  url: string;
  /** As JSON; null: all. */
  types: string | null;
  created_at: number;
  key_id: string;
  sealed: ArrayBuffer;
  old_key_id: string | null;
  old_sealed: ArrayBuffer | null;
  old_until: number | null;
}

/** A webhook that is about to be stored, its secret sealed. */
export interface NewWebhook {
  id: string;
  name: string | undefined;
  url: string;
  types: WebhookType[] | undefined;
  secret: Sealed;
}

/** How a webhook fares. */
export interface WebhookHealth {
  failing_since: number | null;
  off: number;
  reason: string | null;
}

const WELL: WebhookHealth = { failing_since: null, off: 0, reason: null };

/** The account's own webhooks, and how they and those of the deployment fare. */
export class WebhookTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Oldest first. */
  list(): StoredWebhook[] {
    return all<StoredWebhook>(this.#sql, "SELECT * FROM webhooks ORDER BY position");
  }

  get(id: string): StoredWebhook | undefined {
    return all<StoredWebhook>(this.#sql, "SELECT * FROM webhooks WHERE id = ?", id)[0];
  }

  add({ id, name, url, types, secret }: NewWebhook, now: number): void {
    this.#sql.exec(
      `INSERT INTO webhooks (id, name, url, types, created_at, key_id, sealed)
        VALUES (?, ?, ?, ?, ?, ?, ?)`,
      id,
      name ?? null,
      url,
      types ? JSON.stringify(types) : null,
      now,
      secret.keyId,
      bufferOf(secret),
    );
  }

  update(id: string, { name, url, types }: UpdateWebhookRequest): void {
    const set = (column: "name" | "url" | "types", value: string | null) =>
      this.#sql.exec(`UPDATE webhooks SET ${column} = ? WHERE id = ?`, value, id);
    if (name !== undefined) set("name", name);
    if (url !== undefined) set("url", url);
    if (types !== undefined) set("types", types === null ? null : JSON.stringify(types));
  }

  /** Gives it a new secret; the one of before signs too, up to a time. */
  rotate(id: string, secret: Sealed, until: number): void {
    this.#sql.exec(
      `UPDATE webhooks SET old_key_id = key_id, old_sealed = sealed, old_until = ?, key_id = ?, sealed = ?
        WHERE id = ?`,
      until,
      secret.keyId,
      bufferOf(secret),
      id,
    );
  }

  /** The same secret, sealed with the current root key. */
  reseal(id: string, secret: Sealed): void {
    this.#sql.exec(
      "UPDATE webhooks SET key_id = ?, sealed = ? WHERE id = ?",
      secret.keyId,
      bufferOf(secret),
      id,
    );
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM webhooks WHERE id = ?", id);
    this.#sql.exec("DELETE FROM webhook_health WHERE webhook = ?", id);
  }

  health(id: string): WebhookHealth {
    const query = "SELECT failing_since, off, reason FROM webhook_health WHERE webhook = ?";
    return all<WebhookHealth>(this.#sql, query, id)[0] ?? WELL;
  }

  setHealth(id: string, { failing_since, off, reason }: WebhookHealth): void {
    if (failing_since === null && !off) {
      this.#sql.exec("DELETE FROM webhook_health WHERE webhook = ?", id);
      return;
    }
    this.#sql.exec(
      `INSERT INTO webhook_health (webhook, failing_since, off, reason) VALUES (?, ?, ?, ?)
        ON CONFLICT (webhook) DO UPDATE SET failing_since = excluded.failing_since,
          off = excluded.off, reason = excluded.reason`,
      id,
      failing_since,
      off,
      reason,
    );
  }
}

const bufferOf = ({ bytes }: Sealed): ArrayBuffer =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
