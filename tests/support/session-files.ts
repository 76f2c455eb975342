import { packTar, type TarHeader } from "modern-tar";

import type { TestStack } from "./stack.js";

interface Entry {
  path: string;
  type: string;
  size: number;
  sha256?: string;
}

/** The files of a new session, by plain requests. */
export async function filesOfNewSession(edge: TestStack, account: string) {
  const { id } = await edge.client(account).sessions.create();
  const at = (path: string) => `/v1/sessions/${id}${path}`;
  const send = (method: string, path: string, init: RequestInit = {}) =>
    edge.fetch(at(path), { account, method, ...init });
  return {
    id,
    get: (path: string, headers: Record<string, string> = {}) => send("GET", path, { headers }),
    head: (path: string) => send("HEAD", path),
    put: (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
      send("PUT", path, { body, headers, duplex: "half" } as RequestInit),
    remove: (path: string) => send("DELETE", path),
    post: (path: string, json: unknown) => edge.fetch(at(path), { account, json }),
    async list(query = "recursive=true") {
      const answer = await send("GET", `/files?${query}`);
      return (await answer.json()) as {
        checkpoint: number;
        entries: Entry[];
        next_cursor?: string;
      };
    },
    async code(answer: Promise<Response>) {
      const response = await answer;
      const { error } = (await response.json()) as { error?: { code: string } };
      return `${response.status} ${error?.code ?? ""}`.trim();
    },
  };
}

/** A tar of some entries; a file has its body, and the size of that. */
export const tarOf = (
  entries: { header: Partial<TarHeader> & { name: string }; body?: string }[],
) =>
  packTar(
    entries.map(({ header, body = "" }) => ({
      header: { size: Buffer.byteLength(body), ...header },
      body,
    })),
  ) as Promise<Uint8Array<ArrayBuffer>>;
