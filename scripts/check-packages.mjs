/** Packs every package as it would be published and has publint and attw look at it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = [...readdirSync("packages").map((name) => `packages/${name}`), "cli"];
const temp = mkdtempSync(join(tmpdir(), "claude-edge-pack-"));
const run = (command, args) =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

try {
  for (const folder of folders) {
    const [{ filename }] = JSON.parse(
      run("npm", ["pack", `./${folder}`, "--json", "--silent", "--pack-destination", temp]),
    );
    const tarball = join(temp, filename);
    run("publint", [tarball, "--strict"]);
    // The CLI has nothing to import.
    if (folder !== "cli") run("attw", [tarball, "--profile", "esm-only", "--quiet"]);
    console.log(`${folder}: publint and attw find nothing`);
  }
} finally {
  rmSync(temp, { recursive: true, force: true });
}
