import { holds, refused, works, type Expected, type Family } from "../attack.ts";
import { formOf, longName, paxPath, PNG, tarOf, type TarEntry } from "../bytes.ts";
import { FILE } from "../routes.ts";
import type { World } from "../world.ts";

const MB = 1024 * 1024;
const NO_TAR = { status: 400, code: "tar_invalid" };
/** In a dialect's words. */
const THEIRS = (status: number): Expected => ({ status });

/** What is large takes its time to be sent, milliseconds. */
const LARGE_MS = 55_000;

/** Entries of a tar that must not be taken. */
const BAD_ENTRIES: [name: string, entries: TarEntry[]][] = [
  ["..", [{ name: "../out.txt", content: "x" }]],
  [".. in the middle", [{ name: "a/../../out.txt", content: "x" }]],
  ["an absolute name", [{ name: "/etc/cron.d/x", content: "x" }]],
  [".. in a GNU name", [longName("../".repeat(50)), { name: "x", content: "x" }]],
  [".. in a POSIX name", [paxPath("../out.txt"), { name: "x", content: "x" }]],
  ["NUL in a POSIX name", [paxPath("a\0b"), { name: "x", content: "x" }]],
  ["a name of 5 000 bytes", [longName("a/".repeat(2_500)), { name: "x" }]],
  ["a name of 300 bytes in one piece", [longName("n".repeat(300)), { name: "x" }]],
  ["a link to /etc/passwd", [{ name: "l", type: "2", link: "/etc/passwd" }]],
  ["a link to /proc/self/environ", [{ name: "l", type: "2", link: "/proc/self/environ" }]],
  ["a link out", [{ name: "a/l", type: "2", link: "../../out" }]],
  ["a link to nothing", [{ name: "l", type: "2", link: "" }]],
  ["a hard link", [{ name: "l", type: "1", link: "/etc/passwd" }]],
  ["a hard link inside", [{ name: "l", type: "1", link: FILE }]],
  ["a device", [{ name: "d", type: "3" }]],
  ["a disk", [{ name: "d", type: "4" }]],
  ["a pipe", [{ name: "p", type: "6" }]],
  ["8 GiB that are not there", [{ name: "x", content: "x", size: "77777777777\0" }]],
  [
    "a length past all integers",
    [{ name: "x", size: "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" }],
  ],
  ["a length below zero", [{ name: "x", size: "-0000000001\0" }]],
  ["a good file, then a bad one", [{ name: "good.txt", content: "x" }, { name: "../out.txt" }]],
];

