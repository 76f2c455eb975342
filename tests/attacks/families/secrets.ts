import { spawnSync } from "node:child_process";

import { holds, refused, works, type Attack, type Family } from "../attack.ts";
import { pathOf } from "../routes.ts";
import type { Answer } from "../send.ts";
import type { World } from "../world.ts";

const MARK = "marked-secret-of-alice";
const HOSTS = ["api.example.com"];
const FORBIDDEN = { status: 403, code: "forbidden" };

/** Names that are no secret's: variables that mean something, and what is no variable. */
const NAMES = [
  ..."PATH path HOME LD_PRELOAD LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES NODE_OPTIONS BUN_OPTIONS".split(
    " ",
  ),
  ..."ANTHROPIC_API_KEY ANTHROPIC_BASE_URL CLAUDE_CONFIG_DIR CLAUDECODE CLAUDE_EDGE_SESSION".split(
    " ",
  ),
  ..."HTTP_PROXY https_proxy NO_PROXY SSL_CERT_FILE NODE_EXTRA_CA_CERTS GIT_SSH_COMMAND".split(" "),
  ..."GIT_CONFIG_COUNT npm_config_registry BASH_ENV ENV IFS PYTHONPATH JAVA_TOOL_OPTIONS".split(
    " ",
  ),
  "A=B",
  "A B",
  "A\nB",
  "1A",
  "Ä",
  "mcp:web authorization",
  "A".repeat(200),
  "../limits",
  "%00",
];

const HOSTS_REFUSED = [
  [],
  ["*"],
  ["*:443"],
  ["*.com"],
  ["."],
  [""],
  ["https://api.example.com"],
  ["api.example.com/x"],
  ["me@api.example.com"],
  ["a.*.example.com"],
  ["api.example.com:0"],
  ["api.example.com\n"],
  ["x".repeat(5_000)],
  Array.from({ length: 1_000 }, (_, index) => `h${index}.example.com`),
];

const VALUES_REFUSED = [
  "",
  " ",
  "a\nb",
  "a\r\nx-injected: 1",
  "a\0b",
  "é",
  "a ",
  "x".repeat(100_000),
];

/** Secrets: of another account, with names, hosts and values that do harm, and wherever a value could be seen again. */
export async function secrets(world: World): Promise<Family> {
  const { ask, mint, routes, persist, printed } = world;
  const alice = await mint({ account: "alice", scopes: ["admin"] });
  const key = await mint({ account: "mallory", scopes: ["admin"] });
  const lesser = await mint({
    account: "mallory",
    scopes: ["query", "sessions:read", "sessions:write", "requests:answer", "files"],
  });
  const put = (name: string, json: object, more: { key?: string; account?: string } = {}) =>
    ask(`/v1/secrets/${encodeURIComponent(name)}`, { method: "PUT", key, json, ...more });
  const good = { value: MARK, hosts: HOSTS };
  const set = await put("A_KEY", good, { key: alice });
  const options = { secrets: { OWN_KEY: good }, model: "claude-opus-5-5" };
  const made = await ask("/v1/sessions", { key: alice, json: { options } });
  const session = JSON.parse(made.text).id as string;
  const json = { prompt: `%tool Bash ${JSON.stringify({ command: "env" })}\n%say ok` };
  const turn = await ask(`/v1/sessions/${session}/turns`, { key: alice, json });
  const ids = { session, turn: JSON.parse(turn.text).id as string, request: session };

  const refusedOption = (name: string, given: object, code: string): Attack =>
    refused(name, () => ask("/v1/sessions", { key, json: { options: { secrets: given } } }), {
      status: [400, 409, 413],
      code,
    });
  const shows = (name: string, read: () => Promise<Answer>): Attack =>
    holds(name, async () => {
      const { text, headers } = await read();
      return (text + JSON.stringify([...headers])).includes(MARK) ? text.slice(0, 200) : undefined;
    });
  const mallorys = `/v1/secrets?session_id=${session}`;

  return {
    controls: [
      works("Alice's secrets, by Alice", () => ask("/v1/secrets", { key: alice })),
      holds("were set and are listed", async () => {
        const { text } = await ask("/v1/secrets", { key: alice });
        return set.status === 200 && text.includes("A_KEY") ? undefined : text;
      }),
      holds("those of her session are listed", async () => {
        const { text } = await ask(mallorys, { key: alice });
        return text.includes("OWN_KEY") ? undefined : text;
      }),
    ],
    attacks: [
      refused("Alice's, listed", () => ask("/v1/secrets", { key, account: "alice" }), FORBIDDEN),
      refused("Alice's, set", () => put("A_KEY", good, { account: "alice" }), FORBIDDEN),
      refused(
        "Alice's, by the body",
        () => put("A_KEY", { ...good, accountId: "alice" }),
        FORBIDDEN,
      ),
      refused(
        "Alice's, deleted",
        () => ask("/v1/secrets/A_KEY", { method: "DELETE", key, account: "alice" }),
        FORBIDDEN,
      ),
      refused("by a token without admin", () => put("KEY", good, { key: lesser }), FORBIDDEN),
      holds("Alice's session's, listed", async () => {
        const { text } = await ask(mallorys, { key });
        return text.includes("OWN_KEY") ? text : undefined;
      }),
      ...NAMES.flatMap((name) => [
        refused(`the name ${JSON.stringify(name).slice(0, 40)}`, () => put(name, good), {
          status: 400,
          code: "secret_name_refused",
        }),
        refusedOption(`… of a session`, { [name]: good }, "secret_name_refused"),
      ]),
      ...HOSTS_REFUSED.map((hosts) =>
        refused(
          `the hosts ${JSON.stringify(hosts).slice(0, 40)}`,
          () => put("KEY", { value: MARK, hosts }),
          { status: 400, code: "secret_hosts_invalid" },
        ),
      ),
      ...VALUES_REFUSED.map((value) =>
        refused(
          `the value ${JSON.stringify(value).slice(0, 40)}`,
          () => put("KEY", { value, hosts: HOSTS }),
          { status: [400, 413], code: ["secret_value_invalid", "secret_too_large"] },
        ),
      ),
      refusedOption(
        "1 000 of a session",
        Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`K${index}`, good])),
        "too_many_secrets",
      ),
      ...routes
        .filter(({ method }) => method === "GET")
        .map((route) =>
          shows(`its value in GET ${route.path}`, () => ask(pathOf(route, ids), { key: alice })),
        ),
      shows("its value in what refuses it", () => put("PATH", good, { key: alice })),
      holds("its value in what the stack stores", async () => {
        await ask(`/v1/sessions/${session}/events`, { key: alice });
        // grep follows none of the links that agents leave; it says 1 for nothing found, and 2 for files that went away.
        const { stdout } = spawnSync("grep", ["-rlaF", "--", MARK, persist], { encoding: "utf8" });
        return stdout.split("\n").find((path) => path !== "");
      }),
      holds("its value in what Worker and containers print", async () =>
        [printed("worker"), printed("container")].some((text) => text.includes(MARK))
          ? "it is there"
          : undefined,
      ),
    ],
  };
}
