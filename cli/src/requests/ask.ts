import type { PermissionAnswer } from "@claude-edge/client";

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

/** Asks in the terminal. Nothing when the signal aborts, or whoever is asked gives up (Ctrl-C, Ctrl-D, Escape). */
export function ask(
  asked: Asked,
  context: Context,
  signal: AbortSignal,
): Promise<PermissionAnswer | undefined> {
  const isQuestion = asked.kind === "question";
  return inTerminal(context, signal, (terminal) =>
    isQuestion ? askQuestions(asked, terminal) : askPermission(asked, terminal),
  );
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
  const denials = [
    { value: "deny", label: "Deny" },
    { value: OWN_WORDS, label: "Deny with a message" },
  ];
  const choice = await clack.select<string>({
    ...terminal,
    message: `Allow ${oneLine(toolName)}?`,
    options: options.defaultToNo ? [...denials, ...approvals] : [...approvals, ...denials],
  });
  if (choice === "once") return allow;
  if (choice === "session") return { ...allow, updatedPermissions };
  if (choice === "deny") return deny;
  if (clack.isCancel(choice)) return undefined;
  const message = await askText("What should the agent be told?", { clack, ...terminal });
  return message === undefined ? undefined : { ...deny, message };
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
