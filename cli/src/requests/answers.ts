import type { NetworkAnswer, PermissionAnswer } from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

import { questionsOf, type Asked } from "./asked.js";

type PermissionUpdate = Record<string, unknown>;

/** The flags of `claude-edge requests answer` that say what the answer is; exactly one of them is given. */
export interface AnswerFlags {
  allow?: boolean;
  allowForSession?: boolean;
  /** Of a host alone. */
  allowForAccount?: boolean;
  /** True without a message. */
  deny?: string | true;
  answer?: string[];
}

/** What widens the permissions; a suggestion to take something away belongs to no "allow". */
const WIDENING = new Set<unknown>(["addRules", "addDirectories", "setMode"]);

/** What "allow for the session" would add; empty when that is not on offer. */
export function sessionPermissions({ kind, options }: Asked): PermissionUpdate[] {
  const { suggestions, suppressAlwaysAllowRule } = options;
  if (kind !== "permission" || suppressAlwaysAllowRule || !Array.isArray(suggestions)) return [];
  return (suggestions as PermissionUpdate[])
    .filter(({ type, behavior = "allow" }) => WIDENING.has(type) && behavior === "allow")
    .map((update) => ({ ...update, destination: "session" }));
}

/** What these permissions are, the widest first: `permission mode acceptEdits, Bash(npm test *), /tmp`. */
export function permissionNames(updates: PermissionUpdate[]): string {
  const modes = updates.flatMap(({ mode }) => (mode ? [`permission mode ${String(mode)}`] : []));
  const rules = updates.flatMap(({ rules: given = [] }) =>
    (given as { toolName: string; ruleContent?: string }[]).map(({ toolName, ruleContent }) =>
      ruleContent === undefined ? toolName : `${toolName}(${ruleContent})`,
    ),
  );
  const folders = updates.flatMap(({ directories = [] }) => directories as string[]);
  return [...modes, ...rules, ...folders].join(", ");
}

export const allow = { behavior: "allow" } as const;
export const deny = { behavior: "deny" } as const;

/** What was decided, in a word or two. */
export function verdictOf(answer: Record<string, unknown> | undefined): string {
  if (answer?.answers !== undefined) return "answered";
  if (answer?.behavior !== "allow") return "denied";
  const { updatedPermissions, scope } = answer;
  const isForSession = updatedPermissions !== undefined || scope === "session";
  if (scope === "account") return "allowed for the account";
  return isForSession ? "allowed for the session" : "allowed";
}

/**
 * The answer that the flags give; undefined when they give none.
 * @throws EdgeError `usage` when they give more than one, or one that does not fit.
 */
export function answerOf(
  flags: AnswerFlags,
  asked: Asked,
): PermissionAnswer | NetworkAnswer | undefined {
  const { allow: once, allowForSession, allowForAccount, deny: denied, answer } = flags;
  const given = [once, allowForSession, allowForAccount, denied, answer].filter(
    (flag) => flag !== undefined,
  );
  if (given.length > 1) {
    const message =
      "Give one of --allow, --allow-for-session, --allow-for-account, --deny and --answer.";
    throw new EdgeError("usage", message);
  }
  if (denied !== undefined) return denied === true ? deny : { ...deny, message: denied };
  if (answer !== undefined) return { answers: answersOf(answer, asked) };
  if (given.length === 0) return undefined;
  if (asked.kind === "question") {
    throw new EdgeError(
      "usage",
      "It is a question: answer it with --answer, or refuse with --deny.",
    );
  }
  if (once) return allow;
  if (asked.kind === "network") {
    return { ...allow, scope: allowForSession ? "session" : "account" };
  }
  if (allowForAccount) {
    throw new EdgeError(
      "usage",
      "--allow-for-account is for hosts; a tool is allowed for a session.",
    );
  }
  const updatedPermissions = sessionPermissions(asked);
  if (updatedPermissions.length > 0) return { ...allow, updatedPermissions };
  throw new EdgeError("usage", "It can only be allowed once: there is no rule for the session.");
}

/** The answer to each question by its text, out of `text` or `question=text`. */
function answersOf(given: string[], asked: Asked): Record<string, string> {
  if (asked.kind !== "question") {
    const message =
      asked.kind === "network"
        ? "It is about a host: give --allow, --allow-for-session, --allow-for-account or --deny."
        : "It is a permission: give --allow, --allow-for-session or --deny.";
    throw new EdgeError("usage", message);
  }
  const questions = questionsOf(asked).map(({ question }) => question);
  const answers = new Map<string, string>();
  for (const text of given) {
    // A question may hold an equals sign itself, so it is not looked for by that.
    const named = questions.find((question) => text.startsWith(`${question}=`));
    if (named !== undefined) answers.set(named, text.slice(named.length + 1));
    else if (questions.length === 1) answers.set(questions[0]!, text);
    else
      throw new EdgeError(
        "usage",
        `--answer: ${JSON.stringify(text)} names none of the questions: ${quoted(questions)}.`,
      );
  }
  const missing = questions.filter((question) => !answers.has(question));
  if (missing.length > 0 || given.length > answers.size) {
    const message = `Answer each question once: --answer "question=answer" for ${quoted(questions)}.`;
    throw new EdgeError("usage", message);
  }
  return Object.fromEntries(answers);
}

const quoted = (texts: string[]) => texts.map((text) => JSON.stringify(text)).join(", ");
