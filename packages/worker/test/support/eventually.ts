import { vi } from "vitest";

/** As `vi.waitFor`, with the patience of a busy machine: its own second is too little for one. */
export const eventually: typeof vi.waitFor = (check, options) =>
  vi.waitFor(check, { timeout: 10_000, ...(typeof options === "object" ? options : {}) });
