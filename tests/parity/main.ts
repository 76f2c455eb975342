/**
 * Runs each program three times and compares what it saw: on the Agent SDK, on the client, and on the Agent SDK with
 * `claude-edge stdio` as its executable.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";

import * as client from "@claude-edge/client/agent-sdk";
import { startLocal } from "@claude-edge/local";

import { DIFFERENCES, withoutDifferences, type Way } from "./differences.ts";
import { normalise, type Entry } from "./normalise.ts";
import type { Api, Scenario } from "./program.ts";
import { BACKGROUND } from "./scenarios/background.ts";
import { CALLBACKS } from "./scenarios/callbacks.ts";
import { CONVERSATIONS } from "./scenarios/conversations.ts";
import { ENDINGS } from "./scenarios/endings.ts";
import { STEERING } from "./scenarios/steering.ts";
import { TOOLS } from "./scenarios/tools.ts";

/** A program that has not ended by then never will, milliseconds. The longest takes 10 s on two busy cores. */
const PATIENCE_MS = 180_000;

const SCENARIOS = [
  ...TOOLS,
  ...CALLBACKS,
  ...CONVERSATIONS,
  ...STEERING,
  ...BACKGROUND,
  ...ENDINGS,
];

/** Only the programs whose name holds this. */
const only = process.argv[2];

const require = createRequire(new URL("../../packages/runner/package.json", import.meta.url));
const sdk = (await import(
  pathToFileURL(require.resolve("@anthropic-ai/claude-agent-sdk")).href
)) as typeof import("@anthropic-ai/claude-agent-sdk");

const project = fileURLToPath(new URL("project", import.meta.url));
// Each program has two containers, of 250 MB: those that are done with are not to stay.
const vars = { CLAUDE_EDGE_SLEEP_AFTER: "30s" };
const stack = await startLocal({ project, model: "scripted", vars });
const model = stack.model!;

/** The Agent SDK, given what a container gives it: a folder and an environment of its own. */
function onSdk(folder: string): Api {
  const env = {
    PATH: process.env.PATH,
    HOME: join(folder, "home"),
    CLAUDE_CONFIG_DIR: join(folder, "config"),
    CLAUDE_CODE_TMPDIR: join(folder, "tmp"),
    IS_SANDBOX: "1",
    CLAUDE_CODE_MAX_RETRIES: "2",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_ERROR_REPORTING: "1",
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: model.key,
  };
  const cwd = join(folder, "workspace");
  for (const path of [env.HOME, env.CLAUDE_CONFIG_DIR, env.CLAUDE_CODE_TMPDIR, cwd]) {
    mkdirSync(path, { recursive: true });
  }
  const given = { cwd, settingSources: [], strictMcpConfig: true };
  return {
    ...sdk,
    query: ({ prompt, options }) =>
      sdk.query({ prompt, options: { ...options, ...given, env: { ...options?.env, ...env } } }),
  };
}

/** The client, in an account of its own. */
function onEdge(account: string): Api {
  const edge = { baseURL: stack.url, token: stack.token, account };
  return {
    tool: client.tool,
    createSdkMcpServer: client.createSdkMcpServer,
    query: ({ prompt, options }) => client.query({ prompt, options, edge }),
  };
}

const executable = fileURLToPath(new URL("../../cli/bin/claude-edge-stdio.js", import.meta.url));

/** The Agent SDK with our executable, in an account of its own. */
function onStdio(account: string, folder: string): Api {
  const env = {
    // It starts a script with the `node` that it finds there.
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: folder,
    CLAUDE_EDGE_URL: stack.url,
    CLAUDE_EDGE_TOKEN: stack.token,
    CLAUDE_EDGE_ACCOUNT: account,
  };
  const given = { cwd: folder, pathToClaudeCodeExecutable: executable };
  return {
    ...sdk,
    query: ({ prompt, options }) =>
      sdk.query({ prompt, options: { ...options, ...given, env: { ...options?.env, ...env } } }),
  };
}

async function record({ run }: Scenario, api: Api): Promise<Entry[]> {
  const entries: Entry[] = [];
  // As they are now: a program may change its own objects later.
  const log = (kind: string, value: unknown) =>
    void entries.push({ kind, value: JSON.parse(JSON.stringify(value ?? null)) as unknown });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      log("late", `not ended within ${PATIENCE_MS} ms`);
      resolve();
    }, PATIENCE_MS);
  });
  await Promise.race([run(api, log).catch((error: unknown) => log("fails", String(error))), late]);
  clearTimeout(timer);
  return entries;
}

