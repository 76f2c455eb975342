/** Repositories of a session: cloned before its turns through the gateway, with tokens that the container does not hold. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

import type { EdgeEvent, Session, SessionOptions } from "@claude-edge/client";
import { afterAll, beforeEach, describe, expect, test } from "vitest";

import { startPrivateGit } from "../support/private-git.js";
import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";
import { killContainers, list, read, runTurn, seenByAgent, turnOf } from "../support/workspace.js";

const TOKEN = "ghp_the-token-of-the-test-0123456789";
const AUTHORIZATION = `Basic ${Buffer.from(`x-access-token:${TOKEN}`).toString("base64")}`;
/** Requests, by what was asked and with which credentials. */
const asked: { path: string; authorization: string }[] = [];
const cloned = (name: string) =>
  asked.filter(({ path }) => path === `/${name}/git-upload-pack`).length;
/** Set while slow.git gives no pack. */
let held: PromiseWithResolvers<void> | undefined;

const { origin, folder, close } = await startPrivateGit({
  names: ["project.git", "second.git", "public.git", "slow.git"],
  open: ["public.git"],
  token: TOKEN,
  onRequest: async (path, authorization) => {
    asked.push({ path, authorization });
    if (path === "/slow.git/git-upload-pack" && held) await held.promise;
  },
});
afterAll(() => close());
const git = (name: string, ...args: string[]) =>
  execFileSync("git", ["-C", join(folder, name), ...args], { encoding: "utf8" }).trim();

beforeEach(() => void asked.splice(0));

let printed = "";
const edge = useOwnStack({
  onLog: (_source, line) => void (printed += line),
  vars: {
    CLAUDE_EDGE_NETWORK: JSON.stringify({ type: "limited", allowed_hosts: ["git.test"] }),
    CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify({ "git.test": origin, "shut.test": origin }),
  },
});

const URL_ = "https://git.test/project.git";
const UNASKED = { permissionMode: "bypassPermissions" } as const;
const SECRET = { value: TOKEN, hosts: ["git.test"] };
type Repositories = NonNullable<SessionOptions["repositories"]>;

/** A session whose own secret is the token. */
const create = (account: string, repositories: Repositories, secrets = { GIT_TOKEN: SECRET }) =>
  // However late its loss is noticed, a turn begins again.
  edge
    .client(account)
    .sessions.create({ ...UNASKED, onContainerLost: "resume", repositories, secrets });

/** How a turn failed. */
async function failureOf(session: Session) {
  const { events, status } = await runTurn(session, "%say Hello.");
  expect(status).toBe("failed");
  const end = events.at(-1);
  return end?.kind === "turn" ? end.error! : undefined!;
}

const told = (events: EdgeEvent[]) =>
  events.flatMap((event) => (event.kind === "repository" ? [`${event.status} ${event.path}`] : []));

