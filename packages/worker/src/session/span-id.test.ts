import { expect, test } from "vitest";

import { childTraceparent, spanId, traceContext } from "./span-id.js";

const TURN = "0af76519-16cd-43dd-8448-eb211c80319c";

test("a turn and each of its steps has an id of its own, the same each time", () => {
  const ids = [
    spanId(TURN),
    ...Array.from({ length: 1_000 }, (_, step) => spanId(TURN, `${step}`)),
  ];
  expect(new Set(ids).size).toBe(1_001);
  for (const id of ids) expect(id).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
  expect(spanId(TURN)).toBe(ids[0]);
});

test("a turn goes on with its caller's trace, or has its own", () => {
  const [trace, span] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
  expect(traceContext(TURN, `00-${trace}-${span}-01`)).toEqual({
    traceId: trace,
    parent: span,
    isSampled: true,
  });
  expect(traceContext(TURN, `00-${trace}-${span}-00`)).toMatchObject({ isSampled: false });
  const own = { traceId: TURN.replaceAll("-", ""), isSampled: true };
  expect(traceContext(TURN, undefined)).toEqual(own);
  expect(traceContext(TURN, "nonsense")).toEqual(own);
  expect(childTraceparent(TURN, `00-${trace}-${span}-00`)).toBe(`00-${trace}-${spanId(TURN)}-00`);
});
