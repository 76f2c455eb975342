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
import { readAttachments } from "../files/attachments.js";
import { reportError } from "../report.js";
import { Approvals } from "../requests/approvals.js";
import { findNewest, findSession } from "../sessions/find.js";
import { queryOptionsOf, type QueryFlags } from "../sessions/flags.js";
import { failureLine, filesNote, messageLine, resultLine, summary } from "../sessions/output.js";
import { readPrompt } from "../sessions/prompt.js";
import { mcpNote } from "../sessions/mcp-note.js";
import { networkNote } from "../sessions/network-note.js";
import { repositoryNote } from "../sessions/repositories.js";
import { WaitingNote } from "../sessions/waiting.js";
import { sameTarget } from "../target/same-target.js";
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
    const approvals = new Approvals(context, {
      asks: asksHere(flags, context),
      target: sameTarget(flags),
    });
    const agent = { ...options, ...approvals.callbacks, ...neverAsked(flags) };
    const leave = new AbortController();
    const signals = { signal: context.signal, leave: leave.signal };
    const { turn } = await begin(edge, { prompt, attachments }, flags, agent, signals);
    const stopAtSignal = interruptAtSignal(turn, () => leave.abort(), context);
    const printed = print(turn, flags, approvals, context).finally(stopAtSignal);
    await unlessAborted(printed, leave.signal);
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

/** With `--permission-prompts none` hosts are denied at once: nobody is to be asked. */
const neverAsked = ({ permissionPrompts }: QueryFlags): Pick<AgentOptions, "onNetwork"> =>
  permissionPrompts === "none"
    ? { onNetwork: () => ({ behavior: "deny", message: "nobody is asked in this run" }) }
    : {};

/** The turn, in an object: returned bare from an async function, a turn would be awaited to its end. */
async function begin(
  edge: ClaudeEdge,
  { prompt, attachments }: { prompt: string; attachments: PromptAttachment[] | undefined },
  { resume, continue: newest, sessionId, title, expires: expiresIn }: QueryFlags,
  options: AgentOptions,
  { signal, leave }: { signal: AbortSignal; leave: AbortSignal },
): Promise<{ turn: Turn }> {
  const { onPermission, onNetwork } = options;
  const send = (session: Session) => ({
    turn: session.send(prompt, { attachments, signal: leave }),
  });
  const open = (id: string) => edge.sessions.open(id, { onPermission, onNetwork });
  if (resume !== undefined) return send(open(await findSession(edge, resume, signal)));
  if (newest) return send(open(await findNewest(edge, signal)));
  // A session that is there already takes more than fits into a prompt's own request.
  if (attachments) {
    const settings = { id: sessionId, title, expiresIn };
    return send(await edge.sessions.create({ ...options, ...settings, signal }));
  }
  return { turn: edge.query(prompt, { ...options, sessionId, title, expiresIn, signal: leave }) };
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
  // With a schema the answer is the value, not what the model says around it.
  const isText = outputFormat === "text" && jsonSchema === undefined;
  let firstToken: number | undefined;
  const denied: string[] = [];
  const waiting = new WaitingNote((note) => context.stderr.write(note), flags);
  try {
    const reader = new TextReader();
    for await (const event of turn) {
      approvals.onEvent(event);
      waiting.onEvent(event);
      const note =
        filesNote(event) ||
        networkNote(event) ||
        repositoryNote(event) ||
        (verbose && mcpNote(event));
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
    waiting.close();
    approvals.close();
  }
}

async function printOutcome(outcome: TurnOutcome, format: string, context: Context): Promise<void> {
  if (format !== "text") await writeJson(context.stdout, resultLine(outcome));
  else if (outcome.output === undefined) await write(context.stdout, "\n");
  else await writeJson(context.stdout, outcome.output);
}

/** At Ctrl-C the turn is stopped, and left only if that takes too long. */
function interruptAtSignal(turn: Turn, leave: () => void, { signal, stderr }: Context): () => void {
  const onAbort = () => {
    stderr.write("\ninterrupting; press Ctrl-C again to quit at once\n");
    setTimeout(leave, INTERRUPT_MS).unref();
    // The stream ends when the turn does.
    turn.interrupt().catch(leave);
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
