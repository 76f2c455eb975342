import { expect, test } from "vitest";

import { protocolProblem } from "./version.js";

const between = (ours: unknown, theirs: unknown) =>
  protocolProblem({ name: "client", protocol: ours }, { name: "deployment", protocol: theirs });

test.each([
  [5, 5],
  [5, 4],
  [5, 6],
  [5, "4"],
])("%o works with %o", (ours, theirs) => {
  expect(between(ours, theirs)).toBeUndefined();
});

test.each([
  [5, 3, "deployment"],
  [5, 7, "client"],
  [5, "7", "client"],
  [1, "", "deployment"],
  [1, "1.5", "deployment"],
  [1, "v1", "deployment"],
  [1, -1, "deployment"],
  [1, undefined, "deployment"],
  [1, null, "deployment"],
])("%o does not work with %o: the %s has to be raised", (ours, theirs, raise) => {
  expect(between(ours, theirs)).toEqual({
    message: `The deployment speaks protocol ${String(theirs)}, the client ${ours}: raise the ${raise}.`,
    raise,
  });
});
