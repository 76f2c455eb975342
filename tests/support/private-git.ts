import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { answerGit, makeRepository } from "./git-server.js";

/** What it wants to be told of, with each request. */
interface PrivateGitOptions {
  /** Where it listens; loopback without it. */
  host?: string;
  /** The repositories, each with a README.md of its own name. */
  names: string[];
  /** Those of them that anybody may read. */
  open?: string[];
  token: string;
  /** Called before a request is answered. */
  onRequest?(path: string, authorization: string): Promise<void> | void;
}

/** A git host on this machine: its repositories want a token, sent as GitHub's are. */
export interface PrivateGit {
  origin: string;
  /** The folder of its repositories. */
  folder: string;
  close(): void;
}

export async function startPrivateGit({
  host = "127.0.0.1",
  names,
  open = [],
  token,
  onRequest,
}: PrivateGitOptions): Promise<PrivateGit> {
  const folder = mkdtempSync(join(tmpdir(), "private-git-"));
  for (const name of names) makeRepository(folder, name, `${name}\n`);
  const wanted = `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
  const server = createServer(async (request, response) => {
    const path = new URL(request.url!, "http://git").pathname;
    const { authorization = "" } = request.headers;
    await onRequest?.(path, authorization);
    const isOpen = open.some((name) => path.startsWith(`/${name}/`));
    if (isOpen || authorization === wanted) return answerGit(folder, request, response);
    response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    folder,
    close: () => {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
