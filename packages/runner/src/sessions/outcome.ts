import type { SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import { wireError, type ErrorCode, type WireError } from "@claude-edge/protocol";
import { BUDGET_SPENT } from "@claude-edge/protocol/internal";
import type { TurnFrame } from "@claude-edge/protocol/runner";

/** How a turn ended, read off the Agent SDK's result message. */
export type Outcome = Pick<TurnFrame, "status" | "result" | "error">;

/** The error codes of the model API's answers; any other status of 500 and above is `model_error`. */
const BY_STATUS: Record<number, ErrorCode> = {
  400: "model_invalid_request",
  401: "model_auth_failed",
  // The deployment has run out of credit: another key would do.
  402: "model_auth_failed",
  403: "model_auth_failed",
  404: "model_not_found",
  413: "model_invalid_request",
  429: "model_rate_limited",
  529: "model_overloaded",
};

const BY_SUBTYPE: Partial<Record<SDKResultMessage["subtype"], ErrorCode>> = {
  error_max_turns: "max_turns",
  error_max_budget_usd: "max_budget",
  error_max_structured_output_retries: "output_invalid",
};

function apiError(result: Extract<SDKResultMessage, { subtype: "success" }>): WireError {
  const status = result.api_error_status ?? 0;
  const isBudget = status === 402 && result.result.includes(BUDGET_SPENT);
  const code = isBudget ? "budget_spent" : (BY_STATUS[status] ?? "model_error");
  return wireError(code, result.result, status ? { model_status: status } : undefined);
}

function failure(result: SDKResultMessage, lastText: string): WireError | undefined {
  if (result.stop_reason === "refusal") {
    const text = result.subtype === "success" ? result.result : "The model refused to answer.";
    return wireError("model_refused", text);
  }
  if (result.subtype !== "success") {
    const code = BY_SUBTYPE[result.subtype] ?? "turn_failed";
    const message = result.errors.join("; ") || `The agent ended with ${result.subtype}.`;
    return wireError(
      code,
      message,
      code === "output_invalid" ? { last_text: lastText } : undefined,
    );
  }
  return result.is_error ? apiError(result) : undefined;
}

export interface OutcomeContext {
  /** An interrupt was requested. */
  interrupted: boolean;
  /** The session promises a structured output. */
  wantsOutput: boolean;
  model: string | undefined;
  /** The newest text of the model. */
  lastText: string;
}

/**
 * Reads a result message. A `success` of the Agent SDK counts as one only if it is not flagged as an error (an API
 * failure is `subtype: "success"` with `is_error`) and has the structured output that was requested (it may not).
 */
export function outcomeOf(message: SDKResultMessage, context: OutcomeContext): Outcome {
  const aborted = message.terminal_reason?.startsWith("aborted") ?? false;
  if (aborted || (context.interrupted && message.subtype === "error_during_execution")) {
    return { status: "interrupted", error: wireError("interrupted", "The turn was interrupted.") };
  }
  const error = failure(message, context.lastText);
  if (error) return { status: "failed", error };
  if (message.subtype !== "success")
    throw new Error("unreachable: a result that is not a success has an error");

  const output = message.structured_output;
  if (context.wantsOutput && output === undefined) {
    const details = { last_text: message.result || context.lastText };
    const text = "The model ended without giving the structured output.";
    return { status: "failed", error: wireError("output_invalid", text, details) };
  }
  return {
    status: "completed",
    result: {
      text: message.result,
      ...(output === undefined ? {} : { output }),
      ...(context.model === undefined ? {} : { model: context.model }),
      stop_reason: message.stop_reason,
      num_turns: message.num_turns,
      duration_ms: message.duration_ms,
    },
  };
}
