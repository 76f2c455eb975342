import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import type { Options } from "@anthropic-ai/claude-agent-sdk";

/** What the runner decides itself: where a session runs, under which id, and how its output travels. */
type OwnedByRunner =
  | "abortController"
  | "canUseTool"
  | "continue"
  | "cwd"
  | "env"
  | "forkSession"
  | "includePartialMessages"
  | "persistSession"
  | "resume"
  | "resumeSessionAt"
  | "sessionId"
  | "stderr"
  | "verbatimPrompts";

/** An agent: the Agent SDK's own options, less those the runner decides. A session's options go before them. */
export interface AgentDefinition extends Omit<Options, OwnedByRunner> {
  /** Variables for the agent's process and its tools, beside those the runner sets. No secrets: tools can read them. */
  env?: Record<string, string>;
  /** How the files of its sessions are kept. */
  workspace?: WorkspaceDefinition;
}

/** How the files of an agent's sessions are kept: after every tool and turn, all that has changed. */
export interface WorkspaceDefinition {
  /**
   * What is not kept, as patterns of a .gitignore, from the workspace on: `["data/", "*.log"]`. Never kept, unless a
   * pattern such as `!.cache/` takes it back, are folders that are made again by whoever needs them: node_modules,
   * .venv, venv, __pycache__, .pytest_cache, .mypy_cache, .ruff_cache, .cache, .npm, .pnpm-store, .turbo, .gradle.
   */
  ignore?: string[];
  /** What .gitignore files in the workspace name is not kept either; they themselves are. Default: false. */
  gitignore?: boolean;
}

/** Types an agent definition; `agent.config.ts` exports the result as its default. */
export function defineAgent(agent: AgentDefinition): AgentDefinition {
  return agent;
}

/**
 * What a folder's `.claude` brings: skills, commands, subagents and settings, as a project's do, and `.claude/CLAUDE.md`.
 * They come from there and not from the workspace, whatever somebody's prompt puts into that.
 */
function projectFiles(folder: string): AgentDefinition {
  const path = resolve(folder, ".claude");
  if (!existsSync(path)) return {};
  return {
    settingSources: ["project"],
    projectConfigRoot: resolve(folder),
    // For CLAUDE.md, which the project's root is not asked for, and so that the files beside a skill can be read.
    additionalDirectories: [path],
    env: { CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: "1" },
  };
}

const CONFIG_NAMES = ["agent.config.ts", "agent.config.js", "agent.config.mjs"];

/**
 * Loads a folder's `agent.config.*` (TypeScript as it is: Node strips the types) and its `.claude`; without either, an
 * agent with defaults.
 * @throws Error when the file cannot be loaded or exports no object.
 */
export async function loadAgent(folder: string): Promise<AgentDefinition> {
  const file = CONFIG_NAMES.map((name) => resolve(folder, name)).find((path) => existsSync(path));
  const files = projectFiles(folder);
  if (!file) return files;
  const loaded = await import(pathToFileURL(file).href).catch((cause: unknown) => {
    throw new Error(`${file} could not be loaded: ${reasonOf(cause)}`, { cause });
  });
  if (typeof loaded.default !== "object" || loaded.default === null) {
    throw new Error(
      `${file} must export an agent as its default: export default defineAgent({ … })`,
    );
  }
  const problem = workspaceProblem(loaded.default as { workspace?: unknown });
  if (problem !== undefined) throw new Error(`${file}: ${problem}`);
  return joined(files, loaded.default as AgentDefinition);
}

/** What is wrong with an agent's `workspace`; it is ours, so the Agent SDK will not tell. */
function workspaceProblem({ workspace }: { workspace?: unknown }): string | undefined {
  if (workspace === undefined) return undefined;
  if (typeof workspace !== "object" || workspace === null) return "workspace must be an object";
  const { ignore, gitignore, ...rest } = workspace as Record<string, unknown>;
  const [other] = Object.keys(rest);
  if (other !== undefined) return `workspace has no option ${other}: it takes ignore and gitignore`;
  const isList = Array.isArray(ignore) && ignore.every((one) => typeof one === "string");
  if (ignore !== undefined && !isList) return "workspace.ignore must be a list of patterns";
  if (gitignore !== undefined && typeof gitignore !== "boolean") {
    return "workspace.gitignore must be true or false";
  }
  return undefined;
}

/** Two agents as one: the second goes before, and of directories and variables both are kept. */
function joined(files: AgentDefinition, agent: AgentDefinition): AgentDefinition {
  return {
    ...files,
    ...agent,
    additionalDirectories: directoriesOf(files, agent),
    env: { ...files.env, ...agent.env },
  };
}

/** What each of some options adds to where the agent may read. */
export const directoriesOf = (
  ...options: { additionalDirectories?: string[] | undefined }[]
): string[] => options.flatMap(({ additionalDirectories = [] }) => additionalDirectories);

/** What went wrong, and where: the stack of a syntax error begins with file and line. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const lines = (thrown.stack ?? "").split("\n");
  const where = lines.slice(
    0,
    lines.findIndex((line) => line.startsWith("    at ")),
  );
  return where.length > 0 ? where.join("\n").trim() : thrown.message;
}