/** Where two values differ, as paths. */
function* paths(left: unknown, right: unknown, path = ""): Generator<string> {
  if (isDeepStrictEqual(left, right)) return;
  const isTree = (value: unknown) => typeof value === "object" && value !== null;
  if (!isTree(left) || !isTree(right) || Array.isArray(left) !== Array.isArray(right)) {
    const show = (value: unknown) => (JSON.stringify(value) ?? "nothing").slice(-300);
    yield `${path}: sdk ${show(left)}, edge ${show(right)}`;
    return;
  }
  const [of, other] = [left as Record<string, unknown>, right as Record<string, unknown>];
  for (const key of new Set([...Object.keys(of), ...Object.keys(other)])) {
    yield* paths(of[key], other[key], `${path}/${key}`);
  }
}

/** One line for an entry. */
const outline = ({ kind, value }: Entry) => {
  const { type, subtype, event } = (value ?? {}) as Record<string, unknown>;
  const inner = typeof event === "string" ? event : (event as { type?: string } | undefined)?.type;
  return [kind, type, subtype, inner].filter(Boolean).join(" ");
};

/** The first few places where two lists differ, for people. */
function describe(left: Entry[], right: Entry[]): string {
  const [ours, theirs] = [left.map(outline), right.map(outline)];
  if (!isDeepStrictEqual(ours, theirs)) {
    const at = ours.findIndex((line, index) => line !== theirs[index]);
    const place = at < 0 ? ours.length : at;
    const around = (list: string[]) => list.slice(Math.max(0, place - 1), place + 5).join(" | ");
    return `    from entry ${place}: sdk ${around(ours)}\n      edge ${around(theirs)}`;
  }
  return [...paths(left, right)]
    .slice(0, 6)
    .map((line) => `    ${line}`)
    .join("\n");
}

interface Verdict {
  way: Way;
  equal: boolean;
  /** The listed differences that there are. */
  listed: string[];
}

function compare(way: Way, scenario: Scenario, ours: Entry[], theirs: Entry[]): Verdict {
  // Ids are named in the order they appear, so what is left out must not count.
  const left = (entries: Entry[], allBut?: string) =>
    normalise(withoutDifferences(entries, scenario.name, way, allBut));
  const isEqual = (allBut?: string) => isDeepStrictEqual(left(ours, allBut), left(theirs, allBut));
  const equal = isEqual();
  const listed = DIFFERENCES.map(({ id }) => id).filter((id) => equal && !isEqual(id));
  const verdict = equal
    ? listed.length > 0
      ? `equal but for ${listed.join(", ")}`
      : "equal"
    : "DIFFERENT";
  console.log(`${verdict.padEnd(10)} ${way}: ${scenario.name} (${ours.length} entries)`);
  if (!equal) console.log(describe(left(ours), left(theirs)));
  return { way, equal, listed };
}

const verdicts: Verdict[] = [];
for (const [index, scenario] of SCENARIOS.entries()) {
  if (only && !scenario.name.includes(only)) continue;
  const folder = mkdtempSync(join(tmpdir(), "parity-"));
  const [ours, edge, stdio] = await Promise.all([
    record(scenario, onSdk(folder)),
    record(scenario, onEdge(`parity-${index}`)),
    record(scenario, onStdio(`parity-stdio-${index}`, folder)),
  ]);
  rmSync(folder, { recursive: true, force: true });
  verdicts.push(compare("edge", scenario, ours, edge), compare("stdio", scenario, ours, stdio));
}
await stack.stop();

for (const way of ["edge", "stdio"] as const) {
  const of = verdicts.filter((verdict) => verdict.way === way);
  const exact = of.filter(({ equal, listed }) => equal && listed.length === 0).length;
  const equal = of.filter((verdict) => verdict.equal).length;
  console.log(
    `${way}: ${of.length} programs: ${equal} equal (${exact} wholly, ${equal - exact} but for differences listed in docs/parity.md), ${of.length - equal} different`,
  );
}
process.exit(verdicts.every(({ equal }) => equal) ? 0 : 1);
