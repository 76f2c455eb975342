import type { ScriptedModel } from "@claude-edge/local";

type Request = ScriptedModel["requests"][number];
type Block = { type: string; text?: string; content?: unknown };

/** What a model's request shows of a conversation: what the model had said, and what its tools had answered. */
export function shownIn({ body }: Pick<Request, "body">): { said: string; answered: string } {
  const shown = { said: "", answered: "" };
  for (const { role, content } of body.messages) {
    const blocks = (
      typeof content === "string" ? [{ type: "text", text: content }] : content
    ) as Block[];
    for (const block of blocks) {
      if (role === "assistant" && block.type === "text") shown.said += `${block.text}\n`;
      if (block.type === "tool_result") shown.answered += `${JSON.stringify(block.content)}\n`;
    }
  }
  return shown;
}

/** The newest request of a session's conversation. Claude Code says with each whose it is. */
export function newestRequest(model: ScriptedModel, session: string): Request | undefined {
  return model.requests.findLast(
    ({ headers, path }) =>
      headers["x-claude-code-session-id"] === session && !path.includes("count_tokens"),
  );
}
