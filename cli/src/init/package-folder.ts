import { createRequire } from "node:module";
import { dirname } from "node:path";

/** The folder of this package, whether it runs from its bundle or from its sources. */
export const packageFolder = (): string =>
  dirname(createRequire(import.meta.url).resolve("claude-edge/package.json"));
