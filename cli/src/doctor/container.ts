import type { ContainerStatus, DeploymentStatus } from "@claude-edge/protocol";
import { errorPolicy, wireError } from "@claude-edge/protocol/errors";
import { protocolProblem } from "@claude-edge/protocol/wire";

import { tasksNote } from "../sessions/tasks-note.js";
import { askStatus, type Known } from "./deployment.js";
import { fail, ok, skip, warn, type Finding } from "./finding.js";

/** What the runner in a container says of itself, and the Worker before it. */
export interface Runner {
  container: ContainerStatus;
  worker: { version: string; runner_protocol: number };
}

/** Whether the account's container runs and its runner answers; `start`: once it was started. */
export async function checkContainer(
  { target, status }: Known,
  start: boolean,
  signal: AbortSignal,
): Promise<Finding<Runner>> {
  if (!start || status.container.state === "running") return judge(status);
  const started = await askStatus(target, signal, true);
  if (started.status) return judge(started.status);
  // It may run all the same, with an agent or a version that is of no use: then its own word says more.
  const after = await askStatus(target, signal);
  return after.status?.container.state === "running" ? judge(after.status) : started.refusal;
}

function judge({ container, version, runner_protocol }: DeploymentStatus): Finding<Runner> {
  const runner = { container, worker: { version, runner_protocol } };
  switch (container.state) {
    case "running": {
      const { background_tasks: tasks } = container;
      const beside = tasks === undefined ? "" : `; ${tasksNote(tasks)}`;
      if (container.error === undefined) return ok(`runs, and its runner answers${beside}`, runner);
      const message = `the agent cannot be loaded: ${container.error} (agent_start_failed)`;
      return { ...fail(message, errorPolicy("agent_start_failed").suggestion), value: runner };
    }
    case "starting":
      return warn("is being started", "run it again in a minute");
    case "silent": {
      const details = { reason: "not_listening" };
      const { suggestion } = wireError("container_unavailable", "", details);
      const message = "it runs, and its runner does not answer";
      return fail(`${message} (container_unavailable, not_listening)`, suggestion);
    }
    default:
      return skip("it sleeps: what it would run is not known", "`claude-edge doctor --start`");
  }
}

const UPDATE =
  "wait until its rollout is done (`npx wrangler containers list`), or deploy with `claude-edge deploy --containers-rollout immediate`; a container that runs keeps its image until it is idle and a turn comes, or it sleeps";

/** Whether the container runs what the Worker was deployed with, and the Agent SDK that the project has. */
export function checkRunner({ container, worker }: Runner, projectSdk?: string): Finding {
  const { runner_version: version, protocol, sdk_version: sdk } = container;
  if (version !== worker.version) {
    const message = `the container's image is not updated: its runner is ${version}, the Worker ${worker.version}`;
    const us = { name: "Worker", protocol: worker.runner_protocol };
    const isApart = protocolProblem(us, { name: "runner", protocol }) !== undefined;
    return fail(isApart ? `${message} (protocol ${protocol}: protocol_mismatch)` : message, UPDATE);
  }
  if (sdk !== undefined && projectSdk !== undefined && sdk !== projectSdk) {
    return warn(`the Agent SDK is ${sdk} in the container, ${projectSdk} in the project`, UPDATE);
  }
  return ok(`runner ${version}, Agent SDK ${sdk ?? "unknown"}`);
}
