import { randomUUID } from "node:crypto";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { until } from "./wait.js";

/**
 * Keeps a turn running until the test opens it, however slow the machine is. The session must be allowed to run Bash,
 * and its container a process of this machine.
 */
export class Gate {
  readonly #opened = join(tmpdir(), `gate-${randomUUID()}`);
  readonly #reached = `${this.#opened}-reached`;

  /** A line of a script: a tool that ends when the gate is open. */
  get tool(): string {
    const wait = `until [ -e ${this.#opened} ]; do sleep 0.05; done`;
    const command = `touch ${this.#reached}; ${wait}; rm ${this.#opened}`;
    return `%tool Bash ${JSON.stringify({ command })}`;
  }

  /** Resolves when the tool runs: no answer of the model is on its way. */
  async reached(): Promise<void> {
    await until("the tool runs", () => existsSync(this.#reached));
    rmSync(this.#reached);
  }

  open(): void {
    writeFileSync(this.#opened, "");
    rmSync(this.#reached, { force: true });
  }
}
