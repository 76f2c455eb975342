import { execFileSync } from "node:child_process";
import { getPriority } from "node:os";

import { expect, test } from "vitest";

/** How far below itself a program puts a child, when it runs that much below this one. */
function below(own: number, by: number): number {
  const program = `
    import { spawn } from "node:child_process";
    import { getPriority } from "node:os";
    import { lowerPriority } from ${JSON.stringify(new URL("priority.ts", import.meta.url).href)};
    const child = spawn("sleep", ["60"]);
    lowerPriority(child.pid, ${by});
    console.log(getPriority(child.pid) - getPriority());
    child.kill();`;
  const words = ["-n", String(own), process.execPath, "--input-type=module", "--eval", program];
  return Number(execFileSync("nice", words, { encoding: "utf8" }));
}

test("a process is put below the one that starts it, whatever that runs at", () => {
  expect(below(0, 3)).toBe(Math.min(3, 19 - getPriority()));
  expect(below(2, 1)).toBe(Math.min(1, 19 - Math.min(getPriority() + 2, 19)));
});
