import type { AgentOptions } from "@claude-edge/client";
import { EdgeError, sessionOptions } from "@claude-edge/protocol";

import type { TargetFlags } from "./deployment.js";

/** The flags of `claude-edge query`, as they are parsed. */
export interface QueryFlags extends TargetFlags {
  continue?: boolean;
  resume?: string;
  sessionId?: string;
  title?: string;
  outputFormat: string;
  includePartialMessages?: boolean;
  model?: string;
  systemPrompt?: string;
  permissionMode?: string;
  allowedTools?: string[];
  disallowedTools?: string[];
  maxTurns?: number;
  maxBudgetUsd?: number;
  jsonSchema?: string;
  permissionPrompts?: string;
  verbose?: boolean;
}

const flagName = (option: string) =>
  `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The session's options out of the flags. @throws EdgeError `usage` for flags that make no sense. */
export function sessionOptionsOf(flags: QueryFlags): AgentOptions {
  if (flags.includePartialMessages && flags.outputFormat !== "stream-json") {
    throw new EdgeError(
      "usage",
      "--include-partial-messages goes with --output-format stream-json.",
    );
  }
  if (flags.continue && flags.resume !== undefined) {
    throw new EdgeError("usage", "--continue and --resume exclude each other.");
  }
  const { model, systemPrompt, permissionMode, maxTurns, maxBudgetUsd } = flags;
  const { allowedTools, disallowedTools, jsonSchema } = flags;
  const canUseTool = flags.permissionPrompts === "host" ? true : undefined;
  const outputFormat = jsonSchema && { type: "json_schema", schema: parseSchema(jsonSchema) };
  const given = Object.entries({
    model,
    systemPrompt,
    permissionMode,
    allowedTools,
    disallowedTools,
    maxTurns,
    maxBudgetUsd,
    outputFormat,
    canUseTool,
  }).filter(([, value]) => value !== undefined);
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
  if (continues && (given.length > 0 || flags.title || flags.sessionId)) {
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
