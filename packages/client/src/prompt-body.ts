import type { PromptAttachment } from "./files/attachments.js";
import { fileCalls } from "./files/session-files.js";
import type { Transport } from "./transport.js";

/**
 * The request body of a prompt. With attachments it is built on sending: their bytes are read first, and if they are too
 * large for the body they are uploaded to `session`, the path of an existing session.
 */
export function promptBody(
  transport: Transport,
  body: object,
  attachments: readonly PromptAttachment[] | undefined,
  { session = "", signal }: { session?: string; signal: AbortSignal | undefined },
): object | (() => Promise<object>) {
  if (!attachments) return body;
  return async () => {
    const calls = await fileCalls(transport, session);
    const options = { canUpload: session !== "", signal };
    return { ...body, attachments: await calls.attach(attachments, options) };
  };
}
