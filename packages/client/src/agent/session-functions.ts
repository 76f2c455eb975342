/**
 * The Agent SDK's functions on stored sessions, for those of a deployment. What they make of a transcript is the Agent
 * SDK's own work: it is given the deployment's transcripts by a `SessionStore`. With a `sessionStore` of the caller's
 * they are the Agent SDK's own.
 */
import * as sdk from "@anthropic-ai/claude-agent-sdk";
import { clientError, type SessionResource } from "@claude-edge/protocol/wire";

import { resolveConfig, type ClientOptions } from "../config.js";
import { ClaudeEdgeError } from "../errors.js";
import { Sessions } from "../sessions.js";
import { Transport } from "../transport.js";
import { DeploymentStore } from "./deployment-store.js";
import { readTranscript } from "./transcript.js";
import { unlessMissing } from "./unless-missing.js";

/** Where the sessions are. */
export interface OnEdge {
  /** The deployment; `CLAUDE_EDGE_URL` and `CLAUDE_EDGE_TOKEN` without it. */
  edge?: ClientOptions | undefined;
}

/** Transcripts that are read at the same time for a list. */
const MAX_READS = 4;

const transportOf = ({ edge = {} }: OnEdge): Transport => new Transport(resolveConfig(edge));

/** A session as the Agent SDK tells of it: what the deployment keeps of it goes before what its transcript says. */
async function infoOf(
  transport: Transport,
  { id, title, tags, created_at, updated_at }: SessionResource,
  isListed = false,
): Promise<sdk.SDKSessionInfo | undefined> {
  const [tag] = tags;
  const kept = {
    sessionId: id,
    lastModified: Date.parse(updated_at),
    createdAt: Date.parse(created_at),
    ...(title === null ? {} : { summary: title, customTitle: title }),
    ...(tag === undefined ? {} : { tag }),
  };
  // In a list a transcript is read only for the first prompt of a session that has no other name.
  if (isListed && title !== null) return { ...kept, summary: title };
  const { fileSize: _none, ...told } =
    (await sdk.getSessionInfo(id, { sessionStore: new DeploymentStore(transport) })) ?? {};
  const info = { ...told, ...kept };
  return info.summary === undefined ? undefined : { ...info, summary: info.summary };
}

/** The account's sessions, newest first. `dir` is ignored: they are in no folder of this machine. */
export async function listSessions(
  options: sdk.ListSessionsOptions & OnEdge = {},
): Promise<sdk.SDKSessionInfo[]> {
  if (options.sessionStore) return sdk.listSessions(options);
  const { limit = Infinity, offset = 0 } = options;
  const transport = transportOf(options);
  const infos: sdk.SDKSessionInfo[] = [];
  let open: SessionResource[] = [];
  const settle = async () => {
    const read = await Promise.all(
      open.map((session) => unlessMissing(() => infoOf(transport, session, true))),
    );
    infos.push(...read.filter((info) => info !== undefined));
    open = [];
  };
  for await (const session of new Sessions(transport).list()) {
    if (open.push(session) === MAX_READS) await settle();
    if (infos.length >= offset + limit) break;
  }
  await settle();
  return infos.slice(offset, offset + limit);
}

/** A session, or undefined: of an id that the account does not have, and of a session that nothing was said in. */
export async function getSessionInfo(
  sessionId: string,
  options: sdk.GetSessionInfoOptions & OnEdge = {},
): Promise<sdk.SDKSessionInfo | undefined> {
  if (options.sessionStore) return sdk.getSessionInfo(sessionId, options);
  const transport = transportOf(options);
  return unlessMissing(async () =>
    infoOf(transport, await new Sessions(transport).retrieve(sessionId)),
  );
}

/** What was said in a session; an empty list for an id that the account does not have. */
export async function getSessionMessages(
  sessionId: string,
  options: sdk.GetSessionMessagesOptions & OnEdge = {},
): Promise<sdk.SessionMessage[]> {
  return sdk.getSessionMessages(sessionId, withStore(options));
}

/** The ids of a session's subagents. */
export async function listSubagents(
  sessionId: string,
  options: sdk.ListSubagentsOptions & OnEdge = {},
): Promise<string[]> {
  return sdk.listSubagents(sessionId, withStore(options));
}

/** What was said in a subagent. */
export async function getSubagentMessages(
  sessionId: string,
  agentId: string,
  options: sdk.GetSubagentMessagesOptions & OnEdge = {},
): Promise<sdk.SessionMessage[]> {
  return sdk.getSubagentMessages(sessionId, agentId, withStore(options));
}

