import type { SessionStore } from "@anthropic-ai/claude-agent-sdk";
import type { TranscriptEntry } from "@claude-edge/protocol/runner";

import { TranscriptStore } from "./transcript-store.js";

/** The Agent SDK scopes transcripts by working directory. A session has one of its own, so one scope serves for all. */
const PROJECT = "workspace";

type Entries = TranscriptEntry["entry"][];

/** Called with entries that the agent has written; `subpath` names a subagent's transcript. */
type OnAppend = (session: string, subpath: string | undefined, entries: Entries) => void;

/** The transcripts of the sessions of a runner, by session. */
export class Transcripts {
  readonly #store: TranscriptStore;

  constructor(folder: string, onAppend: OnAppend) {
    this.#store = new TranscriptStore(folder, ({ sessionId, subpath }, entries) =>
      onAppend(sessionId, subpath, entries),
    );
  }

  /** The store in the form that the Agent SDK takes as `sessionStore`. */
  get sessionStore(): SessionStore {
    const store = this.#store;
    const inProject = <Key extends { projectKey: string }>(key: Key) => ({
      ...key,
      projectKey: PROJECT,
    });
    return {
      append: (key, entries) => store.append(inProject(key), entries),
      load: (key) => store.load(inProject(key)),
      listSubkeys: (key) => store.listSubkeys(inProject(key)),
    };
  }

  /** Replaces a session's transcript by one that is stored elsewhere. */
  async replace(session: string, batches: AsyncIterable<TranscriptEntry[]>): Promise<void> {
    // An attempt that was cut off may have left entries without an id, which would be there twice.
    await this.delete(session);
    for await (const batch of batches) {
      for (const [subpath, group] of Map.groupBy(batch, (entry) => entry.subpath)) {
        const entries = group.map(({ entry }) => entry);
        const key = { ...keyOf(session), ...(subpath === undefined ? {} : { subpath }) };
        await this.#store.restore(key, entries);
      }
    }
  }

  /** Whether there is a conversation to resume: the last entries of a discarded process may be all there is. */
  async hasConversation(session: string): Promise<boolean> {
    const entries = await this.#store.load(keyOf(session));
    return entries?.some(({ type }) => type === "user" || type === "assistant") ?? false;
  }

  async hasEntry(session: string, uuid: string): Promise<boolean> {
    const entries = await this.#store.load(keyOf(session));
    return entries?.some((entry) => entry.uuid === uuid) ?? false;
  }

  /** Frees the memory held for a session that is idle. */
  release(session: string): void {
    this.#store.forget(session);
  }

  delete(session: string): Promise<void> {
    return this.#store.delete(keyOf(session));
  }
}

const keyOf = (sessionId: string) => ({ projectKey: PROJECT, sessionId });
