import {
  TextReader,
  TurnError,
  type ClaudeEdge,
  type ClaudeEdgeError,
  type EdgeEvent,
  type SessionOptions,
  type Turn,
  type TurnOutcome,
} from "@claude-edge/client";
import { EdgeError, EXIT, sessionOptions } from "@claude-edge/protocol";

import { write, type Context } from "../context.js";
import { connect } from "../deployment.js";
import { readPrompt } from "../prompt.js";
import { reportError } from "../report.js";

export interface QueryFlags {
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
  account?: string;
  url?: string;
  verbose?: boolean;
}

const FORMATS = ["text", "json", "stream-json"];

/** How long Ctrl-C waits for the deployment to stop the turn, milliseconds. */
const INTERRUPT_MS = 2_000;

/** `claude-edge query`. Gives the exit code. */
export async function query(
  argument: string | undefined,
  flags: QueryFlags,
  context: Context,
): Promise<number> {
  if (!FORMATS.includes(flags.outputFormat)) {
    throw new EdgeError("usage", `--output-format is one of ${FORMATS.join(", ")}.`);
  }
  const options = sessionOptionsOf(flags);
  const edge = connect(flags, context);
  const prompt = await readPrompt(argument, context);
  const { turn } = await begin(edge, prompt, flags, options);
  const stopAtSignal = interruptAtSignal(turn, context);
  const started = performance.now();
  let firstToken: number | undefined;
  try {
    const reader = new TextReader();
    for await (const event of turn) {
      const text = reader.read(event);
      if (text) firstToken ??= performance.now() - started;
      if (flags.outputFormat === "text" && text) await write(context.stdout, text);
      if (flags.outputFormat === "stream-json") await writeLine(event, flags, context);
    }
    const outcome = await turn.result();
    await writeOutcome(outcome, flags, context);
    if (flags.verbose) {
      const total = performance.now() - started;
      context.stderr.write(`${summary(outcome, firstToken ?? total, total)}\n`);
    }
    return EXIT.ok;
  } catch (error) {
    if (context.signal.aborted) return EXIT.interrupted;
    if (flags.outputFormat === "text") {
      if (firstToken !== undefined) await write(context.stdout, "\n");
    } else if (error instanceof TurnError) {
      await write(context.stdout, `${JSON.stringify(failureLine(error))}\n`);
    }
    return reportError(error, context);
  } finally {
    stopAtSignal();
  }
}

/** The session's options out of the flags. @throws EdgeError `usage`. */
function sessionOptionsOf(flags: QueryFlags): SessionOptions {
  const {
    model,
    systemPrompt,
    permissionMode,
    allowedTools,
    disallowedTools,
    maxTurns,
    maxBudgetUsd,
  } = flags;
  const given = Object.entries({
    model,
    systemPrompt,
    permissionMode,
    allowedTools,
    disallowedTools,
    maxTurns,
    maxBudgetUsd,
    outputFormat: flags.jsonSchema && {
      type: "json_schema",
      schema: parseSchema(flags.jsonSchema),
    },
  }).filter(([, value]) => value !== undefined);
  const parsed = sessionOptions.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const flag = String(issue?.path[0] ?? "").replace(
      /[A-Z]/g,
      (letter) => `-${letter.toLowerCase()}`,
    );
    throw new EdgeError("usage", `--${flag}: ${issue?.message ?? "invalid"}.`);
  }
  const continues = flags.continue || flags.resume !== undefined;
  if (continues && (given.length > 0 || flags.title || flags.sessionId)) {
    throw new EdgeError(
      "usage",
      "A session's options are fixed when it is made: leave them out with -c and -r.",
    );
  }
  return parsed.data;
}

function parseSchema(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new EdgeError("usage", "--json-schema: is not JSON.");
  }
}

/** The turn, in an object: returned bare from an async function, a turn would be awaited to its end. */
async function begin(
  edge: ClaudeEdge,
  prompt: string,
  { resume, continue: newest, sessionId, title }: QueryFlags,
  options: SessionOptions,
): Promise<{ turn: Turn }> {
  if (resume !== undefined) return { turn: edge.sessions.open(resume).send(prompt) };
  if (newest) {
    for await (const { id } of edge.sessions.list({ limit: 1 })) {
      return { turn: edge.sessions.open(id).send(prompt) };
    }
    throw new EdgeError("session_not_found", "There is no session to continue.");
  }
  return { turn: edge.query(prompt, { ...options, sessionId, title }) };
}

/** At Ctrl-C the turn is stopped, not only left. */
function interruptAtSignal(turn: Turn, { signal, stderr }: Context): () => void {
  const onAbort = () => {
    stderr.write("\ninterrupting; press Ctrl-C again to quit at once\n");
    const quit = () => process.exit(EXIT.interrupted);
    setTimeout(quit, INTERRUPT_MS).unref();
    // The stream ends when the turn does; without a turn yet, there is nothing to wait for.
    turn.interrupt().catch(quit);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}

/** One line of stream-json: the Agent SDK's message as it is, with its `seq`. The result comes apart, at the end. */
async function writeLine(event: EdgeEvent, flags: QueryFlags, { stdout }: Context): Promise<void> {
  if (event.kind === "turn" || event.message.type === "result") return;
  if (event.kind === "delta" && !flags.includePartialMessages) return;
  await write(stdout, `${JSON.stringify({ ...event.message, seq: event.seq })}\n`);
}

async function writeOutcome(
  outcome: TurnOutcome,
  flags: QueryFlags,
  { stdout }: Context,
): Promise<void> {
  if (flags.outputFormat === "text") return write(stdout, "\n");
  const { text, output, sessionId, turnId, model, usage, durationMs, stopReason } = outcome;
  const line = {
    type: "result",
    subtype: "success",
    is_error: false,
    result: text,
    ...(output === undefined ? {} : { structured_output: output }),
    session_id: sessionId,
    turn_id: turnId,
    model,
    stop_reason: stopReason,
    duration_ms: durationMs,
    total_cost_usd: usage?.cost_usd,
    usage,
  };
  await write(stdout, `${JSON.stringify(line)}\n`);
}

function failureLine(error: TurnError | ClaudeEdgeError) {
  const { code, message, retryable, suggestion } = error;
  return {
    type: "result",
    subtype: "error",
    is_error: true,
    error: { code, message, retryable, suggestion },
    ...(error instanceof TurnError ? { session_id: error.sessionId, turn_id: error.turnId } : {}),
  };
}

function summary(
  { model, usage, sessionId }: TurnOutcome,
  firstTokenMs: number,
  totalMs: number,
): string {
  const parts = [
    model ?? "unknown model",
    `first token ${Math.round(firstTokenMs)} ms`,
    `total ${Math.round(totalMs)} ms`,
    ...(usage ? [`$${usage.cost_usd.toFixed(4)}`] : []),
    `session ${sessionId}`,
  ];
  return parts.join(" · ");
}
