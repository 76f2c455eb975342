import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { formOf, PNG, send } from "./studio-uploads.js";

const edge = useStack("dialects");

test("a file that is too large is left out, and said", async () => {
  const large = Buffer.concat([PNG, Buffer.alloc(10 * 1024 * 1024)]);
  const { status, answer } = await send(
    edge,
    "studio-large",
    formOf(["l.png", large], ["s.png", PNG]),
  );
  expect(answer).toMatchObject({ count: 1, errors: ["l.png: File too large (max 10MB)"] });
  expect(status).toBe(200);
});

test.each([true, false])(
  "a form that is too large is refused; its length said: %s",
  async (said) => {
    const form = formOf(
      ...Array.from({ length: 4 }, (): [string, Uint8Array] => [
        "l.png",
        Buffer.concat([PNG, Buffer.alloc(9 * 1024 * 1024)]),
      ]),
    );
    const request = new Request("http://x/", { method: "POST", body: form });
    const type = request.headers.get("content-type")!;
    const bytes = new Uint8Array(await request.arrayBuffer());
    const body = said ? bytes : new Blob([bytes]).stream();
    const { status, answer } = await send(edge, "studio-large-form", body, {
      "content-type": type,
    });
    expect(answer).toMatchObject({ success: false, code: "file_too_large" });
    expect(status).toBe(413);
    expect(
      (await edge
        .fetch("/v1/sessions", { account: "studio-large-form" })
        .then((r) => r.json())) as object,
    ).toEqual({ sessions: [] });
  },
);
