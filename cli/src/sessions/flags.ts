import type { AgentOptions } from "@claude-edge/client";
import { EdgeError, sessionOptions } from "@claude-edge/protocol";

import type { TargetFlags } from "../target/target.js";
import { repositoriesOf, type RepositoryFlags } from "./repositories.js";

/** The flags that say which session it is, and what a new one is made with. */
export interface SessionFlags extends TargetFlags, RepositoryFlags {
  continue?: boolean;
  resume?: string;
  title?: string;
  model?: string;
  systemPrompt?: string;
  permissionMode?: string;
  allowedTools?: string[];
  disallowedTools?: string[];
}

/** The flags of `claude-edge query`, as they are parsed. */
export interface QueryFlags extends SessionFlags {
  sessionId?: string;
  /** Seconds. */
  expires?: number | "never";
  outputFormat: string;
  includePartialMessages?: boolean;
  maxTurns?: number;
  maxBudgetUsd?: number;
  jsonSchema?: string;
  permissionPrompts?: string;
  file?: string[];
  verbose?: boolean;
}

/** The flags of the parts of a repository; all else in it is the one of the repository itself. */
const REPOSITORY_FLAGS: Record<string, string> = {
  secret: "--repo-secret",
  depth: "--repo-depth",
};

/** The flag that sets an option, by the option's path. */
const flagName = ([option = "", , part = ""]: string[]) =>
  option === "repositories" ? (REPOSITORY_FLAGS[part] ?? "--repo") : flagOf(option);

const flagOf = (option: string) =>
  `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The session's options out of the flags of `query`. @throws EdgeError `usage` for flags that make no sense. */
export function queryOptionsOf(flags: QueryFlags): AgentOptions {
  if (flags.includePartialMessages && flags.outputFormat !== "stream-json") {
    throw new EdgeError(
      "usage",
      "--include-partial-messages goes with --output-format stream-json.",
    );
  }
  const { maxTurns, maxBudgetUsd, jsonSchema, sessionId, expires } = flags;
  if (expires !== undefined && (flags.continue || flags.resume !== undefined)) {
    const message =
      "--expires is for a new session: claude-edge sessions expire sets it of one that is there.";
    throw new EdgeError("usage", message);
  }
  const canUseTool = flags.permissionPrompts === "host" ? true : undefined;
  const outputFormat = jsonSchema && { type: "json_schema", schema: parseSchema(jsonSchema) };
  return sessionOptionsOf(flags, { maxTurns, maxBudgetUsd, outputFormat, canUseTool }, sessionId);
}

/**
 * The session's options out of the flags, and `more` of a command's own.
 * @throws EdgeError `usage` for flags that make no sense.
 */
export function sessionOptionsOf(
  flags: SessionFlags,
  more: Record<string, unknown> = {},
  sessionId?: string,
): AgentOptions {
  if (flags.continue && flags.resume !== undefined) {
    throw new EdgeError("usage", "--continue and --resume exclude each other.");
  }
  const { model, systemPrompt, permissionMode, allowedTools, disallowedTools } = flags;
  const repositories = repositoriesOf(flags);
  if (!repositories && (flags.repoSecret !== undefined || flags.repoDepth !== undefined)) {
    throw new EdgeError("usage", "--repo-secret and --repo-depth go with --repo.");
  }
  const named = { model, systemPrompt, permissionMode, allowedTools, disallowedTools };
  const agent = { ...named, repositories, ...more };
  const given = Object.entries(agent).filter(([, value]) => value !== undefined);
  const parsed = sessionOptions.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const values =
      issue && "values" in issue && Array.isArray(issue.values) ? issue.values : undefined;
    const reason = values
      ? `must be one of ${values.join(", ")}`
      : (issue?.message ?? "is invalid");
    throw new EdgeError("usage", `${flagName((issue?.path ?? []).map(String))}: ${reason}.`);
  }
  const continues = flags.continue || flags.resume !== undefined;
  if (continues && (given.length > 0 || flags.title || sessionId)) {
    const message =
      "Options are for a new session: leave them out with -c and -r, or change the session's own with session.update().";
    throw new EdgeError("usage", message);
  }
  return parsed.data as object;
}

function parseSchema(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new EdgeError("usage", "--json-schema: is not JSON.");
  }
}
