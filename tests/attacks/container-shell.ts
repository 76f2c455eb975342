import type { CreateSessionOptions } from "@claude-edge/client";

import { probeCommand, statusesIn, type Probe } from "./probe.ts";
import type { Tenant } from "./world.ts";

/** A container's shell, as its agent has it. Each call takes its time, so what was added is run in two of them. */
export interface ContainerShell {
  run(command: string): Promise<string>;
  /** Adds a command that prints little; the function gives what it has printed. */
  add(command: string): () => string;
  /** Adds a probe; the function gives the statuses of its answers. */
  probe(probe: Probe): () => string;
  runAdded(): Promise<void>;
}

const NOT_RUN = "it did not run";

export async function openShell(
  { client }: Tenant,
  options: CreateSessionOptions = {},
): Promise<ContainerShell> {
  const session = await client.sessions.create({ permissionMode: "bypassPermissions", ...options });
  const commands: string[] = [];
  const probes: Probe[] = [];
  let printed: string[] = [];
  let statuses = new Map<number, string>();

  async function run(command: string): Promise<string> {
    let result = "";
    for await (const event of session.send(`%tool Bash ${JSON.stringify({ command })}\n%say ok`)) {
      if (event.kind === "message" && event.message.type === "user") {
        result += JSON.stringify(event.message.tool_use_result ?? event.message);
      }
    }
    return result;
  }

  return {
    run,
    add(command) {
      const place = commands.push(command) - 1;
      return () => printed[place] ?? NOT_RUN;
    },
    probe(probe) {
      const place = probes.push(probe) - 1;
      return () => statuses.get(place) ?? NOT_RUN;
    },
    async runAdded() {
      const lines = commands.map((line, at) => `echo "#${at}#"; { ${line}; } 2>&1 | tail -c 100`);
      printed = (await run(lines.join("\n"))).split(/#\d+#/).slice(1);
      if (probes.length > 0) statuses = statusesIn(await run(probeCommand(probes)));
    },
  };
}