describe("a private repository", () => {
  test("is there in the first turn, and the agent commits and pushes to it", async () => {
    const session = await create("ada", [{ url: URL_, secret: "GIT_TOKEN" }]);
    const { events } = await turnOf(
      session,
      `%tool Bash ${JSON.stringify({ command: "cat project/README.md" })}\n%say Done.`,
    );
    expect(told(events)).toEqual(["cloning project", "cloned project"]);
    const main = git("project.git", "rev-parse", "main");
    expect(events.findLast(({ kind }) => kind === "repository")).toMatchObject({
      url: URL_,
      commit: main,
    });
    // The clone's own checkpoint precedes that of the tool.
    expect(
      events.flatMap((event) => (event.kind === "checkpoint" ? [event.checkpoint!.reason] : [])),
    ).toEqual(["clone"]);
    expect(JSON.stringify(events)).toContain('"content":"project.git"');

    const commands = [
      "cd project && echo more > more.txt && git add .",
      "git -c user.name=A -c user.email=a@test commit -qm More",
      "git push -q && git fetch -q && git status -sb | head -1",
    ];
    // The shell stays where it was left.
    expect(await seenByAgent(session, `(${commands.join(" && ")}) 2>&1`)).toBe(
      "## main...origin/main",
    );
    expect(git("project.git", "log", "--format=%s", "main")).toBe("More\nFirst");
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(
      new Set([AUTHORIZATION]),
    );

    // Neither the token nor its placeholder is in a file, and of the token nothing is anywhere.
    const placeholder = (await seenByAgent(session, "echo $GIT_TOKEN")).trim();
    expect(placeholder).toMatch(/^ce_secret_s/);
    const encoded = Buffer.from(`x-access-token:${placeholder}`).toString("base64");
    // Not in the prompt, which is stored.
    const search = `code=$(printf x-access-token:$GIT_TOKEN | base64 -w 0); grep -rlaF -e $GIT_TOKEN -e $code project; cat project/.git/config`;
    const config = await seenByAgent(session, search);
    expect(config).toMatch(/^\[core\]/);
    expect(config).toContain(`url = ${URL_}`);
    const past: unknown[] = [];
    for await (const event of session.events({ follow: false })) past.push(event);
    const tar = await edge.fetch(`/v1/sessions/${session.id}/export`, { account: "ada" });
    const shown = JSON.stringify([past, await session.retrieve(), printed]);
    const bytes = Buffer.from(await tar.arrayBuffer());
    for (const secret of [TOKEN, AUTHORIZATION.slice(6)]) {
      expect(shown).not.toContain(secret);
      expect(bytes.includes(secret)).toBe(false);
    }
    expect(bytes.includes(encoded)).toBe(false);
  });

  test("outlives its container: what is checkpointed is not cloned again, history and all", async () => {
    const session = await create("bob", [{ url: URL_, path: "src/it", secret: "GIT_TOKEN" }]);
    const work = [
      "cd src/it && git checkout -qb venv/one && echo mine > mine.txt && git add mine.txt",
      "git -c user.name=A -c user.email=a@test commit -qm Mine && echo dirty >> README.md",
    ];
    await seenByAgent(session, work.join(" && "));
    await killContainers(edge);
    const before = cloned("project.git");
    const said = await seenByAgent(
      session,
      "cd src/it && git log -1 --format=%s && git status -sb && git fsck 2>&1 | grep -v dangling",
    );
    expect(said).toBe("Mine\n## venv/one\n M README.md");
    // A fork has it too.
    const fork = await session.fork();
    expect(await seenByAgent(fork, "git -C src/it log -1 --format=%s")).toBe("Mine");
    expect(cloned("project.git")).toBe(before);
  });

  test("that was being cloned when its container was lost is cloned by the next", async () => {
    held = Promise.withResolvers<void>();
    const session = await create("cut", [
      { url: "https://git.test/second.git", secret: "GIT_TOKEN" },
      { url: "https://git.test/slow.git", secret: "GIT_TOKEN" },
    ]);
    const turn = turnOf(session, "%say Hello.");
    await until("the second is being cloned", async () => cloned("slow.git") > 0);
    await killContainers(edge);
    held.resolve();
    held = undefined;
    const { events } = await turn;
    expect(told(events).slice(-2)).toEqual(["cloning slow", "cloned slow"]);
    expect(await seenByAgent(session, "cat slow/README.md && git -C slow status -s")).toBe(
      "slow.git",
    );
    expect((await list(session)).filter((path) => !path.includes(".git"))).toEqual([
      "second/",
      "second/README.md",
      "slow/",
      "slow/README.md",
    ]);
  });

  test("that is being cloned is left by an interrupt", async () => {
    held = Promise.withResolvers<void>();
    const session = await create("stop", [
      { url: "https://git.test/slow.git", secret: "GIT_TOKEN" },
    ]);
    const turn = runTurn(session, "%say Hello.");
    await until("it is being cloned", async () => cloned("slow.git") > 0);
    await session.interrupt();
    expect((await turn).status).toBe("interrupted");
    expect(await list(session)).toEqual([]);
    held.resolve();
    held = undefined;
    expect(await seenByAgent(session, "cat slow/README.md")).toBe("slow.git");
  });
});

