import type { AgentQuery } from "@claude-edge/client";
import {
  askPermission,
  callHook,
  elicit,
  showDialog,
  type HookIds,
} from "@claude-edge/protocol/control";

import type { Questions } from "./questions.js";

/** The Agent SDK's options, as the client takes them. */
export type Options = NonNullable<AgentQuery["options"]>;

type Callbacks = Pick<Options, "canUseTool" | "hooks" | "onElicitation" | "onUserDialog">;

/** What of the callbacks there is in the program. */
export interface Asked {
  /** It decides on tools. */
  permissions: boolean;
  /** It can ask its user what an MCP server wants to know. */
  elicitations: boolean;
  hooks: HookIds;
  dialogs: boolean;
}

/** Callbacks that ask the program over the control protocol. */
export function callbacksOf(questions: Questions, asked: Asked): Callbacks {
  const { hooks } = asked;
  const onElicitation = async (request: object, { signal }: { signal: AbortSignal }) =>
    questions.ask(elicit({ ...request }), signal);
  const onUserDialog = async (request: object, { signal }: { signal: AbortSignal }) =>
    questions.ask(showDialog({ ...request }), signal);
  const callbacks = {
    ...(asked.elicitations ? { onElicitation } : {}),
    ...(asked.permissions ? { canUseTool: permission(questions) } : {}),
    ...(Object.keys(hooks).length > 0 ? { hooks: hooksOf(hooks, questions) } : {}),
    ...(asked.dialogs ? { onUserDialog } : {}),
  };
  // Answers go through unread: the deployment checks them.
  return callbacks as unknown as Callbacks;
}

function permission(questions: Questions) {
  return async (
    tool_name: string,
    input: Record<string, unknown>,
    { signal, ...options }: { signal: AbortSignal; toolUseID: string; agentID?: string },
  ) => {
    const { toolUseID: tool_use_id, agentID } = options;
    const agent = agentID === undefined ? {} : { agent_id: agentID };
    const body = askPermission({
      tool_name,
      tool_use_id,
      input,
      ...agent,
      options: { ...options },
    });
    return questions.ask(body, signal);
  };
}

function hooksOf(ids: HookIds, questions: Questions): object {
  const hook =
    (id: string) =>
    async (
      input: Record<string, unknown>,
      tool_use_id: string | undefined,
      { signal }: { signal: AbortSignal },
    ) =>
      questions.ask(callHook(id, tool_use_id ? { input, tool_use_id } : { input }), signal);
  const events = Object.entries(ids).map(([event, matchers]) => [
    event,
    matchers.map(({ hookCallbackIds, ...matcher }) => ({
      ...matcher,
      hooks: hookCallbackIds.map(hook),
    })),
  ]);
  return Object.fromEntries(events) as object;
}
