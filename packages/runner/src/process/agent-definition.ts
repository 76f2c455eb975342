import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import type { Options } from "@anthropic-ai/claude-agent-sdk";

/** Options that the runner sets itself: where a session runs, under which id, and how its output travels. */
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

/** An agent: the Agent SDK's own options, less those the runner sets. A session's options override them. */
export interface AgentDefinition extends Omit<Options, OwnedByRunner> {
  /** Variables for the agent's process and its tools, besides those the runner sets. No secrets: tools can read them. */
  env?: Record<string, string>;
  /** How the files of its sessions are kept. */
  workspace?: WorkspaceDefinition;
  /**
   * Tools that do no harm when they run a second time, by name, or by how their names begin: `mcp__docs__*`. A turn whose
   * container is lost is begun again only if no other tool would be repeated. Tools of Claude Code that only read are
   * known.
   */
  repeatableTools?: string[];
}

/** How the files of an agent's sessions are kept: after every tool and turn, all that has changed. */
export interface WorkspaceDefinition {
  /**
   * What is not kept, as patterns of a .gitignore at the root of the workspace: `["data/", "*.log"]`. Folders that tools
   * recreate are never kept, unless a pattern such as `!.cache/` includes them: node_modules, .venv, venv, __pycache__,
   * .pytest_cache, .mypy_cache, .ruff_cache, .cache, .npm, .pnpm-store, .turbo, .gradle.
   */
  ignore?: string[];
  /** Files that a .gitignore in the workspace matches are not kept either; the .gitignore is. Default: false. */
  gitignore?: boolean;
}

/** Types an agent definition; `agent.config.ts` exports the result as its default. */
export function defineAgent(agent: AgentDefinition): AgentDefinition {
  return agent;
}

/**
 * The contents of a folder's `.claude`: skills, commands, subagents and settings, as for any project, and
 * `.claude/CLAUDE.md`. They are never taken from the workspace, which prompts can write to.
 */
function projectFiles(folder: string): AgentDefinition {
  const path = resolve(folder, ".claude");
  if (!existsSync(path)) return {};
  return {
    settingSources: ["project"],
    projectConfigRoot: resolve(folder),
    // For CLAUDE.md, which is not read from the project's root, and to make the files next to a skill readable.
    additionalDirectories: [path],
    env: { CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: "1" },
  };
}

const CONFIG_NAMES = ["agent.config.ts", "agent.config.js", "agent.config.mjs"];

/**
 * Loads a folder's `agent.config.*` (TypeScript runs unbuilt: Node strips the types) and its `.claude`. Without either,
 * the agent has defaults.
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
  const problem = problemOf(loaded.default as Record<string, unknown>);
  if (problem !== undefined) throw new Error(`${file}: ${problem}`);
  return joined(files, loaded.default as AgentDefinition);
}

/** What is wrong with what the Agent SDK does not know and so does not check. */
function problemOf({ workspace, repeatableTools }: Record<string, unknown>): string | undefined {
  if (repeatableTools !== undefined && !isListOfTexts(repeatableTools)) {
    return "repeatableTools must be a list of names";
  }
  return workspaceProblem(workspace);
}

const isListOfTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

function workspaceProblem(workspace: unknown): string | undefined {
  if (workspace === undefined) return undefined;
  if (typeof workspace !== "object" || workspace === null) return "workspace must be an object";
  const { ignore, gitignore, ...rest } = workspace as Record<string, unknown>;
  const [other] = Object.keys(rest);
  if (other !== undefined) return `workspace has no option ${other}: it takes ignore and gitignore`;
  if (ignore !== undefined && !isListOfTexts(ignore))
    return "workspace.ignore must be a list of patterns";
  if (gitignore !== undefined && typeof gitignore !== "boolean") {
    return "workspace.gitignore must be true or false";
  }
  return undefined;
}

/** Merges two agents: the second one wins; directories and variables of both are kept. */
function joined(files: AgentDefinition, agent: AgentDefinition): AgentDefinition {
  return {
    ...files,
    ...agent,
    additionalDirectories: directoriesOf(files, agent),
    env: { ...files.env, ...agent.env },
  };
}

/** All directories that some options add to what the agent may read. */
export const directoriesOf = (
  ...options: { additionalDirectories?: string[] | undefined }[]
): string[] => options.flatMap(({ additionalDirectories = [] }) => additionalDirectories);

/** The message of an error with its position: the stack of a syntax error begins with file and line. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const lines = (thrown.stack ?? "").split("\n");
  const where = lines.slice(
    0,
    lines.findIndex((line) => line.startsWith("    at ")),
  );
  return where.length > 0 ? where.join("\n").trim() : thrown.message;
}
