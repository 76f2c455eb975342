import type { SessionKey, SessionStore, SessionStoreEntry } from "@anthropic-ai/claude-agent-sdk";
import { clientError } from "@claude-edge/protocol/wire";

import { ClaudeEdgeError } from "../errors.js";
import type { Transport } from "../transport.js";
import { readTranscript, type TranscriptLine } from "./transcript.js";
import { unlessMissing } from "./unless-missing.js";

/** The transcripts of a deployment for the Agent SDK's functions that read sessions. Each is read once. */
export class DeploymentStore implements SessionStore {
  readonly #transport: Transport;
  readonly #read = new Map<string, Promise<TranscriptLine[] | undefined>>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Null for a session that the account does not have. */
  async load({ sessionId, subpath }: SessionKey): Promise<SessionStoreEntry[] | null> {
    const lines = await this.#lines(sessionId);
    return lines?.filter((line) => line.subpath === subpath).map(({ entry }) => entry) ?? null;
  }

  async listSubkeys({ sessionId }: { sessionId: string }): Promise<string[]> {
    const subpaths = (await this.#lines(sessionId))?.map(({ subpath }) => subpath) ?? [];
    return [...new Set(subpaths)].filter((subpath) => subpath !== undefined);
  }

  /** Rejects: only the session's own process writes a transcript. */
  async append(): Promise<never> {
    const message = "A deployment's transcripts cannot be written to.";
    throw new ClaudeEdgeError(clientError("invalid_request", message));
  }

  #lines(sessionId: string): Promise<TranscriptLine[] | undefined> {
    const known = this.#read.get(sessionId);
    if (known) return known;
    const lines = unlessMissing(() => readTranscript(this.#transport, sessionId));
    this.#read.set(sessionId, lines);
    return lines;
  }
}
