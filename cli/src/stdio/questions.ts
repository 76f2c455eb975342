import type {
  ControlBody,
  ControlCancelFrame,
  ControlRequestFrame,
  ControlResponseFrame,
} from "@claude-edge/protocol/control";

/** Claude Code's words, which programs may match. */
const CLOSED = "Stream closed before a response was received";

interface Open {
  resolve: (answer: Record<string, unknown>) => void;
  reject: (error: Error) => void;
}

/** What the program is asked, and has not answered. */
export class Questions {
  readonly #send: (frame: ControlRequestFrame | ControlCancelFrame) => void;
  readonly #open = new Map<string, Open>();
  #isClosed = false;

  constructor(send: (frame: ControlRequestFrame | ControlCancelFrame) => void) {
    this.#send = send;
  }

  /**
   * Asks the program; there is no time limit, for it may ask a person. An aborted question is cancelled.
   * @throws Error with what the program answered, or that no answer can come any more.
   */
  ask(request: ControlBody, signal?: AbortSignal): Promise<Record<string, unknown>> {
    if (this.#isClosed) return Promise.reject(new Error(CLOSED));
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const request_id = crypto.randomUUID();
    return new Promise((resolve, reject) => {
      const cancel = () => {
        if (!this.#open.delete(request_id)) return;
        this.#send({ type: "control_cancel_request", request_id });
        reject(signal!.reason as Error);
      };
      this.#open.set(request_id, { resolve, reject });
      this.#send({ type: "control_request", request_id, request });
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /** Takes an answer. One that nobody waits for is left aside: it is late, or came twice. */
  settle({ response }: ControlResponseFrame): void {
    const open = this.#open.get(response.request_id);
    this.#open.delete(response.request_id);
    if (response.subtype === "success") open?.resolve(response.response ?? {});
    else open?.reject(new Error(String(response.error)));
  }

  /** The program says nothing more: questions fail, those that are open and those to come. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#open.values()) reject(new Error(CLOSED));
    this.#open.clear();
  }
}
