/**
 * Imported first by what is run with plain `node`: on a Node that is older than the packages need, runs the script again
 * on the one that `npm ci` has installed.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 19)) {
  const own = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
  if (!existsSync(own)) {
    console.error(`This needs Node.js 22.19 or newer, or \`npm ci\`; this is ${process.version}.`);
    process.exit(2);
  }
  const { status } = spawnSync(own, process.argv.slice(1), { stdio: "inherit" });
  process.exit(status ?? 1);
}
