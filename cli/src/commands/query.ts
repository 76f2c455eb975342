import {
  TextReader,
  type AgentOptions,
  type ClaudeEdge,
  type EdgeEvent,
  type PromptAttachment,
  type Session,
  type Turn,
  type TurnOutcome,
} from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { unlessAborted, write, writeJson, type Context } from "../context.js";
import { reportError } from "../report.js";
import { Approvals } from "../requests/approvals.js";
import { readAttachments } from "../sessions/attachments.js";
import { findNewest, findSession } from "../sessions/find.js";
import { queryOptionsOf, type QueryFlags } from "../sessions/flags.js";
import { failureLine, filesNote, messageLine, resultLine, summary } from "../sessions/output.js";
import { readPrompt } from "../sessions/prompt.js";
import { connect } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { canAsk } from "../terminal/prompts.js";

/** How long Ctrl-C waits for the deployment to stop the turn, milliseconds. */
const INTERRUPT_MS = 2_000;

/** `claude-edge query`. Gives the exit code. */
export async function query(
  argument: string | undefined,
  flags: QueryFlags,
  context: Context,
): Promise<number> {
  try {
    const options = queryOptionsOf(flags);
    const edge = connect(flags, context);
    const attachments = await readAttachments(flags.file ?? [], context.cwd);
    const prompt = await unlessAborted(readPrompt(argument, context), context.signal);
    const approvals = new Approvals(context, { asks: asksHere(flags, context) });
    const agent = { ...options, ...approvals.callbacks };
    const { turn } = await begin(edge, { prompt, attachments }, flags, agent, context.signal);
    await print(turn, flags, approvals, context);
    return EXIT.ok;
  } catch (error) {
    if (context.signal.aborted) return EXIT.interrupted;
    if (flags.outputFormat.endsWith("json")) await writeJson(context.stdout, failureLine(error));
    return reportError(error, context);
  }
}

/** Whoever wants one object at the end is a program: nobody to ask. */
const asksHere = ({ permissionPrompts, outputFormat }: QueryFlags, context: Context) =>
  permissionPrompts !== "none" && outputFormat !== "json" && canAsk(context);

/** The turn, in an object: returned bare from an async function, a turn would be awaited to its end. */
async function begin(
  edge: ClaudeEdge,
  { prompt, attachments }: { prompt: string; attachments: PromptAttachment[] | undefined },
  { resume, continue: newest, sessionId, title }: QueryFlags,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<{ turn: Turn }> {
  const { onPermission } = options;
  const send = (session: Session) => ({ turn: session.send(prompt, { attachments }) });
  const open = (id: string) => edge.sessions.open(id, { onPermission });
  if (resume !== undefined) return send(open(await findSession(edge, resume, signal)));
  if (newest) return send(open(await findNewest(edge, signal)));
  // A session that is there already takes more than fits into a prompt's own request.
  if (attachments) {
    return send(await edge.sessions.create({ ...options, id: sessionId, title, signal }));
  }
  return { turn: edge.query(prompt, { ...options, sessionId, title }) };
}

/** Prints the turn as it comes. @throws TurnError when it does not complete. */
async function print(
  turn: Turn,
  flags: QueryFlags,
  approvals: Approvals,
  context: Context,
): Promise<void> {
  const { outputFormat, includePartialMessages = false, jsonSchema, verbose } = flags;
  const started = performance.now();
  const stopAtSignal = interruptAtSignal(turn, context);
  // With a schema the answer is the value, not what the model says around it.
  const isText = outputFormat === "text" && jsonSchema === undefined;
  let firstToken: number | undefined;
  const denied: string[] = [];
  try {
    const reader = new TextReader();
    for await (const event of turn) {
      approvals.onEvent(event);
      const note = filesNote(event);
      if (note) context.stderr.write(note);
      denied.push(...deniedIn(event));
      const text = reader.read(event);
      if (text) firstToken ??= performance.now() - started;
      if (isText && text) await write(context.stdout, text);
      if (outputFormat !== "stream-json") continue;
      const line = messageLine(event, includePartialMessages);
      if (line) await writeJson(context.stdout, line);
    }
    const outcome = await turn.result();
    await printOutcome(outcome, outputFormat, context);
    const total = performance.now() - started;
    if (denied.length > 0) context.stderr.write(deniedNote(denied, flags));
    if (verbose) context.stderr.write(`${summary(outcome, firstToken ?? total, total)}\n`);
  } catch (error) {
    if (isText && firstToken !== undefined) await write(context.stdout, "\n");
    throw error;
  } finally {
    stopAtSignal();
    approvals.close();
  }
}

async function printOutcome(outcome: TurnOutcome, format: string, context: Context): Promise<void> {
  if (format !== "text") await writeJson(context.stdout, resultLine(outcome));
  else if (outcome.output === undefined) await write(context.stdout, "\n");
  else await writeJson(context.stdout, outcome.output);
}

/** At Ctrl-C the turn is stopped, not only left. */
function interruptAtSignal(turn: Turn, { signal, stderr }: Context): () => void {
  const quit = () => process.exit(EXIT.interrupted);
  const onAbort = () => {
    stderr.write("\ninterrupting; press Ctrl-C again to quit at once\n");
    setTimeout(quit, INTERRUPT_MS).unref();
    // The stream ends when the turn does.
    turn.interrupt().catch(quit);
  };
  if (signal.aborted) throw signal.reason;
  signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}

/** The tools that the Agent SDK's result says were refused. */
function deniedIn(event: EdgeEvent): string[] {
  if (event.kind !== "message" || event.message.type !== "result") return [];
  const { permission_denials: denials } = event.message as { permission_denials?: unknown };
  const tools = (Array.isArray(denials) ? denials : []) as { tool_name?: unknown }[];
  return tools.map(({ tool_name }) => oneLine(String(tool_name)));
}

/** Where nobody could be asked, the agent goes on without a tool, and its answer may not say so. */
function deniedNote(denied: string[], { permissionPrompts }: QueryFlags): string {
  const tools = [...new Set(denied)].join(",");
  const ask = permissionPrompts === "host" ? "" : "; --permission-prompts host has somebody asked";
  return `note: refused: ${tools}. --allowed-tools ${tools} allows it${ask}\n`;
}
