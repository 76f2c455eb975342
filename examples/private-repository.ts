/**
 * A private repository: it is cloned before the session's first turn, the agent commits and pushes, and the token never
 * comes into its container.
 *
 *   REPOSITORY_URL=https://github.com/… REPOSITORY_TOKEN=… CLAUDE_EDGE_URL=… CLAUDE_EDGE_TOKEN=… \
 *     node examples/private-repository.ts
 *
 * The network policy must allow the repository's host. The lines with % tell the model of local mode what to do; write
 * prompts of your own for a real one.
 */
import assert from "node:assert/strict";

import { ClaudeEdge, TurnError } from "@claude-edge/client";

const { REPOSITORY_URL: url = "", REPOSITORY_TOKEN: value = "" } = process.env;
assert(url && value, "Set REPOSITORY_URL and REPOSITORY_TOKEN.");

const hosts = [new URL(url).host];
const repositories = [{ url, path: "project", depth: 1, secret: "GIT_TOKEN" }];
const edge = new ClaudeEdge();

const session = await edge.sessions.create({
  allowedTools: ["Bash"],
  // Of this session alone. One of the account, `edge.secrets.set()`, serves all of its sessions.
  secrets: { GIT_TOKEN: { value, hosts } },
  repositories,
});

const branch = `note-${session.id.slice(0, 8)}`;
const commands = [
  "cd project",
  `git switch -qc ${branch}`,
  "echo 42 > note.txt",
  "git add note.txt",
  "git -c user.name=Agent -c user.email=agent@example.com commit -qm 'Note it down'",
  `git push -q origin ${branch}`,
  `git ls-remote --exit-code origin ${branch}`,
];
const turn = session.send(
  `Note it down on a branch.\n%tool Bash ${JSON.stringify({ command: commands.join(" && ") })}\n%say Pushed.`,
);
let commit: string | undefined;
for await (const event of turn) {
  if (event.kind !== "repository") continue;
  console.log(event.status, event.path, event.commit ?? "");
  commit ??= event.commit;
}
assert.match(commit ?? "", /^[0-9a-f]{40}/);
console.log((await turn.result()).text, branch);

// What is in the workspace holds no token, also no placeholder of one.
const config = await (await session.files.get("project/.git/config")).text();
assert(config.includes(url) && !config.includes("ce_secret_") && !config.includes(value));

// A token that is refused fails the turn before the agent runs.
const refused = await edge
  .query("%say Never.", { secrets: { GIT_TOKEN: { value: "no-such-token", hosts } }, repositories })
  .result()
  .catch((reason: unknown) => reason);
assert(refused instanceof TurnError);
console.log(refused.code);
assert.equal(refused.code, "repository_unauthorized");
