import type { ModelUsage } from "@anthropic-ai/claude-agent-sdk";
import type { Usage } from "@claude-edge/protocol";

type Totals = Record<string, ModelUsage>;

const FIELDS = {
  input_tokens: "inputTokens",
  output_tokens: "outputTokens",
  cache_read_input_tokens: "cacheReadInputTokens",
  cache_creation_input_tokens: "cacheCreationInputTokens",
  cost_usd: "costUSD",
} as const satisfies Record<string, keyof ModelUsage>;

type Field = keyof typeof FIELDS;

const eachField = (of: (field: Field) => number) =>
  Object.fromEntries((Object.keys(FIELDS) as Field[]).map((field) => [field, of(field)])) as Record<
    Field,
    number
  >;

/**
 * One turn's usage: the difference of two readings of `modelUsage`, which the Agent SDK counts up over a whole session.
 * Models that did nothing in between are left out.
 */
export function usageBetween(before: Totals, after: Totals): Usage {
  const models: Usage["models"] = {};
  for (const [model, total] of Object.entries(after)) {
    const spent = eachField((field) =>
      Math.max(0, (total[FIELDS[field]] ?? 0) - (before[model]?.[FIELDS[field]] ?? 0)),
    );
    if (Object.values(spent).some((value) => value > 0)) models[model] = spent;
  }
  const sum = eachField((field) =>
    Object.values(models).reduce((total, model) => total + model[field], 0),
  );
  return { ...sum, models };
}
