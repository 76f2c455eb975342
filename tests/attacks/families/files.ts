import { readdirSync } from "node:fs";
import { join } from "node:path";

import { holds, refused, works, type Expected, type Family } from "../attack.ts";
import { FILE } from "../routes.ts";
import { askRaw, rawRequest, type Answer, type Ask } from "../send.ts";
import type { World } from "../world.ts";

const INVALID = { status: 400, code: "path_invalid" };
const NO_FILE = { status: 404, code: "file_not_found" };
const NO_ROUTE = { status: 404, code: "not_found" };
const NO_SESSION = { status: 404, code: "session_not_found" };
const BAD = { status: 400, code: "invalid_request" };
const CHANGED = { status: 412, code: "file_changed" };
/** In a dialect's words. */
const THEIRS = (status: number): Expected => ({ status });

/** Names that are none of a workspace's, as they go over the wire. */
const NO_PATHS = [
  "..%2f..%2fetc%2fpasswd",
  "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
  "/etc/passwd",
  "%2fetc%2fpasswd",
  "%2f%2fetc%2fpasswd",
  "a%2f..%2f..%2fb",
  "a%2f.%2fb",
  "a//b",
  "a%2f",
  "a/",
  "file:///etc/passwd",
  "a%00",
  "%00",
  "a%00.txt%2f..",
  "%ff",
  "%c0%ae%c0%ae%2fetc",
  "%ed%a0%80",
  "%",
  "%zz",
  "%u002e%u002e",
  `${"n".repeat(256)}`,
  `${"%F0%9F%98%80".repeat(64)}`,
];

/** Names that look like others, and are names of their own that nobody has given. */
const OTHER_NAMES = [
  "..%5c..%5cetc%5cpasswd",
  "..;%2fetc",
  "%252e%252e%252fetc%252fpasswd",
  encodeURIComponent("．．／etc／passwd"),
  encodeURIComponent("․․∕etc∕passwd"),
  encodeURIComponent(`${FILE}\u200b`),
  encodeURIComponent(` ${FILE}`),
  encodeURIComponent(FILE.toUpperCase()),
  `${FILE}%20`,
  `${FILE}.`,
  `${FILE}::$DATA`,
  `${FILE}%0d%0aset-cookie:%20a=b`,
  "C:%5cWindows",
  "~%2f.ssh%2fid_rsa",
  "$HOME",
  "*",
  "__proto__",
  "constructor%2fprototype",
  ".git%2fconfig",
  "proc%2fself%2fenviron",
];

