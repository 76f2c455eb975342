import type { RequestResource, SessionResource } from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { askedOf, subjectOf } from "../requests/asked.js";
import { findSession } from "../sessions/find.js";
import { readConversation, type ToldTurn } from "../sessions/history.js";
import { conversationText } from "../sessions/history-text.js";
import { sameTarget } from "../target/same-target.js";
import { connect, type TargetFlags } from "../target/target.js";
import { tasksNote } from "../sessions/tasks-note.js";
import { duration } from "../terminal/duration.js";
import { oneLine } from "../terminal/printable.js";
import { inStyle } from "../terminal/style.js";

export interface ShowSessionFlags extends TargetFlags {
  last: number;
  json?: boolean;
}

const MAX_ABOUT = 80;

/** `claude-edge sessions show`. Gives the exit code. */
export async function showSession(
  id: string,
  { last, json, ...target }: ShowSessionFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  const edge = connect(target, context);
  const opened = edge.sessions.open(await findSession(edge, id, signal));
  const session = await opened.retrieve({ signal });
  const requests = await edge.requests.list({ sessionId: session.id, signal });
  const all = await readConversation(opened.events({ follow: false, signal }));
  const remembered = all.filter(({ rewound }) => !rewound);
  const turns = json ? all.slice(-last) : remembered.slice(-last);
  const cost = all.reduce((sum, { usage }) => sum + (usage?.cost_usd ?? 0), 0);
  const figures = { turns: all.length, cost_usd: cost };
  if (json) {
    await writeJson(stdout, { session, figures, requests, turns });
    return EXIT.ok;
  }
  await write(stdout, about(session, { requests, target: sameTarget(target) }, all, stdout));
  if (turns.length > 0) await write(stdout, `\n${conversationText(turns, stdout)}`);
  if (turns.length < remembered.length) {
    const of = remembered.length;
    stderr.write(`note: these are the last ${last} of ${of} turns; --last shows more\n`);
  }
  return EXIT.ok;
}

function about(
  session: SessionResource,
  { requests, target }: { requests: RequestResource[]; target: string },
  turns: ToldTurn[],
  stdout: Context["stdout"],
): string {
  const { id, title, status, tags, options, forked_from: from, created_at, updated_at } = session;
  const { expires_at: expires, background_tasks: tasks } = session;
  const ago = (time: string) => `${time} (${duration(Date.now() - Date.parse(time))} ago)`;
  const origin = from && `${from.session_id}${from.message_id ? ` at ${from.message_id}` : ""}`;
  const rows: [string, string | undefined][] = [
    ["session", id],
    ["title", title ?? undefined],
    ["status", status],
    ["background", tasks === undefined ? undefined : tasksNote(tasks)],
    ["tags", tags.join(", ")],
    ["created", ago(created_at)],
    ["active", ago(updated_at)],
    ["expires", expires],
    ["forked from", origin],
    ["model", options.model],
    ["permissions", options.permissionMode],
    ["turns", turnCount(turns)],
    ["used", usedBy(turns)],
    ...requests.map((request): [string, string] => ["waits for", waitsFor(request) + target]),
  ];
  const label = (name: string) => inStyle("dim", name.padEnd(13), stdout);
  return rows
    .flatMap(([name, value]) => (value ? [`${label(name)}${oneLine(value)}\n`] : []))
    .join("");
}

function turnCount(turns: ToldTurn[]): string {
  const gone = turns.filter(({ rewound }) => rewound).length;
  const note = gone === 0 ? "" : `, ${gone} of them rewound and not shown`;
  return `${turns.length}${note}`;
}

function usedBy(turns: ToldTurn[]): string | undefined {
  const usages = turns.flatMap(({ usage }) => usage ?? []);
  if (usages.length === 0) return undefined;
  const sum = (name: "cost_usd" | "input_tokens" | "output_tokens") =>
    usages.reduce((total, usage) => total + usage[name], 0);
  return `$${sum("cost_usd").toFixed(4)}, ${sum("input_tokens")} tokens in, ${sum("output_tokens")} out`;
}

function waitsFor(request: RequestResource): string {
  const asked = askedOf(request);
  const subject = oneLine(subjectOf(asked), MAX_ABOUT);
  return `${asked.toolName} ${subject}: claude-edge requests answer ${request.id.slice(0, 8)}`;
}
