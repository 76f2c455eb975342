import { existsSync, readFileSync } from "node:fs";

import type { Session } from "@claude-edge/client";

import { holds, refused, type Attack, type Expected, type Family } from "../attack.ts";
import { tarOf } from "../bytes.ts";
import { FILE } from "../routes.ts";
import type { World } from "../world.ts";

const OUT = { status: 409, code: "not_a_file" };

/** What is behind the links: this machine's accounts, and the environment of the process that would follow them. */
const PASSWD = readFileSync("/etc/passwd", "utf8").slice(0, 200);
const ENVIRON = "CLAUDE_CONFIG_DIR=";

const shell = (command: string) => `%tool Bash ${JSON.stringify({ command })}\n%say Done.`;

/** What an agent leaves in its workspace to have something else read: each answer shows the workspace and no more. */
export async function links(world: World): Promise<Family> {
  const { alice, mallory, ask, stack } = world;
  const key = mallory.token;
  const create = () => mallory.client.sessions.create({ permissionMode: "bypassPermissions" });
  const session = await create();
  const run = async (of: Session, command: string) => void (await of.send(shell(command)).result());
  await run(
    session,
    [
      "ln -s /etc/passwd passwd",
      "ln -s /proc/self/environ environ",
      `ln -s ../${mallory.session} other`,
      `ln -s ../${alice.session} hers`,
      'ln -s "$(pwd)/own.txt" absolute',
      "ln -s / root && mkdir d && ln -s ../.. d/up",
      "ln -s loop2 loop1 && ln -s loop1 loop2",
      "mkdir -p a && ln -s . a/b && ln -s a/b/../.. twice",
      "mkfifo pipe && echo own > own.txt && ln -s own.txt inside",
    ].join(" && "),
  );
  const path = `/v1/sessions/${session.id}`;
  const get = (rest: string, how = {}) => ask(`${path}${rest}`, { key, ...how });
  const tried = (name: string, expected: Expected): Attack =>
    refused(`GET ${name}`, () => get(`/files/${name}`), expected);
  /** What a session's states hold, each as a tar, has nothing that is not its own. */
  const isClean = async (of: string): Promise<string | undefined> => {
    const { text } = await ask(`/v1/sessions/${of}/checkpoints?limit=200`, { key });
    const { checkpoints } = JSON.parse(text) as { checkpoints: { checkpoint: number }[] };
    if (checkpoints.length === 0) return "there is no checkpoint";
    for (const { checkpoint } of checkpoints) {
      const tar = await ask(`/v1/sessions/${of}/tar?at=${checkpoint}`, { key });
      if (tar.status !== 200) return `${tar.status} ${tar.text.slice(0, 100)}`;
      for (const word of [PASSWD, ENVIRON, "hello"]) {
        if (tar.text.includes(word)) return `checkpoint ${checkpoint} holds ${word.slice(0, 30)}`;
      }
    }
    return undefined;
  };
  /** What the model was sent from a request on. */
  const sentSince = (newest: object | undefined) => {
    const { requests } = stack.model!;
    return JSON.stringify(requests.slice(requests.findLastIndex((one) => one === newest) + 1));
  };

  return {
    controls: [
      holds("a link that stays inside is followed", async () => {
        const { status, text } = await get("/files/inside");
        return status === 200 && text === "own\n" ? undefined : `${status} ${text}`;
      }),
      holds("links are listed as what they are", async () => {
        const { text } = await get("/files?recursive=true");
        const { entries } = JSON.parse(text) as { entries: { type: string; target?: string }[] };
        const targets = new Set(entries.map(({ target }) => target));
        return targets.has("/etc/passwd") && targets.has("/") ? undefined : text;
      }),
    ],
    attacks: [
      tried("passwd", OUT),
      tried("environ", OUT),
      tried("absolute", OUT),
      tried("other", OUT),
      tried(`other/${FILE}`, OUT),
      tried(`hers/${FILE}`, OUT),
      tried("root/etc/passwd", OUT),
      tried("d/up/etc/passwd", OUT),
      tried(`d/up/${mallory.session}/${FILE}`, OUT),
      tried("loop1", OUT),
      tried("twice", OUT),
      tried(`twice/${mallory.session}/${FILE}`, { status: 404, code: "file_not_found" }),
      tried("pipe", { status: 404, code: "file_not_found" }),
      ...["passwd", "root", "other", "loop1"].flatMap((link) => [
        refused(`a list of ${link}`, () => get(`/files?path=${link}`), OUT),
        refused(`a tar of ${link}`, () => get(`/tar?path=${link}`), OUT),
        refused(
          `a file put below ${link}`,
          () => get(`/files/${link}/x`, { method: "PUT", body: "x" }),
          {
            status: 409,
            code: "not_a_directory",
          },
        ),
        refused(
          `a tar put into ${link}`,
          () =>
            get(`/tar?path=${link}`, {
              method: "PUT",
              body: tarOf({ name: "x", content: "x" }),
              headers: { "content-type": "application/x-tar" },
            }),
          { status: 409, code: "not_a_directory" },
        ),
      ]),
      holds("what its checkpoints hold", () => isClean(session.id)),
      ...[
        "passwd",
        "environ",
        `other/${FILE}`,
        `twice/${mallory.session}/${FILE}`,
        "root/etc/passwd",
      ].map((link) =>
        holds(`attached: ${link}`, async () => {
          const newest = stack.model!.requests.at(-1);
          const { text } = await get("/turns", {
            json: { prompt: "%say x", attachments: [{ path: link }] },
            headers: { accept: "text/event-stream" },
          });
          const sent = sentSince(newest);
          if (sent.includes(PASSWD.slice(0, 20)) || sent.includes(ENVIRON)) {
            return "the model was sent it";
          }
          return text.includes('"file_not_found"') || text.includes('"not_a_file"')
            ? undefined
            : text.slice(-300);
        }),
      ),
      holds("a file written where a link is takes the link's place", async () => {
        const target = `/tmp/attacks-${session.id}`;
        await run(session, `ln -s ${target} escape`);
        await get("/files/escape", { method: "PUT", body: "x" });
        await run(session, "cat escape");
        return existsSync(target) ? "it was written behind the link" : undefined;
      }),
      holds("its folder made a link to another session's", async () => {
        const linked = await create();
        await run(linked, `d="$(pwd)"; cd ..; rm -rf "$d"; ln -s "$(pwd)/${mallory.session}" "$d"`);
        await run(linked, "true");
        const { status } = await ask(`/v1/sessions/${linked.id}/files/${FILE}`, { key });
        return status === 404 ? undefined : `${status}`;
      }),
      holds("a folder that is now one and now a link, while checkpoints are taken", async () => {
        const racing = await create();
        const swap = "mkdir x; rmdir x; ln -s /etc x; rm x";
        const loop = `(end=$((SECONDS+12)); while [ $SECONDS -lt $end ]; do ${swap}; done) >/dev/null 2>&1 &`;
        const steps = Array.from(
          { length: 20 },
          (_, index) =>
            `%tool Bash ${JSON.stringify({ command: `echo ${index} > f${index}; sleep 0.1` })}`,
        );
        await racing
          .send(
            [`%tool Bash ${JSON.stringify({ command: loop })}`, ...steps, "%say Done."].join("\n"),
          )
          .result();
        return isClean(racing.id);
      }),
      holds("Alice's file is Alice's", async () => {
        const { text } = await ask(`/v1/sessions/${alice.session}/files/${FILE}`, {
          key: alice.token,
        });
        return text.startsWith("secret-") ? undefined : text.slice(0, 80);
      }),
    ],
  };
}