/** What is unpacked: tars that go into a workspace, forms that are uploaded. */
export async function archives({ mallory, ask }: World): Promise<Family> {
  const key = mallory.token;
  const { id } = await mallory.client.sessions.create();
  const putTar = (body: BodyInit) =>
    ask(`/v1/sessions/${id}/tar`, {
      key,
      method: "PUT",
      body,
      headers: { "content-type": "application/x-tar" },
      patienceMs: LARGE_MS,
    });
  const upload = (body: Buffer<ArrayBuffer>, type = "multipart/form-data; boundary=b") =>
    ask("/api/upload", { key, body, headers: { "content-type": type } });

  return {
    controls: [
      works("a tar", () => putTar(tarOf({ name: "t/x.txt", content: "x" }))),
      works("a link that stays inside", () =>
        putTar(tarOf({ name: "t/l", type: "2", link: `../${FILE}` })),
      ),
      works("a form", () => upload(formOf("images", "x.png", PNG).body)),
    ],
    attacks: [
      ...BAD_ENTRIES.map(([name, entries]) =>
        refused(`a tar with ${name}`, () => putTar(tarOf(...entries)), NO_TAR),
      ),
      refused(
        "a tar that is cut off",
        () => putTar(tarOf({ name: "x", content: "x".repeat(2_000) }).subarray(0, 1_200)),
        NO_TAR,
      ),
      refused(
        "a tar that is gzip",
        () => putTar(Buffer.from("1f8b0800000000000003", "hex")),
        NO_TAR,
      ),
      refused("no tar", () => putTar(Buffer.alloc(5_000, "x")), NO_TAR),
      refused(
        "a tar of 100 001 folders",
        () => {
          const one = tarOf({ name: "x", type: "5" });
          const [entry, end] = [one.subarray(0, 512), one.subarray(512)];
          return putTar(Buffer.concat([...Array.from({ length: 100_001 }, () => entry), end]));
        },
        { status: 413, code: "workspace_too_large" },
      ),
      refused(
        "a tar of 101 MiB that does not say so",
        () => {
          const chunk = Buffer.alloc(MB);
          let left = 101;
          const head = tarOf({ name: "big", size: 101 * MB }).subarray(0, 512);
          const body = new ReadableStream({
            start: (controller) => controller.enqueue(head),
            pull(controller) {
              if (left === 0) return controller.close();
              left -= 1;
              controller.enqueue(chunk);
            },
          });
          return putTar(body);
        },
        { status: 413, code: "file_too_large" },
      ),

      ...["../../x.png", "/etc/x.png", "..\\..\\x.png", "x.png\0.html", "x.html", ".htaccess"].map(
        (name) =>
          holds(`a file called ${JSON.stringify(name)}`, async () => {
            const { status, text } = await upload(formOf("images", name, PNG).body);
            const [, stored] = /"filename":"([^"]*)"/.exec(text) ?? [];
            if (status === 400) return undefined;
            return /^[\w-]+\.png$/.test(stored ?? "")
              ? undefined
              : `${status} ${text.slice(0, 100)}`;
          }),
      ),
      ...[
        "<script>alert(1)</script>",
        "<svg onload='alert(1)'/>",
        "GIF87",
        "%PDF-1.4",
        "PK\u0003\u0004",
      ].map((content) =>
        refused(
          `an image that is ${JSON.stringify(content)}`,
          () => upload(formOf("images", "x.png", Buffer.from(content)).body),
          THEIRS(400),
        ),
      ),
      ...[
        "multipart/form-data",
        "multipart/mixed; boundary=b",
        `multipart/form-data; boundary=${"b".repeat(200)}`,
        "multipart/form-data; boundary=c",
        "text/plain; multipart/form-data; boundary=b",
        "application/json",
      ].map((type) =>
        refused(
          `a form as ${type.slice(0, 60)}`,
          () => upload(formOf("images", "x.png", PNG).body, type),
          THEIRS(400),
        ),
      ),
      refused(
        "a field that is another's",
        () => upload(formOf("sessionId", "x.png", PNG).body),
        THEIRS(400),
      ),
      refused(
        "a field called __proto__",
        () => upload(formOf("__proto__", "x.png", PNG).body),
        THEIRS(400),
      ),
      refused(
        "a name of 1 MB",
        () => upload(formOf("images", "x".repeat(MB), PNG).body),
        THEIRS(400),
      ),
      refused(
        "a thousand parts",
        () => {
          const part = formOf("images", "x.png", PNG).body.subarray(0, -"--b--\r\n".length);
          return upload(
            Buffer.concat([...Array.from({ length: 1_000 }, () => part), Buffer.from("--b--\r\n")]),
          );
        },
        THEIRS(400),
      ),
      refused(
        "a form without an end",
        () => upload(formOf("images", "x.png", PNG).body.subarray(0, -4)),
        THEIRS(400),
      ),
      refused(
        "a form of 33 MiB",
        () => upload(formOf("images", "x.png", Buffer.alloc(33 * MB)).body),
        THEIRS(413),
      ),

      holds("nothing of all this is in her workspace", async () => {
        const { text } = await ask(`/v1/sessions/${id}/files?recursive=true`, { key });
        const { entries } = JSON.parse(text) as { entries: { path: string }[] };
        // What the controls have put there.
        const others = entries.filter(({ path }) => !/^t(\/[xl](\.txt)?)?$/.test(path));
        return others.length === 0 ? undefined : text.slice(0, 200);
      }),
    ],
  };
}
