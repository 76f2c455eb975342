import type { SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import type { UserMessage } from "@claude-edge/protocol/runner";

/** The prompts of a live process: an async iterable that ends when the queue is closed. */
export class PromptQueue implements AsyncIterable<SDKUserMessage> {
  #waiting: { message: SDKUserMessage; onTaken: () => void }[] = [];
  #closed = false;
  #wake = Promise.withResolvers<void>();

  /**
   * Queues a message; the result carries its id as `user_message_uuid`. Unless `verbatim`, commands such as "/clear" and
   * references such as "@/etc/passwd" in it are interpreted. Resolves when the process has been written to.
   */
  push(id: string, { prompt, fields }: UserMessage, verbatim: boolean): Promise<void> {
    const taken = Promise.withResolvers<void>();
    const message = {
      ...fields,
      type: "user",
      parent_tool_use_id: fields?.parent_tool_use_id ?? null,
      // The Messages API checks the content blocks.
      message: { role: "user", content: prompt },
      uuid: id,
      ...(verbatim ? { client_composed: true } : {}),
    } as SDKUserMessage;
    this.#waiting.push({ message, onTaken: taken.resolve });
    this.#wake.resolve();
    return taken.promise;
  }

  close(): void {
    this.#closed = true;
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SDKUserMessage> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) {
        yield next.message;
        // The Agent SDK asks for another one when it has written this one.
        next.onTaken();
      } else if (this.#closed) {
        return;
      } else {
        this.#wake = Promise.withResolvers<void>();
        await this.#wake.promise;
      }
    }
  }
}
