import { describe, expect, test } from "vitest";

import { poison, POISONS } from "../support/poison.js";
import { querySession, RESETTABLE_WORKER } from "../support/resets.js";
import { useOwnStack } from "../support/stack.js";
import { useProject } from "../support/use-project.js";

const ACCOUNT = "poisoned";
const edge = useOwnStack({ project: useProject({ "src/worker.ts": RESETTABLE_WORKER }) });
const KINDS = Object.keys(POISONS) as (keyof typeof POISONS)[];

describe("a frame that the session's database cannot take", () => {
  test.each(KINDS)("a %s: its turn fails, and the session takes the next prompt", async (kind) => {
    const asks = { permissionMode: "default", canUseTool: true } as const;
    const options = kind === "request" ? asks : ({ permissionMode: "bypassPermissions" } as const);
    const session = await edge.client(ACCOUNT).sessions.create(options);
    expect((await session.send("%say The first.")).text).toBe("The first.");
    const name = `${ACCOUNT}/${session.id}`;
    const heal = await poison(edge.stack.url, name, kind);
    const prompt = '%tool Write {"file_path":"a.txt","content":"a"}\n%say Done.';
    await expect(session.send(prompt).result()).rejects.toMatchObject({
      code: "internal",
      details: { request_id: expect.stringMatching(/./) },
    });
    const aside = await querySession(
      edge.stack.url,
      name,
      "SELECT kind, error FROM poisoned_frames",
    );
    expect(aside).toEqual([
      { kind: expect.stringMatching(/./), error: expect.stringContaining("poisoned") },
    ]);
    await heal();
    expect((await session.send("%say The next.")).text).toBe("The next.");
    expect((await session.retrieve()).status).toBe("idle");
    // The model is shown what was stored before.
    const shown = JSON.stringify((await edge.asked(session.id)).at(-1)!.body.messages);
    expect(shown).toContain("The first.");
    await session.delete();
  });
});
