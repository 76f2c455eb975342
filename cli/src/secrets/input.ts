import { EdgeError } from "@claude-edge/protocol/errors";

import { unlessAborted, type Context } from "../context.js";
import { canAsk, inTerminal } from "../terminal/prompts.js";

/** A credential is one line: what is longer was piped in by mistake, characters. */
const MAX_LENGTH = 8_192;

/** What an agent's secret may be is the deployment's to say. This is beyond the most that it takes, characters. */
const MAX_AGENT_LENGTH = 128 * 1024;

/** Of the Worker itself, or its agents'. */
type SecretKind = "worker" | "agent";

/** Asks for a secret without showing it; nothing when whoever is asked gives up. */
export function askSecret(
  message: string,
  context: Context,
  kind: SecretKind = "worker",
): Promise<string | undefined> {
  return inTerminal(context, context.signal, async ({ clack, ...terminal }) => {
    const value = await clack.password({
      ...terminal,
      message,
      validate: (text) => problemOf(text?.trim() ?? "", kind),
    });
    return clack.isCancel(value) ? undefined : value.trim();
  });
}

/**
 * Reads a secret that is piped in.
 * @throws EdgeError `usage` when nothing is, or what came is no secret.
 */
export async function readSecret(context: Context, kind: SecretKind = "worker"): Promise<string> {
  const { stdin, signal } = context;
  // It would be shown as it is typed.
  if (stdin.isTTY) throw new EdgeError("usage", "Pipe the value in: it is read from a pipe only.");
  const value = (await unlessAborted(readUpTo(stdin, kind), signal)).trim();
  const problem = problemOf(value, kind);
  if (problem) throw new EdgeError("usage", `Standard input: ${problem}`);
  return value;
}

/** A prompt in a terminal, else what is piped in. Nothing when whoever is asked gives up. */
export function secretFrom(
  message: string,
  context: Context,
  kind: SecretKind = "worker",
): Promise<string | undefined> {
  return canAsk(context) ? askSecret(message, context, kind) : readSecret(context, kind);
}

/** Asks which credential the deployment is to ask the model with; nothing when whoever is asked gives up. */
export function chooseModelSecret(context: Context): Promise<string | undefined> {
  return inTerminal(context, context.signal, async ({ clack, ...terminal }) => {
    const choice = await clack.select<string>({
      ...terminal,
      message: "How does the deployment ask the model?",
      options: [
        { value: "ANTHROPIC_API_KEY", label: "API key", hint: "of console.anthropic.com" },
        {
          value: "ANTHROPIC_AUTH_TOKEN",
          label: "Auth token",
          hint: "of a gateway, whose URL is ANTHROPIC_BASE_URL in wrangler.jsonc",
        },
        { value: "CLAUDE_CODE_OAUTH_TOKEN", label: "OAuth token", hint: "of claude setup-token" },
      ],
    });
    if (clack.isCancel(choice)) return undefined;
    if (choice === "CLAUDE_CODE_OAUTH_TOKEN") terminal.output.write(OAUTH_NOTE);
    return choice;
  });
}

const OAUTH_NOTE =
  "note: for your own use: Anthropic bars offering claude.ai login to others without its approval\n";

const longestOf = (kind: SecretKind) => (kind === "agent" ? MAX_AGENT_LENGTH : MAX_LENGTH);

async function readUpTo(stdin: Context["stdin"], kind: SecretKind): Promise<string> {
  stdin.setEncoding("utf8");
  let text = "";
  for await (const chunk of stdin) {
    text += chunk;
    if (text.length > longestOf(kind)) break;
  }
  return text;
}

/** Says nothing of the value. */
function problemOf(value: string, kind: SecretKind): string | undefined {
  if (!value) return "There is nothing.";
  if (value.length > longestOf(kind)) return "That is too long.";
  if (kind === "agent") return undefined;
  return /^[\x21-\x7e]+$/.test(value) ? undefined : "It must be printable ASCII without blanks.";
}
