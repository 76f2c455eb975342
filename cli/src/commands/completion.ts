import { EXIT } from "@claude-edge/protocol/errors";
import type { Command } from "commander";

import { bashCompletion } from "../completion/bash.js";
import { fishCompletion } from "../completion/fish.js";
import { levelsOf } from "../completion/tree.js";
import { zshCompletion } from "../completion/zsh.js";
import { write, type Context } from "../context.js";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/** `claude-edge completion`: the script of a shell, out of the program as it is defined. Gives the exit code. */
export async function completion(
  shell: keyof typeof SHELLS,
  program: Command,
  { stdout }: Context,
): Promise<number> {
  await write(stdout, SHELLS[shell](levelsOf(program)));
  return EXIT.ok;
}
