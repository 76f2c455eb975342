import type {
  ElicitationPayload,
  HookPayload,
  McpPayload,
  NetworkPayload,
  PermissionPayload,
  RequestResource,
} from "@claude-edge/protocol/wire";

import type { HookEvent } from "../agent/hook-types.js";
import type { McpServerConfig } from "../agent/mcp-types.js";
import type { Transport } from "../transport.js";
import { McpHost } from "./mcp-host.js";
import type { PermissionRequest, SessionCallbacks } from "./types.js";

/** A session's callbacks at the time of a request. */
interface Known {
  handlers: SessionCallbacks;
  servers: Record<string, McpServerConfig>;
  /** This process is the session's caller, so no other program will be asked. */
  isCaller: boolean;
}

/** The answer of a callback; undefined leaves the request open. */
type Called = Promise<Record<string, unknown> | undefined>;

/** Calls the callback that a request is for, loaded apart from the rest. */
export class CallbackCalls {
  readonly #mcp: McpHost;

  constructor(transport: Transport, sessionId: () => string | undefined) {
    this.#mcp = new McpHost(transport, sessionId);
  }

  /** Ends the MCP servers' connections. */
  close(): Promise<void> {
    return this.#mcp.close();
  }

  /** @throws what the callback throws, and Error if it does not exist here and no other program will be asked. */
  async call(request: RequestResource, known: Known, signal: AbortSignal): Called {
    const { handlers, isCaller } = known;
    const payload: unknown = request.payload;
    switch (request.kind) {
      case "permission":
      case "question":
        return askPermission(request, payload as PermissionPayload, handlers, signal);
      case "hook":
        return (
          (await runHook(payload as HookPayload, handlers, signal)) ?? notHere("hook", isCaller)
        );
      case "mcp":
        this.#mcp.add(known.servers);
        return (await this.#mcp.receive(payload as McpPayload)) ?? notHere("MCP server", isCaller);
      case "elicitation":
        return elicit(request.id, payload as ElicitationPayload, handlers, signal);
      case "network":
        return askNetwork(request, payload as NetworkPayload, handlers, signal);
    }
  }
}

/** @throws Error when no other program can be asked. */
function notHere(what: string, isCaller: boolean): undefined {
  if (isCaller) throw new Error(`The program that runs the callbacks does not have that ${what}.`);
  return undefined;
}

async function askPermission(
  { id, kind, session_id, turn_id, expires_at }: RequestResource,
  { tool_name, tool_use_id, input, agent_id, options }: PermissionPayload,
  { onPermission, canUseTool }: SessionCallbacks,
  signal: AbortSignal,
): Called {
  const answer = canUseTool
    ? await canUseTool(tool_name, input, { ...options, signal } as never)
    : await onPermission?.({
        id,
        kind: kind as PermissionRequest["kind"],
        sessionId: session_id,
        turnId: turn_id,
        toolName: tool_name,
        toolUseId: tool_use_id,
        input,
        agentId: agent_id,
        expiresAt: expires_at === undefined ? undefined : new Date(expires_at),
        options,
        signal,
      });
  return (answer as Record<string, unknown> | null | undefined) ?? undefined;
}

async function askNetwork(
  { id, session_id, turn_id, expires_at }: RequestResource,
  { host, port, method }: NetworkPayload,
  { onNetwork }: SessionCallbacks,
  signal: AbortSignal,
): Called {
  const expiresAt = expires_at === undefined ? undefined : new Date(expires_at);
  const of = { id, sessionId: session_id, turnId: turn_id, expiresAt };
  return (await onNetwork?.({ ...of, host, port, method, signal })) ?? undefined;
}

async function runHook(
  { event, matcher, hook, input, tool_use_id }: HookPayload,
  { hooks }: SessionCallbacks,
  signal: AbortSignal,
): Called {
  const matchers = hooks?.[event as HookEvent];
  // Indices are those that were sent, which skip matchers without callbacks.
  const callback = matchers?.filter(({ hooks: of }) => of.length > 0)[matcher]?.hooks[hook];
  if (!callback) return undefined;
  const output: unknown = await callback(input as never, tool_use_id, { signal });
  return (output as Record<string, unknown> | undefined) ?? {};
}

async function elicit(
  requestId: string,
  { elicitation, dialog }: ElicitationPayload,
  { onElicitation, onUserDialog }: SessionCallbacks,
  signal: AbortSignal,
): Called {
  const options = { signal, requestId };
  const answer = elicitation
    ? await onElicitation?.(elicitation as never, options)
    : await onUserDialog?.(dialog as never, options);
  return (answer as Record<string, unknown> | null | undefined) ?? undefined;
}
