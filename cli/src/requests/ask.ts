import type { NetworkAnswer, PermissionAnswer } from "@claude-edge/client";

import type { Context } from "../context.js";
import { oneLine, printable, printableBeginning } from "../terminal/printable.js";
import { inTerminal, type Terminal } from "../terminal/prompts.js";
import { inStyle } from "../terminal/style.js";
import { allow, deny, permissionNames, sessionPermissions } from "./answers.js";
import { questionsOf, subjectOf, type Asked, type Question } from "./asked.js";

/** A command is shown whole, whatever its length; other inputs may hold whole files. */
const MAX_JSON_CHARS = 2_000;

const MAX_LABEL_CHARS = 300;

/** The choice that leads to a text of one's own. */
const OWN_WORDS = "own words";

const DENIALS = [
  { value: "deny", label: "Deny" },
  { value: OWN_WORDS, label: "Deny with a message" },
];

/** Asks in the terminal. Nothing when the signal aborts, or whoever is asked gives up (Ctrl-C, Ctrl-D, Escape). */
export function ask(
  asked: Asked,
  context: Context,
  signal: AbortSignal,
): Promise<PermissionAnswer | NetworkAnswer | undefined> {
  const { kind } = asked;
  const how = { question: askQuestions, permission: askPermission, network: askNetwork }[kind];
  return inTerminal<PermissionAnswer | NetworkAnswer>(context, signal, (terminal) =>
    how(asked, terminal),
  );
}

async function askNetwork(
  asked: Asked,
  { clack, ...terminal }: Terminal,
): Promise<NetworkAnswer | undefined> {
  const host = oneLine(subjectOf(asked), MAX_LABEL_CHARS);
  const method = oneLine(String(asked.input.method), MAX_LABEL_CHARS);
  const title = inStyle(
    "bold",
    "A program in the container wants to reach a host:",
    terminal.output,
  );
  terminal.output.write(`\n${title}\n  ${host} (${method})\n`);
  const choice = await clack.select<string>({
    ...terminal,
    message: `Allow ${host}?`,
    options: [
      { value: "turn", label: "Allow for this turn" },
      { value: "session", label: "Allow for the session" },
      { value: "account", label: "Allow for the account" },
      ...DENIALS,
    ],
  });
  if (clack.isCancel(choice)) return undefined;
  if (choice === "turn" || choice === "session" || choice === "account") {
    return { ...allow, scope: choice };
  }
  return denied(choice, "What should the program be told?", { clack, ...terminal });
}

/** The answer that a choice of {@link DENIALS} leads to. */
async function denied(
  choice: string,
  question: string,
  terminal: Terminal,
): Promise<{ behavior: "deny"; message?: string } | undefined> {
  if (choice === "deny") return deny;
  const message = await askText(question, terminal);
  return message === undefined ? undefined : { ...deny, message };
}

async function askPermission(
  asked: Asked,
  { clack, ...terminal }: Terminal,
): Promise<PermissionAnswer | undefined> {
  const { toolName, options } = asked;
  terminal.output.write(description(asked, terminal.output));
  const updatedPermissions = sessionPermissions(asked);
  const rules = oneLine(permissionNames(updatedPermissions), MAX_LABEL_CHARS);
  const approvals = [{ value: "once", label: "Allow once" }];
  if (rules) approvals.push({ value: "session", label: `Allow for the session: ${rules}` });
  const choice = await clack.select<string>({
    ...terminal,
    message: `Allow ${oneLine(toolName)}?`,
    options: options.defaultToNo ? [...DENIALS, ...approvals] : [...approvals, ...DENIALS],
  });
  if (choice === "once") return allow;
  if (choice === "session") return { ...allow, updatedPermissions };
  if (clack.isCancel(choice)) return undefined;
  return denied(choice, "What should the agent be told?", { clack, ...terminal });
}

async function askQuestions(
  asked: Asked,
  terminal: Terminal,
): Promise<PermissionAnswer | undefined> {
  const answers: [string, string][] = [];
  terminal.output.write(`\n${heading(asked, "asks", terminal.output)}`);
  for (const question of questionsOf(asked)) {
    const answer = await askQuestion(question, terminal);
    if (answer === undefined) return undefined;
    answers.push([question.question, answer]);
  }
  return { answers: Object.fromEntries(answers) };
}

async function askQuestion(
  { question, header, options, multiSelect }: Question,
  { clack, ...terminal }: Terminal,
): Promise<string | undefined> {
  const title = oneLine(header);
  const prompt = {
    ...terminal,
    message: `${title && `${title}: `}${printable(question)}`,
    options: [
      ...options.map(({ label, description: hint }, place) => ({
        value: String(place),
        label: oneLine(label),
        ...(hint ? { hint: oneLine(hint) } : {}),
      })),
      { value: OWN_WORDS, label: "Something else" },
    ],
  };
  const chosen = multiSelect ? await clack.multiselect(prompt) : await clack.select(prompt);
  if (clack.isCancel(chosen)) return undefined;
  const answers: string[] = [];
  for (const choice of [chosen].flat()) {
    const answer =
      choice === OWN_WORDS
        ? await askText("Your answer", { clack, ...terminal })
        : options[Number(choice)]!.label;
    if (answer === undefined) return undefined;
    answers.push(answer);
  }
  return answers.join(", ");
}

async function askText(
  message: string,
  { clack, ...terminal }: Terminal,
): Promise<string | undefined> {
  const text = await clack.text({
    ...terminal,
    message,
    validate: (value) => (value?.trim() ? undefined : "Type something, or press Escape."),
  });
  return clack.isCancel(text) ? undefined : text;
}

/** What is to be decided, above the choices: of any length, so no part of what is drawn anew with each key. */
function description(asked: Asked, output: Context["stderr"]): string {
  const { toolName, options } = asked;
  const subject = subjectOf(asked);
  const length = toolName === "Bash" ? Infinity : MAX_JSON_CHARS;
  const lines = printableBeginning(subject, length).split("\n");
  const { decisionReason, blockedPath } = options;
  if (typeof blockedPath === "string") lines.push(`path: ${oneLine(blockedPath)}`);
  if (typeof decisionReason === "string") lines.push(`reason: ${oneLine(decisionReason)}`);
  const body = lines.map((line) => `  ${line}\n`).join("");
  // The agent's text may have stopped in the middle of a line.
  return `\n${heading(asked, `wants to use ${oneLine(toolName)}`, output)}${body}`;
}

function heading({ agentId }: Asked, does: string, output: Context["stderr"]): string {
  const who = agentId === undefined ? "The agent" : "A subagent";
  return `${inStyle("bold", `${who} ${does}:`, output)}\n`;
}
