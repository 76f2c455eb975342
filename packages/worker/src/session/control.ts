import { EdgeError, toWireError, type ControlMethod } from "@claude-edge/protocol";
import type { ControlCall, ControlResult } from "@claude-edge/protocol/runner";

import { Patience } from "../container/patience.js";
import { isDraining } from "../container/places.js";
import { callRunner, OBJECT_PATIENCE_MS } from "../container/runner-client.js";
import { CapacityWait } from "./capacity-wait.js";
import { refusalOf, type RunnerRefusal } from "./runner-refusal.js";
import { sendTranscript } from "./send-transcript.js";
import { runnerVariables } from "./session-secrets.js";
import type { SessionParts } from "./parts.js";
import type { TurnContext } from "./turn-context.js";

/** Timeout of a control call, milliseconds: it may start a process or call the model API. */
const CONTROL_MS = 60_000;

/**
 * Calls a method of the Agent SDK's `Query` on the session's process, starting its container if needed.
 * @throws EdgeError `container_unavailable`, `control_failed`, and errors of starting the container.
 */
export async function callControl(
  {
    store,
    runnerLog,
    workspace,
    placement,
    container,
    link,
  }: Pick<SessionParts, "link"> &
    Pick<TurnContext, "store" | "runnerLog" | "workspace" | "placement" | "container">,
  method: ControlMethod,
  args: unknown[],
): Promise<unknown> {
  const boot = store.runningTurn()?.boot ?? null;
  // A turn stays where it runs, also while that runner drains.
  if (boot !== null) runnerLog.follow(boot);
  else {
    const isWanted = () => store.exists;
    // The caller of this one waits: only a reset of the container's object, or its replacement, is waited for.
    const wait = new CapacityWait(new Patience(OBJECT_PATIENCE_MS), () => {});
    const waitAfter = async (failure: unknown) =>
      (toWireError(failure).code === "internal" || isDraining(failure)) && wait.after(failure);
    if (!(await placement.ensure({ recheck: false, isWanted, waitAfter }))) {
      throw new EdgeError("session_not_found", "The session was deleted.");
    }
  }
  const { refusal } = await sendTranscript(store, container());
  if (refusal) throw refusalOf(refusal.body);
  await (
    await workspace.send()
  ).complete;
  const options = { ...store.options.get(), ...(await runnerVariables(store, link.port)) };
  const call: ControlCall = { method, args, options };
  const path = `/sessions/${store.id}/control`;
  try {
    const { ok, body } = await callRunner<ControlResult & RunnerRefusal>(
      container(),
      "POST",
      path,
      call,
      CONTROL_MS,
    );
    if (!ok) throw refusalOf(body);
    if (body.error !== undefined) throw new EdgeError("control_failed", body.error);
    return body.result ?? null;
  } catch (error) {
    if (toWireError(error).code !== "internal") throw error;
    const message = `The container did not answer to ${method}.`;
    throw new EdgeError("container_unavailable", message, undefined, error);
  } finally {
    runnerLog.touch();
  }
}
