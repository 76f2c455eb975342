import type { JsonRpcMessage, SessionOptions } from "@claude-edge/protocol";
import type { ControlCall, ControlResult } from "@claude-edge/protocol/runner";

import { withTunnels, type CallbackContext } from "../callbacks/callbacks.js";
import type { SessionProcess } from "../process/session-process.js";

/** What a control call works on. */
export interface ControlTarget {
  process: SessionProcess;
  callbacks: CallbackContext;
  /** Called when a process was started for the call. */
  onStarted(): void;
}

/** Calls a method of the Agent SDK's `Query`, starting a process if there is none. Failures are part of the answer. */
export async function control(
  target: ControlTarget,
  { method, args, options }: ControlCall,
): Promise<ControlResult> {
  const { process, callbacks } = target;
  try {
    if (method === "mcpMessage") {
      const [server, message] = args as [string, JsonRpcMessage];
      await callbacks.tunnels.get(server)?.deliver(message);
      return {};
    }
    // A process that is being opened for a turn has that turn's options.
    await process.opened();
    if (!process.live?.alive) {
      await process.ensure(options);
      target.onStarted();
    }
    const given = method === "setMcpServers" ? withServers(args, callbacks) : args;
    const result = await process.live!.control(method, given);
    // The process has the change now, so the next turn's options do not differ by it.
    if (method === "setModel") process.noteOptions({ model: args[0] as string });
    if (method === "setPermissionMode") {
      // The mode in effect, which can differ from the one asked for.
      const { mode = args[0] } = (result ?? {}) as { mode?: unknown };
      process.noteOptions({ permissionMode: mode as SessionOptions["permissionMode"] });
    }
    return result === undefined ? {} : { result };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function withServers([servers, ...rest]: unknown[], callbacks: CallbackContext): unknown[] {
  return [withTunnels(servers as NonNullable<SessionOptions["mcpServers"]>, callbacks), ...rest];
}
