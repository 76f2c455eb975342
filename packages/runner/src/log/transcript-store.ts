import { appendFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { SessionKey, SessionStore, SessionStoreEntry } from "@anthropic-ai/claude-agent-sdk";

const MAIN = "main.jsonl";
const SUB_PREFIX = "sub-";

/**
 * Transcripts on the container's disk, in the form the Agent SDK's `sessionStore` asks for: one file per transcript, one
 * entry per line. They last as long as the container; `onAppend` receives what must outlive it.
 */
export class TranscriptStore implements SessionStore {
  readonly #folder: string;
  readonly #onAppend: (key: SessionKey, entries: SessionStoreEntry[]) => void;
  /** The ids of the entries in each file: an entry is written once, however often it is sent. */
  readonly #seen = new Map<string, Set<string>>();
  /** One write at a time, in the order they came. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(folder: string, onAppend: (key: SessionKey, entries: SessionStoreEntry[]) => void) {
    this.#folder = folder;
    this.#onAppend = onAppend;
  }

  append(key: SessionKey, entries: SessionStoreEntry[]): Promise<void> {
    return this.#inOrder(async () => {
      const fresh = await this.#write(key, entries);
      if (fresh.length > 0) this.#onAppend(key, fresh);
    });
  }

  /** Takes over entries that are stored elsewhere already. */
  restore(key: SessionKey, entries: SessionStoreEntry[]): Promise<void> {
    return this.#inOrder(async () => {
      await this.#write(key, entries);
    });
  }

  async load(key: SessionKey): Promise<SessionStoreEntry[] | null> {
    await this.#last;
    return readEntries(this.#file(key));
  }

  async listSessions(projectKey: string): Promise<{ sessionId: string; mtime: number }[]> {
    await this.#last;
    const project = join(this.#folder, encodeURIComponent(projectKey));
    const found = [];
    for (const name of await list(project)) {
      const main = await stat(join(project, name, MAIN)).catch(() => undefined);
      if (main)
        found.push({ sessionId: decodeURIComponent(name), mtime: Math.floor(main.mtimeMs) });
    }
    return found;
  }

  async listSubkeys(key: { projectKey: string; sessionId: string }): Promise<string[]> {
    await this.#last;
    return (await list(dirname(this.#file(key))))
      .filter((name) => name.startsWith(SUB_PREFIX))
      .map((name) => decodeURIComponent(name.slice(SUB_PREFIX.length, -".jsonl".length)));
  }

  /** Deletes one transcript; with the main one, all of the session. */
  delete(key: SessionKey): Promise<void> {
    return this.#inOrder(async () => {
      const file = this.#file(key);
      const path = key.subpath === undefined ? dirname(file) : file;
      await rm(path, { recursive: true, force: true });
      for (const seen of this.#seen.keys()) if (seen.startsWith(path)) this.#seen.delete(seen);
    });
  }

  /** Frees the memory held for a session. */
  forget(sessionId: string): void {
    const part = `/${encodeURIComponent(sessionId)}/`;
    for (const file of this.#seen.keys()) if (file.includes(part)) this.#seen.delete(file);
  }

  #file({ projectKey, sessionId, subpath }: SessionKey): string {
    const folder = join(
      this.#folder,
      encodeURIComponent(projectKey),
      encodeURIComponent(sessionId),
    );
    return join(
      folder,
      subpath === undefined ? MAIN : `${SUB_PREFIX}${encodeURIComponent(subpath)}.jsonl`,
    );
  }

  /** Writes the entries that are new and returns them. Entries without an id are always new. */
  async #write(key: SessionKey, entries: SessionStoreEntry[]): Promise<SessionStoreEntry[]> {
    const file = this.#file(key);
    const seen = await this.#seenIn(file);
    const ids = new Set<string>();
    const fresh = entries.filter(({ uuid }) => {
      if (uuid === undefined) return true;
      if (seen.has(uuid) || ids.has(uuid)) return false;
      ids.add(uuid);
      return true;
    });
    if (fresh.length === 0) return fresh;
    await mkdir(dirname(file), { recursive: true });
    await appendFile(file, fresh.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    // Not before: the Agent SDK sends them again after a write that failed.
    for (const id of ids) seen.add(id);
    return fresh;
  }

  async #seenIn(file: string): Promise<Set<string>> {
    let seen = this.#seen.get(file);
    if (!seen) {
      const ids = (await readEntries(file))?.flatMap(({ uuid }) =>
        uuid === undefined ? [] : [uuid],
      );
      seen = new Set(ids);
      this.#seen.set(file, seen);
    }
    return seen;
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

async function readEntries(file: string): Promise<SessionStoreEntry[] | null> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return null;
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as SessionStoreEntry);
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}
