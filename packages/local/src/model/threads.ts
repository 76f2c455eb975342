import type { MessagesRequest } from "./conversation.js";

/** What a thread is continued with: everything before the new messages. */
type Held = Pick<MessagesRequest, "messages" | "tools" | "system">;

/** How many answers can be continued; older ones are forgotten. */
const MAX_HELD = 1_000;

/** A request that names a thread which is not held. */
export class ThreadNotFoundError extends Error {
  override readonly name = "ThreadNotFoundError";
}

/** Conversations that the API holds between turns, by the id of their newest answer. */
export class Threads {
  readonly #held = new Map<string, Held>();

  /** The whole of a request: one that continues a thread brings only what is new. @throws ThreadNotFoundError */
  whole(request: MessagesRequest): MessagesRequest {
    const { thread } = request;
    if (thread?.type !== "continue") return request;
    const held = this.#held.get(thread.previous_message_id);
    if (!held) throw new ThreadNotFoundError(`no thread ${thread.previous_message_id}`);
    return { ...request, ...held, messages: [...held.messages, ...request.messages] };
  }

  /** Keeps what was asked, whole, and answered, if a thread is wanted. */
  hold(
    { thread, messages, tools, system }: MessagesRequest,
    answer: { id: string; content: MessagesRequest["messages"][number]["content"] },
  ): void {
    if (!thread) return;
    const { id, content } = answer;
    this.#held.set(id, {
      messages: [...messages, { role: "assistant", content }],
      ...(tools ? { tools } : {}),
      ...(system === undefined ? {} : { system }),
    });
    if (this.#held.size > MAX_HELD) this.#held.delete(this.#held.keys().next().value!);
  }
}
