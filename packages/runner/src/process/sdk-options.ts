import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { Options } from "@anthropic-ai/claude-agent-sdk";
import type { RunnerOptions } from "@claude-edge/protocol/runner";

import { withCallbacks } from "../callbacks/callbacks.js";
import type { Transcripts } from "../log/transcripts.js";
import { checkpointHooks, joinHooks, toolsDoneHooks } from "../workspace/hooks.js";
import { directoriesOf, type AgentDefinition } from "./agent-definition.js";
import type { Certificates } from "./certificates.js";
import {
  agentEnvironment,
  makeSessionFolders,
  removeTranscriptCopy,
  type RunnerFolders,
  type SessionFolders,
} from "./environment.js";
import { gitVariables } from "./git-variables.js";
import type { ProcessOwner } from "./process-owner.js";
import { withWebFetch } from "./settings.js";

/** What the processes of all sessions of a runner have in common. */
export interface RunnerSetup {
  agent: AgentDefinition;
  folders: RunnerFolders;
  transcripts: Transcripts;
  certificates: Certificates;
  /** Whether tasks may run in the background. */
  hasBackground: boolean;
}

/** The environment of a session's programs: the agent's, and those that the runner runs for it. */
export function environmentOf(
  { agent, certificates }: Pick<RunnerSetup, "agent" | "certificates">,
  session: string,
  folders: SessionFolders,
  { env = {}, variables = {}, repositories = [] }: RunnerOptions,
): Record<string, string> {
  const own = { ...agent.env, ...env, ...variables };
  const extra = { ...own, ...gitVariables(repositories, variables, own) };
  return agentEnvironment(session, folders, certificates.variables(), extra);
}

/** The options that a session's process is started with: the agent's, then the session's, then the runner's own. */
export async function sdkOptions(
  setup: RunnerSetup,
  owner: ProcessOwner,
  wire: RunnerOptions,
): Promise<Options> {
  const { id } = owner;
  const { agent: definition, folders: runnerFolders, transcripts } = setup;
  const { env: _joined, workspace: _kept, repeatableTools: _known, ...agent } = definition;
  // Set with each prompt, so that a spare can serve either kind.
  const { verbatimPrompts: _perPrompt, sessionStateEvents: _told, ...rest } = wire;
  const { replayUserMessages, ...more } = rest;
  const { variables: _put, repositories: _cloned, env: _merged, cwd, stderr, ...given } = more;
  const options = withCallbacks(given, owner.callbacks);
  const folders = await makeSessionFolders(runnerFolders, id);
  const isResumed = await transcripts.hasConversation(id);
  // A process that was killed before it handed its transcript on has left its own copy: the id would be refused as already
  // in use.
  if (!isResumed) await removeTranscriptCopy(folders);
  const workingFolder = cwd === undefined ? folders.workspace : join(folders.workspace, cwd);
  // What is in the way there shows when the process starts.
  if (cwd !== undefined) await mkdir(workingFolder, { recursive: true }).catch(() => {});
  return {
    settingSources: [],
    strictMcpConfig: true,
    // Otherwise headers and variables of servers would be on a command line that every tool can read.
    mcpServersDelivery: "initialize",
    ...agent,
    ...options,
    settings: withWebFetch(options.settings ?? agent.settings),
    ...merged("mcpServers", agent.mcpServers, options.mcpServers),
    ...merged("agents", agent.agents, options.agents),
    additionalDirectories: directoriesOf(agent, options),
    hooks: joinHooks(
      agent.hooks,
      options.hooks,
      checkpointHooks(() => owner.onToolDone()),
      toolsDoneHooks(() => owner.onToolsDone()),
    ),
    ...(isResumed ? { resume: id } : { sessionId: id }),
    cwd: workingFolder,
    env: {
      ...environmentOf(setup, id, folders, wire),
      ...(setup.hasBackground ? {} : { CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1" }),
    },
    extraArgs: {
      ...agent.extraArgs,
      ...(replayUserMessages ? { "replay-user-messages": null } : {}),
      // By itself `--debug` writes to a file.
      ...(stderr && options.debug ? { "debug-to-stderr": null } : {}),
    },
    includePartialMessages: true,
    sessionStore: transcripts.sessionStore,
    // Whatever has finished must be stored even if the process is killed the moment after.
    sessionStoreFlush: "eager",
    ...(options.permissionMode === "bypassPermissions"
      ? { allowDangerouslySkipPermissions: true }
      : {}),
  } as Options;
}

/** Merges the records that agent and session have under one name; the session's entries win. */
function merged<Name extends string, Value>(
  name: Name,
  agent: Record<string, Value> | undefined,
  session: Record<string, Value> | undefined,
): Partial<Record<Name, Record<string, Value>>> {
  if (!agent || !session) return {};
  return { [name]: { ...agent, ...session } } as Record<Name, Record<string, Value>>;
}
