import type { MessagesRequest } from "./conversation.js";

/** A request the scripted model was sent. */
export interface SeenRequest {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: MessagesRequest;
  /** The body as it came. */
  text: string;
  /** The caller left before the answer was whole. */
  left: boolean;
}

/** How much is kept. */
export interface SeenBounds {
  /** Requests of one session. */
  ofSession: number;
  /** Characters of all bodies together. A request of Claude Code's is some 50 000 long. */
  chars: number;
}

const BOUNDS: SeenBounds = { ofSession: 1_000, chars: 256 * 1024 * 1024 };

/** What says which session of Claude Code a request is of. */
const SESSION_HEADER = "x-claude-code-session-id";

export const sessionOf = ({ headers }: Pick<SeenRequest, "headers">): string =>
  String(headers[SESSION_HEADER] ?? "");

/** The requests that the scripted model was sent. A session that asks much does not push out what others asked. */
export class SeenRequests {
  /** Oldest first. */
  readonly all: SeenRequest[] = [];
  readonly #bounds: SeenBounds;
  readonly #counts = new Map<string, number>();
  #chars = 0;

  constructor(bounds: Partial<SeenBounds> = {}) {
    this.#bounds = { ...BOUNDS, ...bounds };
  }

  add(request: SeenRequest): void {
    const session = sessionOf(request);
    this.all.push(request);
    this.#count(request, 1);
    if (this.#counts.get(session)! > this.#bounds.ofSession) {
      this.#drop(this.all.findIndex((other) => sessionOf(other) === session));
    }
    while (this.#chars > this.#bounds.chars && this.all.length > 1) this.#drop(0);
  }

  /** Those whose body or headers hold a text, a session's id for example. */
  asked(text: string): SeenRequest[] {
    return this.all.filter(
      (request) => request.text.includes(text) || JSON.stringify(request.headers).includes(text),
    );
  }

  #drop(index: number): void {
    const [dropped] = this.all.splice(index, 1);
    this.#count(dropped!, -1);
  }

  #count(request: SeenRequest, by: 1 | -1): void {
    const session = sessionOf(request);
    this.#counts.set(session, (this.#counts.get(session) ?? 0) + by);
    this.#chars += by * request.text.length;
  }
}