describe("a turn fails, and the next one tries again,", () => {
  test("when the token is wrong", async () => {
    const wrong = { GIT_TOKEN: { value: "wrong-token", hosts: ["git.test"] } };
    const session = await create("wrong", [{ url: URL_, secret: "GIT_TOKEN" }], wrong);
    const error = await failureOf(session);
    expect(error).toMatchObject({ code: "repository_unauthorized", retryable: false });
    expect(error.message).toContain("with the secret GIT_TOKEN");
    expect(JSON.stringify(error)).not.toContain("wrong-token");
    const repositories = [{ url: URL_, secret: "GIT_TOKEN" }];
    await session.update({ options: { ...UNASKED, repositories, secrets: { GIT_TOKEN: SECRET } } });
    expect(await seenByAgent(session, "cat project/README.md")).toBe("project.git");
  });

  test.each([
    ["without a secret", { url: URL_ }, "repository_unauthorized"],
    ["with one that is not there", { url: URL_, secret: "OTHER" }, "repository_unauthorized"],
    [
      "when it is not there",
      { url: "https://git.test/none.git", secret: "GIT_TOKEN" },
      "repository_not_found",
    ],
    [
      "when the branch is not there",
      { url: URL_, ref: "none", secret: "GIT_TOKEN" },
      "repository_ref_not_found",
    ],
  ])("%s", async (_why, repository, code) => {
    const session = await create("failing", [repository]);
    expect(await failureOf(session)).toMatchObject({ code });
    expect(await list(session)).toEqual([]);
  });

  test("when the network policy denies its host, and says how to allow it", async () => {
    const session = await create("denied", [
      { url: "https://git.test/public.git" },
      { url: "https://shut.test/project.git", secret: "GIT_TOKEN" },
    ]);
    const error = await failureOf(session);
    expect(error.code).toBe("repository_unreachable");
    expect(error.message).toContain(`add "shut.test" to allowed_hosts of CLAUDE_EDGE_NETWORK`);
    // The first is there all the same.
    expect(await read(session, "public/README.md")).toBe("public.git\n");
  });

  test("when something else is in its place", async () => {
    const session = await create("taken", [{ url: "https://git.test/public.git" }]);
    await session.files.put("public/file.txt", "mine");
    expect(await failureOf(session)).toMatchObject({ code: "repository_path_taken" });
    await session.files.delete("public", { recursive: true });
    expect(await seenByAgent(session, "cat public/README.md")).toBe("public.git");
  });
});

test("what is new in the options is cloned before the next turn, what is gone stays", async () => {
  const session = await create("update", [{ url: "https://git.test/public.git", depth: 1 }]);
  expect(await seenByAgent(session, "git -C public rev-parse --is-shallow-repository")).toBe(
    "true",
  );
  const repositories = [{ url: "https://git.test/second.git", secret: "GIT_TOKEN" }];
  await session.update({ options: { ...UNASKED, repositories } });
  const { events } = await turnOf(session, "%say Hello.");
  expect(told(events)).toEqual(["cloning second", "cloned second"]);
  expect(await seenByAgent(session, "cat second/README.md public/README.md")).toBe(
    "second.git\npublic.git",
  );
});

test("what cannot be cloned safely is refused before anything runs", async () => {
  const refused = async (repository: object) => {
    const options = { repositories: [repository] };
    const response = await edge.fetch("/v1/sessions", { account: "bad", json: { options } });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect(error.code).toBe("invalid_request");
    return error.message;
  };
  for (const url of [
    "file:///etc",
    "ssh://git.test/x",
    "ext::sh -c id",
    "-u./x",
    "http://git.example/x",
  ]) {
    expect(await refused({ url })).toContain("repositories.0.url: must be");
  }
  const withToken = await refused({ url: `https://me:${TOKEN}@git.test/x` });
  expect(withToken).toContain("name a secret");
  expect(withToken).not.toContain(TOKEN);
  expect(await refused({ url: URL_, ref: "--upload-pack=id" })).toContain(
    "repositories.0.ref: must",
  );
  expect(await refused({ url: URL_, path: "../x" })).toContain("repositories.0.path: must");
  const many = Array.from({ length: 100 }, (_, index) => ({ url: URL_, path: `p${index}` }));
  const options = { repositories: many };
  const response = await edge.fetch("/v1/sessions", { account: "bad", json: { options } });
  expect(await response.text()).toContain("must be 20 at most");
});
