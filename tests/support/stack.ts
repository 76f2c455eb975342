import { ClaudeEdge, type ClientOptions } from "@claude-edge/client";
import type { LocalOptions, LocalStack, ScriptedModel } from "@claude-edge/local";
import { afterAll, beforeAll, inject } from "vitest";

import { NO_BUDGET, TEMPLATE } from "./project.js";
import type { ConfigurationName } from "./stacks/configurations.js";

type SeenRequest = ScriptedModel["requests"][number];

interface Deployment {
  url: string;
  /** The root key. */
  token: string;
}

/** A stack that runs a file's tests, and perhaps those of other files. Accounts keep them apart. */
export interface TestStack<Stack extends Deployment = Deployment> {
  readonly stack: Stack;
  /** A client of one account. */
  client(account?: string, options?: ClientOptions): ClaudeEdge;
  /** A plain request with the root key. */
  fetch(path: string, init?: RequestInit & { json?: unknown; account?: string }): Promise<Response>;
  /** What the model was asked, oldest first: requests whose body or headers hold the text (a prompt, a session's id). */
  asked(text: string): Promise<SeenRequest[]>;
}

/** A stack of one file. */
export type OwnTestStack = TestStack<LocalStack>;

/** A stack that other files use at the same time. */
export interface SharedTestStack extends TestStack<
  Deployment & { model: { url: string; key: string } }
> {
  /** The container that has the session's workspace, if it runs. */
  containerOf(session: string): Promise<{ name: string; pid: number } | undefined>;
  /** Ends that container at once, as a failing host would. */
  killContainerOf(session: string): Promise<void>;
}

/** The shared stack of a configuration; it starts when the first file asks for it. */
export function useStack(configuration: ConfigurationName = "default"): SharedTestStack {
  let found: SharedTestStack["stack"] | undefined;
  const ask = async (path: string, method = "GET"): Promise<unknown> => {
    const response = await fetch(`${inject("stackHost")}/${configuration}${path}`, { method });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  beforeAll(async () => {
    found = (await ask("")) as SharedTestStack["stack"];
  });
  return {
    ...callsOf(() => found!),
    get stack() {
      return found!;
    },
    asked: async (text) =>
      (await ask(`/requests?text=${encodeURIComponent(text)}`)) as SeenRequest[],
    containerOf: async (session) =>
      ((await ask(`/containers/${session}`)) as { name: string; pid: number } | null) ?? undefined,
    killContainerOf: async (session) => void (await ask(`/containers/${session}`, "DELETE")),
  };
}

/** A spare process, ready for a session to come, takes a second of CPU: stacks have none unless a file asks for them. */
const WITHOUT_SPARES = { CLAUDE_EDGE_SPARES: "0" };

/**
 * A stack for this file alone: 3 s of CPU more. `own-stacks.ts` must list the file, with the reason.
 * Prefer `useStack()`.
 */
export function useOwnStack({
  containerEnv,
  vars,
  ...options
}: Partial<LocalOptions> = {}): OwnTestStack {
  let running: LocalStack | undefined;
  beforeAll(async () => {
    // Loads wrangler: a second of CPU that files on a shared stack do without.
    const { startLocal } = await import("@claude-edge/local");
    running = await startLocal({
      project: TEMPLATE,
      model: "scripted",
      containerEnv: { ...WITHOUT_SPARES, ...containerEnv },
      vars: { ...NO_BUDGET, ...vars },
      ...options,
    });
  });
  afterAll(() => running?.stop());
  return {
    ...callsOf(() => running!),
    get stack() {
      return running!;
    },
    asked: async (text) => running!.model!.asked(text),
  };
}

function callsOf(stack: () => Deployment): Pick<TestStack, "client" | "fetch"> {
  return {
    client: (account, extra) =>
      new ClaudeEdge({ baseURL: stack().url, token: stack().token, account, ...extra }),
    fetch(path, { json, account, headers, ...init } = {}) {
      const all = new Headers(headers);
      if (!all.has("authorization")) all.set("authorization", `Bearer ${stack().token}`);
      if (account) all.set("x-account-id", account);
      if (json !== undefined) all.set("content-type", "application/json");
      return fetch(`${stack().url}${path}`, {
        method: json === undefined ? "GET" : "POST",
        ...init,
        headers: all,
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
    },
  };
}
