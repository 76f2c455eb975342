import type { AgentOptions } from "@claude-edge/client";
import { EdgeError, sessionOptions } from "@claude-edge/protocol";

import type { TargetFlags } from "../target/target.js";

/** The flags that say which session it is, and what a new one is made with. */
export interface SessionFlags extends TargetFlags {
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
  outputFormat: string;
  includePartialMessages?: boolean;
  maxTurns?: number;
  maxBudgetUsd?: number;
  jsonSchema?: string;
  permissionPrompts?: string;
  file?: string[];
  verbose?: boolean;
}

const flagName = (option: string) =>
  `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The session's options out of the flags of `query`. @throws EdgeError `usage` for flags that make no sense. */
export function queryOptionsOf(flags: QueryFlags): AgentOptions {
  if (flags.includePartialMessages && flags.outputFormat !== "stream-json") {
    throw new EdgeError(
      "usage",
      "--include-partial-messages goes with --output-format stream-json.",
    );
  }
  const { maxTurns, maxBudgetUsd, jsonSchema, sessionId } = flags;
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
  const agent = { model, systemPrompt, permissionMode, allowedTools, disallowedTools, ...more };
  const given = Object.entries(agent).filter(([, value]) => value !== undefined);
  const parsed = sessionOptions.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const values =
      issue && "values" in issue && Array.isArray(issue.values) ? issue.values : undefined;
    const reason = values
      ? `must be one of ${values.join(", ")}`
      : (issue?.message ?? "is invalid");
    throw new EdgeError("usage", `${flagName(String(issue?.path[0] ?? ""))}: ${reason}.`);
  }
  const continues = flags.continue || flags.resume !== undefined;
  if (continues && (given.length > 0 || flags.title || sessionId)) {
    const message = "A session's options are fixed when it is made: leave them out with -c and -r.";
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
