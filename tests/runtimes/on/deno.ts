import type { Runtime } from "../runtime.ts";
import { fileOfPackage } from "../support/npm.ts";
import { asProgram } from "./process.ts";

const VERSION = "2.9.6";

const libc = process.platform === "linux" ? "-glibc" : "";
const PACKAGE = `@deno/${process.platform}-${process.arch}${libc}`;

/** What the client's README says it needs, and the packages as npm has put them there. */
const FLAGS = ["run", "--allow-net", "--allow-env", "--no-prompt", "--node-modules-dir=manual"];

export const DENO: Runtime = {
  name: "Deno",
  find: async (folder) => asProgram(await fileOfPackage(PACKAGE, VERSION, "deno"), folder, FLAGS),
};