/** Options for the Agent SDK's own function, which then reads the deployment's transcripts. */
function withStore<Options extends { dir?: string; sessionStore?: sdk.SessionStore } & OnEdge>(
  options: Options,
): Omit<Options, "edge" | "dir"> {
  const { edge: _ours, dir: _local, ...rest } = options;
  if (rest.sessionStore) return options;
  return { ...rest, sessionStore: new DeploymentStore(transportOf(options)) };
}

/** Gives a session a title. @throws Error without a title; ClaudeEdgeError `session_not_found`. */
export async function renameSession(
  sessionId: string,
  title: string,
  options: sdk.SessionMutationOptions & OnEdge = {},
): Promise<void> {
  if (options.sessionStore) return sdk.renameSession(sessionId, title, options);
  await opened(sessionId, options).update({ title: stated("title", title) });
}

/** Gives a session a tag in place of those it has; null takes them away. @throws ClaudeEdgeError `session_not_found`. */
export async function tagSession(
  sessionId: string,
  tag: string | null,
  options: sdk.SessionMutationOptions & OnEdge = {},
): Promise<void> {
  if (options.sessionStore) return sdk.tagSession(sessionId, tag, options);
  const tags = tag === null ? [] : [stated("tag", tag)];
  await opened(sessionId, options).update({ tags });
}

/** Deletes a session, its files with it. @throws ClaudeEdgeError `session_not_found`. */
export async function deleteSession(
  sessionId: string,
  options: sdk.SessionMutationOptions & OnEdge = {},
): Promise<void> {
  if (options.sessionStore) return sdk.deleteSession(sessionId, options);
  await opened(sessionId, options).delete();
}

/**
 * Branches a session: conversation and files. Its messages keep their ids.
 * @throws ClaudeEdgeError `session_not_found`, `message_not_found`.
 */
export async function forkSession(
  sessionId: string,
  options: sdk.ForkSessionOptions & OnEdge = {},
): Promise<sdk.ForkSessionResult> {
  if (options.sessionStore) return sdk.forkSession(sessionId, options);
  const { upToMessageId, edge } = options;
  const title = options.title ?? (await titleOfFork(sessionId, { edge }));
  const fork = await opened(sessionId, { edge }).fork({ messageId: upToMessageId, title });
  return { sessionId: fork.id };
}

async function titleOfFork(sessionId: string, on: OnEdge): Promise<string | undefined> {
  const info = await getSessionInfo(sessionId, on);
  // The longest title that a session takes is 200 characters.
  return info && `${info.summary.slice(0, 190)} (fork)`;
}

const opened = (sessionId: string, options: OnEdge) =>
  new Sessions(transportOf(options)).open(sessionId);

function stated(name: string, value: string): string {
  if (value.trim() !== "") return value.trim();
  const message = `${name} must be non-empty`;
  throw new ClaudeEdgeError(clientError("invalid_request", message));
}

/** Entries that a store is given at a time by default: the Agent SDK's own figure. */
const BATCH = 500;

/** Copies a session's transcript into a store of the caller's. @throws ClaudeEdgeError `session_not_found`. */
export async function importSessionToStore(
  sessionId: string,
  store: sdk.SessionStore,
  options: sdk.ImportSessionToStoreOptions & OnEdge = {},
): Promise<void> {
  const { includeSubagents = true, batchSize = BATCH, dir } = options;
  const lines = await readTranscript(transportOf(options), sessionId);
  const projectKey = await projectKeyOf(sessionId, dir);
  const subpaths = new Set(lines.map(({ subpath }) => subpath));
  for (const subpath of subpaths) {
    if (subpath !== undefined && !includeSubagents) continue;
    const key = { projectKey, sessionId, ...(subpath === undefined ? {} : { subpath }) };
    const entries = lines.filter((line) => line.subpath === subpath).map(({ entry }) => entry);
    for (let at = 0; at < entries.length; at += batchSize) {
      await store.append(key, entries.slice(at, at + batchSize));
    }
  }
}

/** The key under which the Agent SDK will look for the session: it makes it of a folder of this machine. */
async function projectKeyOf(sessionId: string, dir: string | undefined): Promise<string> {
  let projectKey = "";
  const asked = async (key: sdk.SessionKey) => {
    ({ projectKey } = key);
    return null;
  };
  const sessionStore = { append: async () => {}, load: asked };
  await sdk.getSessionInfo(sessionId, { sessionStore, ...(dir === undefined ? {} : { dir }) });
  return projectKey;
}
