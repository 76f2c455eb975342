import { describe, expect, test } from "vitest";
import * as z from "zod";

import { checkOutput, outputFormatOf } from "./output.js";

describe("the schema of an output", () => {
  test("goes to the agent as JSON schema, whichever it was given as", () => {
    const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
    expect(outputFormatOf(schema)).toEqual({ type: "json_schema", schema });
    const { schema: made } = outputFormatOf(z.object({ ok: z.boolean() }));
    expect(made).toMatchObject(schema);
    expect(made).not.toHaveProperty("$schema");
  });

  test("is refused when it has no JSON form", () => {
    const validate = (value: unknown) => ({ value });
    const schema = { "~standard": { version: 1, vendor: "own", validate } };
    expect(() => outputFormatOf(schema)).toThrow(
      expect.objectContaining({ code: "invalid_request", message: expect.stringContaining("own") }),
    );
  });
});

describe("an output", () => {
  test("of a JSON schema, or of none, is what the agent gave", async () => {
    expect(await checkOutput({ type: "object" }, { ok: true }, "")).toEqual({ ok: true });
    expect(await checkOutput(undefined, 7, "")).toBe(7);
  });

  test("is what its schema makes of it", async () => {
    const schema = z.object({ born: z.string().transform(Number) });
    expect(await checkOutput(schema, { born: "1815" }, "")).toEqual({ born: 1815 });
  });

  test("that does not fit is an error with the reason, the value and the last text", async () => {
    const schema = z.object({ n: z.number().refine((n) => n % 2 === 0, "must be even") });
    await expect(checkOutput(schema, { n: 3 }, "I tried.")).rejects.toMatchObject({
      code: "output_invalid",
      message: "The output does not fit its schema: must be even.",
      details: { output: { n: 3 }, last_text: "I tried.", issues: [{ path: ["n"] }] },
    });
  });

  test("may be checked later", async () => {
    const schema = z.object({ n: z.number() }).refine(async () => false, "looked up");
    await expect(checkOutput(schema, { n: 3 }, "")).rejects.toThrow("looked up");
  });
});
