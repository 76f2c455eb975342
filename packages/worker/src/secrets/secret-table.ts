import {
  EdgeError,
  MAX_SECRETS,
  type SecretPlaces,
  type SecretResource,
} from "@claude-edge/protocol";

import { iso } from "../iso.js";
import { all } from "../sql/rows.js";
import type { Sealed } from "./sealing.js";

/** The table of an object that keeps secrets, as a part of its schema. */
export const SECRET_TABLE = `
  -- Secrets: what they are for, and their values, sealed.
  CREATE TABLE secrets (
    -- The session that it is of; empty for one of the object's own.
    session_id TEXT NOT NULL,
    -- A variable; with a colon in it: a credential of the session's options, which is no variable.
    name TEXT NOT NULL,
    -- What the container holds in its place.
    placeholder TEXT NOT NULL UNIQUE,
    -- As JSON.
    hosts TEXT NOT NULL,
    places TEXT NOT NULL,
    -- Names the key that the value is sealed with.
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, name)
  ) WITHOUT ROWID;
`;

/** A secret as it is stored. */
export interface StoredSecret extends Sealed {
  session: string;
  name: string;
  placeholder: string;
  hosts: string[];
  places: SecretPlaces;
  createdAt: number;
  updatedAt: number;
}

type Row = {
  session_id: string;
  name: string;
  placeholder: string;
  hosts: string;
  places: string;
  key_id: string;
  sealed: ArrayBuffer | Uint8Array;
  created_at: number;
  updated_at: number;
};

/** A secret to store. */
export type NewSecret = Omit<StoredSecret, "createdAt" | "updatedAt">;

/** Secrets in an object's SQLite. */
export class SecretTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /**
   * Stores secrets of one owner. A variable that is there already keeps its placeholder, so that processes which hold it
   * go on; a credential of the options has the one that stands in them.
   * @throws EdgeError `too_many_secrets`. Call it in a transaction.
   */
  put(secrets: readonly NewSecret[], now: number): void {
    for (const { session, name, placeholder, hosts, places, keyId, bytes } of secrets) {
      this.#sql.exec(
        `INSERT INTO secrets
          (session_id, name, placeholder, hosts, places, key_id, sealed, created_at, updated_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (session_id, name) DO UPDATE SET hosts = excluded.hosts, places = excluded.places,
            key_id = excluded.key_id, sealed = excluded.sealed, updated_at = excluded.updated_at,
            placeholder = iif(instr(name, ':'), excluded.placeholder, placeholder)`,
        session,
        name,
        placeholder,
        JSON.stringify(hosts),
        JSON.stringify(places),
        keyId,
        // A view of a larger buffer would be stored with all of it.
        bytes.slice().buffer,
        now,
        now,
      );
    }
    for (const session of new Set(secrets.map((secret) => secret.session)))
      this.#assertFew(session);
  }

  /** Credentials in options are bounded by the options' size. */
  #assertFew(session: string): void {
    const count = this.ofOwner(session).filter(({ name }) => isVariable(name)).length;
    if (count <= MAX_SECRETS) return;
    const begin = session === "" ? "There would be" : "The session would have";
    const message = `${begin} ${count} secrets; ${MAX_SECRETS} are the most.`;
    throw new EdgeError("too_many_secrets", message, { limit: MAX_SECRETS });
  }

  /** Stores the same value under another key, unless it was set anew meanwhile. */
  reseal({ session, name, bytes }: StoredSecret, sealed: Sealed): void {
    this.#sql.exec(
      "UPDATE secrets SET key_id = ?, sealed = ? WHERE session_id = ? AND name = ? AND sealed = ?",
      sealed.keyId,
      sealed.bytes.slice().buffer,
      session,
      name,
      bytes.slice().buffer,
    );
  }

  /** Whether it was there. */
  remove(session: string, name: string): boolean {
    const where = "WHERE session_id = ? AND name = ?";
    const isThere = all(this.#sql, `SELECT 1 FROM secrets ${where}`, session, name).length > 0;
    this.#sql.exec(`DELETE FROM secrets ${where}`, session, name);
    return isThere;
  }

  removeAllOf(session: string): void {
    this.#sql.exec("DELETE FROM secrets WHERE session_id = ?", session);
  }

  /** The secrets of one owner, by name. */
  ofOwner(session: string): StoredSecret[] {
    return this.#select("WHERE session_id = ? ORDER BY name", session);
  }

  /** All secrets that are stored here. */
  all(): StoredSecret[] {
    return this.#select("ORDER BY session_id, name");
  }

  /** Those of all owners that go into bodies. */
  inBodies(): StoredSecret[] {
    return this.#select(`WHERE places ->> '$.body'`);
  }

  byPlaceholder(placeholder: string): StoredSecret | undefined {
    return this.#select("WHERE placeholder = ?", placeholder)[0];
  }

  #select(rest: string, ...bindings: string[]): StoredSecret[] {
    return all<Row>(this.#sql, `SELECT * FROM secrets ${rest}`, ...bindings).map((row) => ({
      session: row.session_id,
      name: row.name,
      placeholder: row.placeholder,
      hosts: JSON.parse(row.hosts) as string[],
      places: JSON.parse(row.places) as SecretPlaces,
      keyId: row.key_id,
      bytes: new Uint8Array(row.sealed),
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }));
  }
}

/** Whether a secret is a variable; others stand in the options of a session. */
export const isVariable = (name: string): boolean => !name.includes(":");

/** What is told of a secret. */
export function resourceOf(
  { session, name, hosts, places, createdAt, updatedAt }: StoredSecret,
  scope: SecretResource["scope"],
): SecretResource {
  return {
    name,
    scope,
    ...(session === "" ? {} : { session_id: session }),
    hosts,
    in: places,
    created_at: iso(createdAt),
    updated_at: iso(updatedAt),
  };
}
