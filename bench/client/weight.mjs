/** What a package weighs before it does anything: to import, to install, to bundle. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { median } from "../stats.mjs";
import { installInto, PACKAGES, sizeOf } from "./packages.mjs";
import { runNode } from "./spawn.mjs";

const ROUNDS = 11;
const OURS = "@claude-edge/client";

export async function measureWeight(places) {
  const imports = measureImports(places);
  const rows = {};
  for (const [id, { name, main }] of Object.entries(PACKAGES)) {
    const { folder, problem } = places[id];
    if (problem) rows[id] = { name, problem };
    else {
      const { first, later } = await bundle(main, folder);
      const size = id === "edge" ? ownSize(folder) : sizeOf(folder);
      rows[id] = {
        name,
        ...imports[id],
        ...size,
        bundle_bytes: first,
        ...(later > 0 ? { bundle_later_bytes: later } : {}),
      };
    }
  }
  const { first: everything } = await bundle(`export * from "${OURS}"`, places.edge.folder);
  return { rounds: ROUNDS, rows, all_exports_bundle_bytes: everything };
}

/** What the imports add to an empty program, milliseconds: of the processor, and passed. */
function measureImports(places) {
  const ids = Object.keys(PACKAGES).filter((id) => places[id].folder);
  const samples = { empty: [], ...Object.fromEntries(ids.map((id) => [id, []])) };
  for (let round = 0; round < ROUNDS; round += 1) {
    samples.empty.push(importOnce([], places.edge.folder));
    for (const id of ids) samples[id].push(importOnce(PACKAGES[id].entries, places[id].folder));
  }
  const added = (id, field) => {
    const [own, empty] = [id, "empty"].map((of) => median(samples[of].map((run) => run[field])));
    return own - empty;
  };
  return Object.fromEntries(
    ids.map((id) => [id, { import_cpu_ms: added(id, "cpu"), import_ms: added(id, "passed") }]),
  );
}

function importOnce(entries, folder) {
  const imports = entries.map((entry) => `import ${JSON.stringify(entry)};`).join("");
  const source = `${imports}console.log(JSON.stringify(process.cpuUsage()))`;
  const started = performance.now();
  const { stdout, stderr } = runNode(["--input-type=module", "--eval", source], folder);
  const passed = performance.now() - started;
  if (!stdout) throw new Error(`${entries} cannot be imported: ${stderr}`);
  const { user, system } = JSON.parse(stdout);
  return { cpu: (user + system) / 1_000, passed };
}

/**
 * Bytes of a bundle as a Worker or a browser loads it, minified and gzipped: what is loaded at first, and what a program
 * loads only when it uses it.
 */
async function bundle(contents, resolveDir) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["workerd", "worker"],
    // Node's own modules, which Workers have too; and the optional peer, which is only loaded when it is there.
    external: ["node:*", "@modelcontextprotocol/sdk"],
    logLevel: "silent",
    splitting: true,
    metafile: true,
    outdir: resolveDir,
    absWorkingDir: resolveDir,
  });
  const atFirst = loadedAtFirst(metafile.outputs);
  const bytes = { first: 0, later: 0 };
  for (const { path, contents: code } of outputFiles) {
    const when = atFirst.has(relative(resolveDir, path)) ? "first" : "later";
    bytes[when] += gzipSync(code, { level: 9 }).length;
  }
  return bytes;
}

/** The entry's file, and those that it imports statically. */
function loadedAtFirst(outputs) {
  const [entry] = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === "<stdin>");
  const atFirst = new Set([entry]);
  for (const file of atFirst) {
    for (const { path, kind, external } of outputs[file].imports) {
      if (kind === "import-statement" && !external) atFirst.add(path);
    }
  }
  return atFirst;
}

/** As it would be published, installed afresh. */
function ownSize(root) {
  const temp = mkdtempSync(join(tmpdir(), "claude-edge-size-"));
  try {
    const packed = ["protocol", "client"].flatMap((name) => ["--workspace", `packages/${name}`]);
    const args = ["pack", ...packed, "--silent", "--pack-destination", temp];
    const { status } = spawnSync("npm", args, { cwd: root });
    if (status !== 0) return { install_problem: "npm pack failed" };
    const tarballs = readdirSync(temp).map((name) => join(temp, name));
    const folder = join(temp, "installed");
    const problem = installInto(folder, tarballs);
    return problem ? { install_problem: problem } : sizeOf(folder);
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}
