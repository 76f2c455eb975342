import { fileURLToPath } from "node:url";

import { build } from "esbuild";

/** An entry with the suite and the client in one file, for runtimes that do not look into node_modules. */
export async function bundle(entry: "worker" | "page"): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entryPath(entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

export const entryPath = (entry: string): string =>
  fileURLToPath(new URL(`../entries/${entry}.js`, import.meta.url));
