import type { EdgeEvent } from "@claude-edge/client";
import { expect, test } from "vitest";

import { mcpNote } from "./mcp-note.js";

const init = (mcp_servers: unknown): EdgeEvent => ({
  seq: 1,
  at: 1,
  turn_id: "t",
  kind: "message",
  message: { type: "system", subtype: "init", mcp_servers },
});

test("names the servers that were not reached, on a line each", () => {
  const servers = [
    { name: "docs", status: "failed" },
    { name: "fine", status: "connected" },
    { name: "mail\n", status: "needs-auth" },
  ];
  const [docs, mail, ...rest] = mcpNote(init(servers)).split("\n");
  expect(docs).toBe("note: the MCP server docs could not be reached, so its tools are missing");
  expect(mail).toContain("wants a login");
  expect(rest).toEqual([""]);
});

test.each([undefined, null, {}, []])("says nothing of %j", (servers) => {
  expect(mcpNote(init(servers))).toBe("");
});
