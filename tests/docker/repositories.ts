import { execFileSync } from "node:child_process";
import { join } from "node:path";

import type { ClaudeEdge } from "@claude-edge/client";
import { expect, test } from "vitest";

import { agents, docker } from "./docker.js";
import { bash, shell, shellOptions } from "./shell.js";

/** A git host that the deployment's policy allows, and its repository, which wants a token. */
export const GIT = "git.test";
export const REPOSITORY = "team/project.git";
export const gitToken = "ghp_the-token-of-the-docker-suite";

const ACCOUNT = "git";

/** A private repository of a session. `folder`: the repositories of the host. */
export function repositoryTests(edge: (account: string) => ClaudeEdge, folder: () => string): void {
  const create = () =>
    edge(ACCOUNT).sessions.create({
      ...shellOptions,
      secrets: { GIT_TOKEN: { value: gitToken, hosts: [GIT] } },
      repositories: [{ url: `https://${GIT}/${REPOSITORY}`, secret: "GIT_TOKEN" }],
    });

  test("is cloned by HTTPS; the agent commits and pushes, also in its next container", async () => {
    const session = await create();
    const push = (name: string) =>
      shell(
        session.send(
          bash(
            `(cd project && echo ${name} > ${name}.txt && git add . && git -c user.name=A -c user.email=a@test commit -qm ${name} && git push -q && git status -sb | head -1) 2>&1`,
          ),
        ),
      );
    expect(await push("one")).toBe("## main...origin/main");
    for (const id of agents("containerdo")) docker("kill", id);
    expect(await push("two")).toBe("## main...origin/main");
    const log = ["-C", join(folder(), REPOSITORY), "log", "--format=%s", "main"];
    expect(execFileSync("git", log, { encoding: "utf8" })).toBe("two\none\nFirst\n");
  });

  test("leaves no token in a file, an environment or a process of its container", async () => {
    const session = await create();
    const said = await shell(
      session.send(bash("env; cat project/.git/config; git -C project fetch")),
    );
    expect(said).toMatch(/^GIT_TOKEN=ce_secret_s/m);
    const config = said.slice(said.indexOf("[core]"));
    expect(config).toContain(`url = https://${GIT}/${REPOSITORY}`);
    expect(config).not.toMatch(/ce_secret_|Authorization/);
    const [id] = agents("containerdo");
    const inContainer = (user: string, command: string) =>
      docker("exec", "-u", user, id!, "sh", "-c", command);
    // Searched out here: in there the search itself would be found. Without a capability root cannot read the environment
    // of another user's process.
    const processes = inContainer(
      "node",
      "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'",
    );
    expect(processes).toContain("GIT_TOKEN=ce_secret_s");
    const encoded = Buffer.from(`x-access-token:${gitToken}`).toString("base64");
    for (const token of [gitToken, encoded]) {
      expect(said).not.toContain(token);
      expect(processes).not.toContain(token);
      const find = `find / /dev/shm -xdev -type f -print0 | xargs -0 grep -lF -e ${token}; true`;
      expect(inContainer("root", find)).toBe("");
    }
    // The next tests find the containers that they start.
    docker("kill", id!);
  });
}
