import { Unavailable, type Runtime } from "../runtime.ts";
import { fileOfPackage } from "../support/npm.ts";
import { asProgram } from "./process.ts";

const VERSION = "1.4.5";

const arch = process.arch === "arm64" ? "aarch64" : process.arch;

/** The second is for processors without AVX2. */
const PACKAGES = [
  `@oven/bun-${process.platform}-${arch}`,
  `@oven/bun-${process.platform}-${arch}-baseline`,
];

export const BUN: Runtime = {
  name: "Bun",
  async find(folder) {
    let reason: unknown;
    for (const name of PACKAGES) {
      try {
        return await asProgram(await fileOfPackage(name, VERSION, "bin/bun"), folder);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        reason ??= error;
      }
    }
    throw reason;
  },
};
