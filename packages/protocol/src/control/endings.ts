/** The result message of a run that the deployment ended, and not the agent: the Agent SDK makes an error of it. */
export const failedResult = (session_id: string, errors: string[]): Record<string, unknown> => ({
  type: "result",
  subtype: "error_during_execution",
  is_error: true,
  duration_ms: 0,
  duration_api_ms: 0,
  num_turns: 0,
  stop_reason: null,
  session_id,
  total_cost_usd: 0,
  usage: {
    input_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 0,
  },
  modelUsage: {},
  permission_denials: [],
  errors,
  uuid: crypto.randomUUID(),
});
