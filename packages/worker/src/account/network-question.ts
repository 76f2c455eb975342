import type { NetworkReply } from "../egress/question.js";

/** What an account knows of a question. */
interface Known {
  isGranted(): boolean;
  /** A request of a session is open, as far as the session has told. */
  isPending(request: string): boolean;
  /** Asks each session whose turn runs in the container, or hears what became of its question. */
  sessions(): Promise<NetworkReply>[];
}

/**
 * Has a container's sessions ask about a host. Which of them the request comes from is not known, so each is asked: one that
 * allows it allows it, and it is denied when all that were asked have denied it.
 */
export async function askSessions(known: string[], account: Known): Promise<NetworkReply> {
  if (account.isGranted()) return { status: "allowed" };
  // The usual case while a request is held, without a call to a session.
  if (known.length > 0 && known.every((id) => account.isPending(id))) {
    return { status: "pending", requests: known };
  }
  const replies = await Promise.all(account.sessions());
  if (account.isGranted()) return { status: "allowed" };
  const pending = replies.filter((reply) => reply.status === "pending");
  if (pending.length > 0) {
    return { status: "pending", requests: pending.flatMap(({ requests }) => requests) };
  }
  return replies.find(({ status }) => status === "denied") ?? { status: "unasked" };
}