/** A workspace's files over HTTP: whose they are, what they are called, which part of them. */
export async function files(world: World): Promise<Family> {
  const { stack, alice, mallory, secret, persist, ask, mint } = world;
  const key = mallory.token;
  const header = `Authorization: Bearer ${key}`;
  const own = `/v1/sessions/${mallory.session}`;
  const raw = (path: string, method = "GET", headers: string[] = []) =>
    askRaw(
      stack.url,
      rawRequest(
        stack.url,
        `${method} ${path}`,
        [
          header,
          "Connection: close",
          ...(method === "PUT" ? ["Content-Length: 1"] : []),
          ...headers,
        ],
        method === "PUT" ? "x" : "",
      ),
    ).then(([answer]) => answer!);
  const tried = (path: string, expected: Expected, method = "GET") =>
    refused(`${method} ${path.slice(0, 100)}`, () => raw(path, method), expected);
  const own_ = (path: string, how: Ask = {}) => ask(`${own}${path}`, { key, ...how });
  const list = async () => (await own_("/files?recursive=true&limit=1000")).text;
  const get = (headers: Record<string, string>) => own_(`/files/${FILE}`, { headers });
  const bound = await mint({ account: "alice", scopes: ["admin"], sessionId: alice.asking });
  const hers = await ask(`/v1/sessions/${alice.session}/files/${FILE}`, { key: alice.token });
  const etag = hers.headers.get("etag")!;
  const sha256 = etag.replaceAll('"', "");
  const [hersUploaded = ""] = JSON.parse(
    (await ask(`/v1/sessions/${alice.uploads}/files?path=uploads`, { key: alice.token })).text,
  ).entries.map(({ path }: { path: string }) => path.split("/").at(-1)!);
  // Ids of the sessions' objects, which follow from their names.
  const accounts = readdirSync(join(persist, "state", "v3", "do"), { recursive: true }).flatMap(
    (path) => /SessionDO\/([0-9a-f]{64})\.sqlite$/.exec(String(path))?.[1] ?? [],
  );
  const before = await list();
  /** The whole file, as if nothing had been asked of it. */
  const whole = (name: string, headers: Record<string, string>) =>
    holds(name, async () => {
      const { status, text } = await get(headers);
      return status === 200 && text === "hello" ? undefined : `${status} ${text.slice(0, 80)}`;
    });
  const clean = (name: string, request: () => Promise<Answer>) =>
    holds(name, async () => {
      const { text } = await request();
      return text.includes(secret) ? "Alice's file" : undefined;
    });
  const send = (attachments: unknown) => ({ json: { prompt: "%say x", attachments } });

  return {
    controls: [
      works("her own file", () => raw(`${own}/files/${FILE}`)),
      works("Alice's file, by Alice", async () => hers),
      works("a name with dots in it", () => raw(`${own}/files/a..b..txt`, "PUT")),
      holds("the objects' ids are known", async () =>
        accounts.length >= 2 ? undefined : `${accounts.length} of them`,
      ),
      works("a part of a file", () => get({ range: "bytes=0-1" }), 206),
      works(
        "a file that is as it was",
        () =>
          own_(`/files/${FILE}`).then(({ headers }) =>
            get({ "if-none-match": headers.get("etag")! }),
          ),
        304,
      ),
    ],
    attacks: [
      ...NO_PATHS.flatMap((path) => [
        ...["GET", "PUT", "DELETE"].map((method) => tried(`${own}/files/${path}`, INVALID, method)),
        tried(
          `/api/media/outputs/${mallory.session}/${path}`,
          THEIRS(path === "%" || /^%(zz|u)|^%ff|^%c0|^%ed/.test(path) ? 404 : 400),
        ),
      ]),
      ...OTHER_NAMES.flatMap((path) => [
        ...["GET", "DELETE"].map((method) => tried(`${own}/files/${path}`, NO_FILE, method)),
        tried(`/api/media/uploads/${path}`, THEIRS(404)),
      ]),
      tried(`${own}/files/../../../../etc/passwd`, NO_ROUTE),
      tried(`${own}/files/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd`, NO_ROUTE),
      tried(`${own}/files/../../${alice.session}/files/${FILE}`, NO_SESSION),
      tried(`${own}/files/%2e%2e/%2e%2e/${alice.session}/files/${FILE}`, NO_SESSION),
      tried(`${own}%2f..%2f${alice.session}/files/${FILE}`, NO_SESSION),
      tried(`${own}/files/x%2f..%2f..%2f${alice.session}%2ffiles%2f${FILE}`, INVALID),
      tried(`${own}/files/${"a/".repeat(2_100)}x`, { status: 414, code: "path_too_long" }),
      ...["/etc", "../..", "..%2f..", "a%00", "a/../..", "%ff"].flatMap((path) =>
        ["files", "tar"].map((what) =>
          // A query string that is no UTF-8 is read as what it may have been.
          tried(`${own}/${what}?path=${path}`, path === "%ff" ? NO_FILE : INVALID),
        ),
      ),
      ...["/etc", "../..", "a/../.."].map((path) =>
        tried(`${own}/tar?path=${path}`, INVALID, "PUT"),
      ),

      // Another tenant's.
      ...["files", "tar", "diff", "checkpoints"].map((what) =>
        refused(
          `Alice's ${what} by the root key's header`,
          () => ask(`/v1/sessions/${alice.session}/${what}`, { key, account: "alice" }),
          { status: 403, code: "forbidden" },
        ),
      ),
      ...[`at=${alice.turn}`, "at=999999999", "at=-1", "at=1e3", "at=%00", "at='%20OR%201=1"].map(
        (at) => tried(`${own}/files/${FILE}?${at}`, { status: 404, code: "checkpoint_not_found" }),
      ),
      ...[`from=${alice.turn}`, `to=${alice.turn}`].map((at) =>
        tried(`${own}/diff?${at}`, { status: 404, code: "checkpoint_not_found" }),
      ),
      refused(
        "back to a turn of Alice's",
        () => own_("/rewind", { json: { turn_id: alice.turn } }),
        { status: 404, code: "turn_not_found" },
      ),
      refused(
        "a fork at a turn of Alice's",
        () => own_("/fork", { json: { turn_id: alice.turn } }),
        { status: 404, code: "turn_not_found" },
      ),
      ...accounts.flatMap((id) =>
        [1, 2, 3].flatMap((pack) => [
          tried(`/cdn-cgi/local/r2/public/files/claude-edge/${id}/${pack}`, { status: 404 }),
          tried(`/api/media/claude-edge/${id}/${pack}`, NO_ROUTE),
        ]),
      ),
      tried("/cdn-cgi/local/r2/s3/files/", NO_ROUTE),
      tried(`${own}/files/${sha256}`, NO_FILE),
      tried(`${own}/files/claude-edge%2f${sha256}%2f1`, NO_FILE),
      tried(`${own}/files/claude-edge/${sha256}/1`, NO_FILE),
      tried(`/api/media/claude-edge/${sha256}/1`, NO_ROUTE),
      tried(`/api/media/uploads/claude-edge/${sha256}/1`, THEIRS(404)),
      tried(`/api/media/uploads/${hersUploaded}`, THEIRS(404)),
      tried(`/uploads/${hersUploaded}`, THEIRS(404)),
      tried(`/api/media/outputs/${alice.session}/${FILE}`, THEIRS(404)),
      tried(`/api/media/outputs/${mallory.session}%2f..%2f${alice.session}/${FILE}`, THEIRS(404)),
      tried(`/outputs/${mallory.session}/..%2f${FILE}`, THEIRS(400)),
      tried(`/api/media/outputs/${mallory.session}/../../uploads/${hersUploaded}`, THEIRS(404)),
      refused(
        "the session of Alice's uploads",
        () => ask(`/v1/sessions/${alice.uploads}/files`, { key }),
        NO_SESSION,
      ),
      clean("an upload of the same name", () => ask(`/api/media/uploads/${FILE}`, { key })),
      refused(
        "Alice's upload in a prompt",
        () =>
          ask("/api/generate", {
            key,
            json: { prompt: "%say x", inputImages: [`/storage/uploads/${hersUploaded}`] },
          }),
        THEIRS(404),
      ),
      ...[`../${alice.session}/${FILE}`, "/etc/passwd", "a/../../b", "", "a\0b"].flatMap((path) => [
        refused(`attached: ${JSON.stringify(path)}`, () => own_("/turns", send([{ path }])), BAD),
        refused(
          `inputImages: ${JSON.stringify(path)}`,
          () => ask("/api/generate", { key, json: { prompt: "%say x", inputImages: [path] } }),
          THEIRS(400),
        ),
      ]),
      ...["../x", "a/b", "/x", "..", ".", "", "a\0", "n".repeat(256)].map((name) =>
        refused(
          `attached as ${JSON.stringify(name.slice(0, 20))}`,
          () => own_("/turns", send([{ name, data: "eA==" }])),
          BAD,
        ),
      ),
      refused("attached: no base64", () => own_("/turns", send([{ name: "x", data: "%%%" }])), BAD),
      refused(
        "attached: too many",
        () => own_("/turns", send(Array.from({ length: 21 }, () => ({ path: FILE })))),
        BAD,
      ),

      // A token for one session, and the others of its account.
      ...[
        `/v1/sessions/${alice.asking}/files/../../${alice.session}/files/${FILE}`,
        `/v1/sessions/${alice.asking}/files/%2e%2e/%2e%2e/${alice.session}/files/${FILE}`,
        `/v1/sessions/${alice.asking}%2f..%2f${alice.session}/files/${FILE}`,
        `/v1/sessions/${alice.session.toUpperCase()}/files/${FILE}`,
        `/v1/sessions/${alice.uploads}/files`,
      ].map((path) =>
        refused(
          `for another session: ${path.slice(0, 110)}`,
          () =>
            askRaw(
              stack.url,
              rawRequest(stack.url, `GET ${path}`, [
                `Authorization: Bearer ${bound}`,
                "Connection: close",
              ]),
            ).then(([answer]) => answer!),
          { status: 403, code: "forbidden" },
        ),
      ),
      ...[
        `/api/media/uploads/${FILE}`,
        `/uploads/${FILE}`,
        `/api/media/outputs/${alice.session}/${FILE}`,
        `/outputs/${alice.asking}/../${alice.session}/${FILE}`,
      ].map((path) =>
        refused(`for another session: ${path}`, () => ask(path, { key: bound }), { status: 403 }),
      ),

      // Parts and preconditions.
      ...["bytes=99-", "bytes=5-", "bytes=-0", "bytes=999999999999999-"].map((range) =>
        refused(`range ${range}`, () => get({ range }), {
          status: 416,
          code: "range_not_satisfiable",
        }),
      ),
      ...[
        "bytes=3-1",
        "bytes=0-0,2-2",
        `bytes=${"0-,".repeat(1_000)}0-`,
        "bytes=-99999999999999999999",
        "bytes=0-18446744073709551615",
        "bytes=--1",
        "bytes=a-b",
        "lines=0-1",
        "bytes=0x0-0x1",
      ].map((range) => whole(`range ${range.slice(0, 40)}`, { range })),
      whole("a part of what Alice has", { range: "bytes=0-1", "if-range": etag }),
      whole("the ETag of Alice's file", { "if-none-match": etag }),
      ...[
        { "if-match": etag },
        { "if-match": `"${"0".repeat(64)}"` },
        { "if-none-match": "*" },
      ].map((headers) =>
        refused(
          `over it with ${JSON.stringify(headers).slice(0, 30)}`,
          () => own_(`/files/${FILE}`, { method: "PUT", body: "x", headers: headers as never }),
          CHANGED,
        ),
      ),
      ...["*", sha256, `W/${etag}`, `${etag}, ${etag}`].map((match) =>
        refused(
          `If-Match ${match.slice(0, 12)}`,
          () => own_(`/files/${FILE}`, { method: "DELETE", headers: { "if-match": match } }),
          BAD,
        ),
      ),
      ...["888", "7777", "-1", "0x1ff", "4755", "rwx"].map((mode) =>
        refused(
          `mode ${mode}`,
          () => own_(`/files/m?mode=${mode}`, { method: "PUT", body: "x" }),
          BAD,
        ),
      ),
      refused(
        "a length of 10 GB",
        () => raw(`${own}/files/x`, "PUT", ["Content-Length: 10737418240"]),
        {
          status: [400, 413],
        },
      ),

      holds("nothing of all this is in her workspace", async () => {
        const now = await list();
        return now === before ||
          // What the controls have put there.
          JSON.parse(now).entries.every(({ path }: { path: string }) =>
            /^(a\.\.b\.\.txt|secret\.txt|outputs(\/.*)?)$/.test(path),
          )
          ? undefined
          : now.slice(0, 200);
      }),
      holds("Alice's file is as it was", async () => {
        const { headers } = await ask(`/v1/sessions/${alice.session}/files/${FILE}`, {
          key: alice.token,
        });
        return headers.get("etag") === etag ? undefined : "another";
      }),
    ],
  };
}
