/** A block of a message's content, as far as the outcome of tools depends on it. */
export interface Block {
  type?: string;
  id?: string;
  name?: string;
  input?: unknown;
  tool_use_id?: string;
  is_error?: unknown;
}

/** The blocks of a message's content. What a container has stored may be anything, and what is no block is passed over. */
export const blocksOf = (content: unknown): Block[] =>
  Array.isArray(content)
    ? (content as unknown[]).filter((block) => typeof block === "object" && block !== null)
    : [];

/** The blocks of the content of a message. */
export const blocksIn = (message: unknown): Block[] =>
  blocksOf(((message ?? {}) as { content?: unknown }).content);
