import { equal, failure, holds } from "./expect.js";

const encoder = new TextEncoder();
const LARGE = new Uint8Array(3 * 1024 * 1024).map((_, index) => index % 251);

/** A stream of pieces, as any runtime makes one. */
const streamOf = (...pieces) =>
  new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece) controller.enqueue(piece);
      else controller.close();
    },
  });

const same = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);

/** The files of a session. */
export const FILES = {
  "a file is written from whatever holds bytes, and read as it was": async ({ edge }) => {
    const { files } = await edge.sessions.create();
    const given = {
      "text.txt": ["grün", encoder.encode("grün")],
      "bytes.bin": [LARGE, LARGE],
      "blob.bin": [new Blob([LARGE]), LARGE],
      "stream.bin": [streamOf(LARGE, encoder.encode("end")), undefined],
    };
    for (const [path, [data, bytes]] of Object.entries(given)) {
      const seen = [];
      await files.put(path, data, { onProgress: ({ bytes: sent }) => seen.push(sent) });
      const found = await files.get(path);
      const read = await found.bytes();
      const expected = bytes ?? new Uint8Array([...LARGE, ...encoder.encode("end")]);
      holds(`${path} is as it was`, same(read, expected));
      equal(`size of ${path}`, [found.size, seen.at(-1)], [expected.length, expected.length]);
    }
    const paths = [];
    for await (const { path } of files.list()) paths.push(path);
    equal("list", paths.toSorted(), Object.keys(given).toSorted());
  },

  "a part of a file, and one that has not changed": async ({ edge }) => {
    const { files } = await edge.sessions.create();
    await files.put("a.txt", "0123456789");
    const part = await files.get("a.txt", { range: { start: 2, end: 5 } });
    equal("part", [await part.text(), part.size], ["234", 10]);
    const whole = await files.get("a.txt");
    equal("last", await (await files.get("a.txt", { range: { start: -2 } })).text(), "89");
    equal("unchanged", await files.get("a.txt", { ifNoneMatch: whole.sha256 }), undefined);
    await whole.stream.cancel();
  },

  "a file is only written over what is meant": async ({ edge }) => {
    const { files } = await edge.sessions.create();
    await files.put("a.txt", "1", { ifNoneMatch: "*" });
    const again = await failure("again", () => files.put("a.txt", "2", { ifNoneMatch: "*" }));
    equal("error", [again.name, again.code], ["ApiError", "file_changed"]);
    const { sha256 } = (await files.put("a.txt", "2")).entry;
    await files.put("a.txt", "3", { ifMatch: sha256 });
    const late = await failure("late", () => files.put("a.txt", "4", { ifMatch: sha256 }));
    equal("error", late.code, "file_changed");
    equal("text", await (await files.get("a.txt")).text(), "3");
  },

  "a folder goes as a tar into another session": async ({ edge }) => {
    const [one, other] = [await edge.sessions.create(), await edge.sessions.create()];
    await one.files.put("src/a.txt", "a");
    await one.files.put("src/deep/b.bin", LARGE);
    await other.files.putTar(await one.files.tar("src"), { path: "copy" });
    equal("a", await (await other.files.get("copy/a.txt")).text(), "a");
    holds("b", same(await (await other.files.get("copy/deep/b.bin")).bytes(), LARGE));
  },

  "a path that leads out is refused before anything is sent": async ({ edge }) => {
    const { files } = await edge.sessions.create();
    for (const path of ["../a", "a/../../b", "/etc/passwd", ""]) {
      const { code } = await failure(path, () => files.put(path, "x"));
      equal("code", code, "path_invalid");
    }
  },

  "attachments go with a prompt, large ones before it": async ({ edge }) => {
    const session = await edge.sessions.create();
    const small = [{ name: "note.txt", data: "a note" }];
    await session.send("%say Seen.", { attachments: small });
    const bytes = new Uint8Array(6 * 1024 * 1024).fill(7);
    await session.send("%say Seen.", { attachments: [{ name: "large.bin", data: bytes }] });
    equal("note", await (await session.files.get("attachments/note.txt")).text(), "a note");
    equal("large", (await session.files.get("attachments/large.bin")).size, bytes.length);
  },
};
