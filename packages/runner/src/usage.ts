import type { ModelUsage, SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import type { Usage } from "@claude-edge/protocol";

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

/** A field that the Agent SDK sends and does not declare: the models' usage of this turn alone, subagents included. */
interface TurnUsage {
  model_usage_since_last_result?: Record<string, ModelUsage>;
}

/**
 * What a turn used. The declared `modelUsage` will not do: it counts up over the whole session, resumed ones too.
 */
export function usageOf(result: SDKResultMessage): Usage {
  const spent = (result as SDKResultMessage & TurnUsage).model_usage_since_last_result ?? {};
  const models = Object.fromEntries(
    Object.entries(spent).map(([model, usage]) => [
      model,
      eachField((field) => usage[FIELDS[field]] ?? 0),
    ]),
  );
  const sum = eachField((field) =>
    Object.values(models).reduce((total, model) => total + model[field], 0),
  );
  return { ...sum, models };
}
