/** A program that has this package and not the Agent SDK, 400 MB that the client needs for nothing but exact types. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** The compilers that are tried, and where they are. */
export const COMPILERS = {
  "TypeScript 7": "node_modules/typescript",
  "TypeScript 5.9": "tests/typescript-5/node_modules/typescript",
} as const;

const PROGRAM = `
import { ClaudeEdge, createSdkMcpServer, query, tool, type PermissionAnswer } from "@claude-edge/client";
import { createFetch } from "@claude-edge/client/node";
import { mintToken } from "@claude-edge/client/tokens";
import * as z from "zod";

const edge = new ClaudeEdge({ fetch: createFetch() });
const book = tool("book", "Books a table", { people: z.number() }, async ({ people }) => ({
  content: [{ type: "text", text: \`For \${people.toFixed(0)}.\` }],
}));
const desk = createSdkMcpServer({ name: "desk", tools: [book] });

const answer: PermissionAnswer = { behavior: "allow" };
await edge.query("x", { model: "claude-sonnet-5-5" });
await edge.query("x", { output: z.object({ a: z.string() }), onPermission: () => answer });
const session = await edge.sessions.create({
  permissionMode: "default",
  mcpServers: { desk, docs: { type: "http", url: "https://docs.example" }, files: { command: "files" } },
  canUseTool: async (name, input, { toolUseID }) =>
    toolUseID === name
      ? { behavior: "allow", updatedInput: input }
      : { behavior: "deny", message: "No." },
  hooks: {
    PreToolUse: [
      {
        matcher: "Bash",
        hooks: [
          async (input) =>
            input.hook_event_name === "PreToolUse" && input.tool_name.startsWith("Ba")
              ? { hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "allow" } }
              : {},
        ],
      },
    ],
  },
  onElicitation: async ({ message }) => ({ action: "accept", content: { message } }),
  onUserDialog: async ({ dialogKind }) => ({ behavior: "completed", result: dialogKind }),
});
await session.update({ options: { canUseTool: true, maxTurns: 3 } });

const stream = query({
  prompt: "x",
  options: {
    resume: session.id,
    includePartialMessages: true,
    abortController: new AbortController(),
    mcpServers: { desk },
    canUseTool: async (_name, input) => ({ behavior: "allow", updatedInput: input }),
    hooks: { Stop: [{ hooks: [async ({ session_id }) => ({ systemMessage: session_id })] }] },
  },
  edge: { baseURL: "https://edge.example", token: await mintToken({ rootKey: "key", account: "ada" }) },
});
for await (const message of stream) {
  if (message.type === "result" && message.subtype === "success") console.log(message.result);
}
await stream.setModel("claude-haiku-4-5");

// Typed, not merely let through.
// @ts-expect-error -- no such mode
await edge.query("x", { permissionMode: "sometimes" });
// @ts-expect-error -- a denial says why
await edge.sessions.create({ canUseTool: async () => ({ behavior: "deny" }) });
// @ts-expect-error -- no such event
await edge.sessions.create({ hooks: { BeforeTool: [] } });
// @ts-expect-error -- no such decision
await edge.sessions.create({ hooks: { Stop: [{ hooks: [async () => ({ decision: "perhaps" })] }] } });
// @ts-expect-error -- no such option
query({ prompt: "x", options: { folder: "/" } });
// @ts-expect-error -- no such method
void stream.rewind();
// @ts-expect-error -- people is a number
tool("book", "", { people: z.number() }, async ({ people }) => ({ content: people.trim() }));
`;

/** A package as it is published, as far as a compiler reads it. */
function install(project: string, name: string, folder: string): void {
  const to = join(project, "node_modules", name);
  mkdirSync(dirname(to), { recursive: true });
  const isRead = (path: string) => [".ts", ".json", ""].includes(extname(path));
  for (const part of ["package.json", "dist"]) {
    cpSync(join(ROOT, folder, part), join(to, part), { recursive: true, filter: isRead });
  }
}

/** A project with the program above, in a folder of its own where nothing but our packages and zod is found. */
export class ProgramWithoutSdk {
  readonly #project = mkdtempSync(join(tmpdir(), "without-sdk-"));

  constructor() {
    install(this.#project, "@claude-edge/client", "packages/client");
    install(this.#project, "@claude-edge/protocol", "packages/protocol");
    symlinkSync(join(ROOT, "node_modules/zod"), join(this.#project, "node_modules/zod"));
    writeFileSync(join(this.#project, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(this.#project, "program.ts"), PROGRAM);
  }

  /** Gives what the compiler says: nothing, when all is well. */
  compile(compiler: keyof typeof COMPILERS, skipLibCheck: boolean): Promise<string> {
    const config = join(this.#project, `${compiler}.${skipLibCheck}.json`);
    const options = { module: "nodenext", target: "es2022", strict: true, noEmit: true, types: [] };
    // TypeScript's own library is not what is in question: to check it takes 2 s.
    const compilerOptions = { ...options, skipLibCheck, skipDefaultLibCheck: true };
    writeFileSync(config, JSON.stringify({ compilerOptions, files: ["program.ts"] }));
    return new Promise((resolve, reject) => {
      const bin = join(ROOT, COMPILERS[compiler], "bin/tsc");
      const args = [bin, "--project", config, "--pretty", "false"];
      execFile(process.execPath, args, (error, stdout, stderr) => {
        if (error && stdout === "") reject(new Error(stderr, { cause: error }));
        else resolve(stdout);
      });
    });
  }

  remove(): void {
    rmSync(this.#project, { recursive: true, force: true });
  }
}
