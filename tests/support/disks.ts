import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";

import type { LocalStack } from "@claude-edge/local";

/**
 * The containers on whose disks a session is. `disks`: where the stack keeps them. A disk is named as
 * `packages/local/src/engine/container.ts` does.
 */
export function containersOf(
  { containers }: Pick<LocalStack, "containers">,
  disks: string,
  session: string,
): { name: string; pid: number }[] {
  return containers().filter(({ name }) => {
    const short = createHash("sha256").update(name).digest("hex").slice(0, 12);
    return existsSync(join(disks, short, "workspace", session));
  });
}
