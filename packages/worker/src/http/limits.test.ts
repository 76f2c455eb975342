import { MAX_HEADER_CHARS, MAX_JSON_DEPTH, MAX_PATH_CHARS } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { assertShallow } from "../json-depth.js";
import { assertFits } from "./limits.js";

const asked = (path: string, headers: Record<string, string> = {}) =>
  new Request(`https://edge.example${path}`, { headers });

const codeOf = (work: () => void) => {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "none";
};

test("path and query up to their limit, whatever the host's length", () => {
  const path = (chars: number) => "/v1/x?y=".padEnd(chars, "z");
  expect(codeOf(() => assertFits(asked(path(MAX_PATH_CHARS))))).toBe("none");
  expect(codeOf(() => assertFits(asked(path(MAX_PATH_CHARS + 1))))).toBe("path_too_long");
});

test("headers up to their limit, names and values, all of them together", () => {
  const of = (count: number, chars: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => {
        const name = `x-${index}-`.padEnd(10, "n");
        return [name, "v".repeat(chars - name.length)];
      }),
    );
  const fits = (headers: Record<string, string>) => codeOf(() => assertFits(asked("/", headers)));
  expect(fits(of(1, MAX_HEADER_CHARS))).toBe("none");
  expect(fits(of(1, MAX_HEADER_CHARS + 1))).toBe("headers_too_large");
  expect(fits(of(1_024, MAX_HEADER_CHARS / 1_024))).toBe("none");
  expect(fits(of(1_025, MAX_HEADER_CHARS / 1_024))).toBe("headers_too_large");
});

describe("JSON is nested", () => {
  const depth = (json: string) => codeOf(() => assertShallow(json));
  const nested = (levels: number, [open, close]: string) =>
    open!.repeat(levels) + close!.repeat(levels);

  test.each(["[]", "{}"])("%s up to the limit", (pair) => {
    expect(depth(nested(MAX_JSON_DEPTH, pair))).toBe("none");
    expect(depth(nested(MAX_JSON_DEPTH + 1, pair))).toBe("invalid_request");
  });

  test("and what its texts hold does not count", () => {
    const brackets = "[{".repeat(MAX_JSON_DEPTH);
    for (const text of [brackets, `\\"${brackets}`, `\\\\\\"${brackets}`]) {
      expect(depth(`{"prompt":"${text}"}`)).toBe("none");
    }
    // This text ends before the brackets.
    expect(depth(`["\\\\",${brackets}`)).toBe("invalid_request");
  });

  test("one after the other without end", () => {
    expect(depth(`[${"[],{},".repeat(10_000)}0]`)).toBe("none");
  });

  test("seen before it is parsed, in what is no JSON too", () => {
    expect(depth("[".repeat(4_000_000))).toBe("invalid_request");
    expect(depth("]]]}")).toBe("none");
  });
});
