import type { ClientOptions } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { readPrompt } from "../sessions/prompt.js";
import { clientOptions } from "../target/target.js";
import { Conversation, type Message } from "./conversation.js";
import { resultOf } from "./failures.js";
import { readFlags, type Flags } from "./flags.js";
import { linesOf } from "./lines.js";
import { asksPermissions, isOn, isPreset, optionsOf } from "./options.js";
import { outputOf } from "./output.js";

/** Runs a conversation or a prompt to its end. Gives the exit code. @throws what ends it before anything has begun. */
export async function run(args: string[], context: Context): Promise<number> {
  const { stdin, stdout, stderr, env, signal } = context;
  const { flags, prompt } = readFlags(args, (text) => void stderr.write(text));
  assertUsable(flags, context);
  const edge = quiet(clientOptions({}, context), flags, context);
  const isStream = flags.inputFormat === "stream-json";
  const options = optionsOf(flags, env);
  if (flags.debug !== undefined || flags.debugToStderr) {
    options.stderr = (text: string) => void stderr.write(text);
  }
  const given = isStream ? undefined : await readPrompt(prompt, context);
  if (given === "") {
    const message = "Input must be provided either through stdin or as a prompt argument.";
    throw new EdgeError("usage", message);
  }

  const conversation = new Conversation({
    options,
    isPreset: isPreset(flags),
    asks: { permissions: asksPermissions(flags), elicitations: isStream },
    edge,
    send: (frame) => writeJson(stdout, frame),
  });
  signal.addEventListener("abort", () => conversation.stop(), { once: true });
  let broken: unknown;
  const receive = async () => {
    try {
      for await (const line of linesOf(stdin)) conversation.receive(frameOf(line));
    } catch (error) {
      broken = error;
      conversation.stop();
    }
    conversation.end();
  };
  if (given === undefined) {
    void receive();
  } else {
    conversation.receive(userMessage(given));
    conversation.end();
  }
  const code = await print(conversation, flags, context).catch(async (error: unknown) => {
    await conversation.discard();
    throw broken ?? error;
  });
  if (signal.aborted) return EXIT.interrupted;
  if (broken !== undefined) throw broken;
  return code;
}

/** @throws EdgeError `usage`, in Claude Code's words. */
function assertUsable(
  { inputFormat, outputFormat, print: isPrint, verbose }: Flags,
  { stdout }: Context,
): void {
  if (!isPrint && stdout.isTTY) {
    throw new EdgeError("usage", "This stands in for claude -p; to talk: claude-edge chat.");
  }
  if (inputFormat === "stream-json" && outputFormat !== "stream-json") {
    const message = "--input-format=stream-json requires output-format=stream-json.";
    throw new EdgeError("usage", message);
  }
  if (outputFormat === "stream-json" && !verbose) {
    const message = "When using --print, --output-format=stream-json requires --verbose";
    throw new EdgeError("usage", message);
  }
}

/** Standard error is for what ends the run, unless more is asked for: programs show it. */
function quiet(edge: ClientOptions, { debug, debugToStderr }: Flags, { stderr }: Context) {
  const isDebug = debug !== undefined || debugToStderr === true;
  const warn = (message: string, { attempt }: Record<string, unknown>) => {
    if (isDebug || attempt === undefined) stderr.write(`claude-edge: ${message}\n`);
  };
  const logger = { debug: () => {}, warn };
  return { ...edge, onRetry: undefined, logger };
}

function frameOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (cause) {
    const begin = line.slice(0, 80);
    const message = `Error parsing streaming input line: ${begin}: ${(cause as Error).message}`;
    throw new EdgeError("usage", message);
  }
}

const userMessage = (content: string): object => ({
  type: "user",
  message: { role: "user", content },
  parent_tool_use_id: null,
});

/** Prints a conversation to its end, and gives the exit code. @throws what ends it before anything has begun. */
async function print(conversation: Conversation, flags: Flags, context: Context): Promise<number> {
  const output = outputOf(flags, context);
  const isHidden = !isOn(context.env.CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS);
  let result: Message | undefined;
  let failure: unknown;
  try {
    for await (const message of conversation.messages()) {
      if (message.type === "result") result = message;
      await output.message(isHidden ? hidden(message) : message);
    }
  } catch (error) {
    // The client throws the error of the last result once more.
    if (!result?.is_error || "code" in (error as object)) failure = error;
  }
  if (failure !== undefined) {
    result = resultOf(failure, conversation.sessionId) as Message | undefined;
    if (!result) throw failure;
    await output.message(result);
  }
  await output.end();
  if (!result) throw new EdgeError("usage", "Input ended without a prompt.");
  return result.is_error ? EXIT.failed : EXIT.ok;
}

/** What only the Agent SDK asked for: it uses it, and does not hand it on. */
const hidden = (message: Message): Message =>
  message.subtype === "session_state_changed" ? { ...message, sdk_host_only: true } : message;
