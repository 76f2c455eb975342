import type { Runtime } from "../runtime.ts";
import { fileOfPackage } from "../support/npm.ts";
import { asProgram } from "./process.ts";

/** The oldest that the client claims, and the newest of each line. */
const VERSIONS = ["22.19.0", "22.23.3", "24.21.0", "26.10.0"];

const find = async (version: string, folder: string) => {
  const isOwn = process.version === `v${version}`;
  const path = isOwn
    ? process.execPath
    : await fileOfPackage(`node-${process.platform}-${process.arch}`, version, "bin/node");
  return asProgram(path, folder);
};

export const NODE: Runtime[] = VERSIONS.map((version) => ({
  name: `Node ${version}`,
  find: (folder) => find(version, folder),
}));
