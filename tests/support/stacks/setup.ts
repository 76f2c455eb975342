import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Where `host.ts` answers. */
    stackHost: string;
  }
}

/** Starts the host of the shared stacks; each stack starts when a file first asks for it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const host = spawn(process.execPath, [fileURLToPath(new URL("host.ts", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(host, "exit");
  const [line] = (await Promise.race([
    once(host.stdout.setEncoding("utf8"), "data"),
    exited.then(() => {
      throw new Error("the host of the shared stacks did not start");
    }),
  ])) as [string];
  project.provide("stackHost", line.trim());
  return async () => {
    host.stdin.end();
    await exited;
  };
}
