/**
 * Raises the Agent SDK: `npm run sdk:raise 0.3.332`. Does the mechanical part, then prints what a person must look at.
 * docs/internals/raising-the-sdk.md has the rest.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { changedDeclarations, changedMethods, surfaceOf } from "../tests/parity/surface.ts";

const SDK = "@anthropic-ai/claude-agent-sdk";
const INSTALLED = `node_modules/${SDK}`;
const [version] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+$/.test(version ?? "")) {
  console.error("Usage: npm run sdk:raise <version>, for example 0.3.332");
  process.exit(2);
}

const run = (command, ...args) => execFileSync(command, args, { stdio: "inherit" });
const manifestOf = (folder) => JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));

/** Replaces a version in a manifest, whose layout stays. */
function pin(file, range) {
  const text = readFileSync(file, "utf8");
  const pinned = text.replace(new RegExp(`("${SDK}": )"[~^]?\\d[^"]*"`), `$1"${range}"`);
  writeFileSync(file, pinned);
}

const before = manifestOf(INSTALLED);
const kept = mkdtempSync(join(tmpdir(), "sdk-before-"));
try {
  cpSync(`${INSTALLED}/sdk.d.ts`, join(kept, "sdk.d.ts"));
  pin("packages/runner/package.json", version);
  pin("packages/client/package.json", `^${version}`);
  run("npm", "install", "--no-audit", "--no-fund");
  run("npm", "run", "--silent", "docs:parity");

  const after = manifestOf(INSTALLED);
  console.log(`\n${SDK} ${before.version} -> ${after.version}`);
  console.log(`Claude Code ${before.claudeCodeVersion} -> ${after.claudeCodeVersion}\n`);
  const [old, recent] = [surfaceOf(kept), surfaceOf(INSTALLED)];
  for (const [part, names] of Object.entries(recent)) {
    const more = names.filter((name) => !old[part].includes(name));
    const gone = old[part].filter((name) => !names.includes(name));
    const said = [...more.map((name) => `+ ${name}`), ...gone.map((name) => `- ${name}`)];
    console.log(`${part} (${names.length}): ${said.length === 0 ? "the same" : said.join(", ")}`);
  }
  const methods = changedMethods(kept, INSTALLED);
  console.log(`\nMethods with another signature: ${methods.join("; ") || "none"}`);
  const changed = changedDeclarations(kept, INSTALLED);
  console.log(`\nDeclared otherwise: ${changed.join(", ") || "none"}`);
  console.log("\nNext: docs/internals/raising-the-sdk.md");
} finally {
  rmSync(kept, { recursive: true, force: true });
}
