import { fileCalls } from "./files.js";
import type { Transport } from "./transport.js";

/** A file that goes with a prompt: one of the workspace, or bytes that are put into its folder `attachments`. */
export type PromptAttachment =
  | {
      /** From the workspace, with slashes. */
      path: string;
    }
  | {
      /** What to call it, without a folder. */
      name: string;
      /** Its bytes; a string is sent as UTF-8. */
      data: string | Uint8Array | ArrayBuffer | Blob;
    };

/**
 * The body that sends a prompt; with attachments it is made when it is sent, for their bytes are to be read first, and
 * too many of those to be put into the session, the one of this path.
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
