import type { NetworkPolicy, SessionOptions, SessionResource } from "@claude-edge/protocol";
import { beforeEach, describe, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import type { Env } from "../env.js";
import { Directory } from "./directory.js";
import { Network } from "./network.js";

const limited = (...allowed_hosts: string[]): NetworkPolicy => ({ type: "limited", allowed_hosts });
const withCode = (code: string) => expect.objectContaining({ code });

let { sql } = accountStorage();
const networkOf = (policy?: unknown) =>
  new Network(sql, { CLAUDE_EDGE_NETWORK: policy } as unknown as Env);
beforeEach(() => void ({ sql } = accountStorage()));

function add(id: string, options: SessionOptions): void {
  const updated_at = new Date(0).toISOString();
  new Directory(sql).reserve({ id, options, updated_at } as unknown as SessionResource, false, 0);
}
const mcpServers = { docs: { type: "http", url: "https://mcp.example/***" } };

describe("an account's own policy", () => {
  test("is what was set last, or none", () => {
    const network = networkOf({ type: "unrestricted" });
    expect(network.report("ada")).toMatchObject({ account: "ada", own: null });
    network.set({ policy: limited("a.com") });
    network.set({ policy: limited("b.com") });
    expect(network.report("ada").own).toEqual(limited("b.com"));
    network.set({ policy: null });
    expect(network.own).toBeNull();
  });

  test.each([
    [limited("a.com"), limited("b.com")],
    [limited("*.a.com"), limited("a.com")],
    [limited("a.com"), { type: "unrestricted" }],
  ] as [NetworkPolicy, NetworkPolicy][])("under %j cannot be %j", (deployment, own) => {
    const network = networkOf(deployment);
    expect(() => network.set({ policy: own })).toThrow(withCode("network_too_wide"));
    expect(network.own).toBeNull();
  });

  test("may name a registry that the deployment's switch allows", () => {
    const network = networkOf({ type: "limited", allow_package_managers: true });
    network.set({ policy: limited("pypi.org") });
    expect(network.own).toEqual(limited("pypi.org"));
  });

  test.each(["{", "[]", '{"type":"open"}', '{"type":"limited","allowed_hosts":["*"]}'])(
    "is not told where the deployment's is %s",
    (policy) => {
      expect(() => networkOf(policy).report("ada")).toThrow(withCode("setting_invalid"));
    },
  );
});

describe("the rules of a container", () => {
  test("that sessions share have the MCP servers of all of them, and no session's policy", () => {
    add("a", { mcpServers });
    add("b", { network: limited("a.com") });
    add("c", {});
    expect(networkOf().rules(undefined, [])).toEqual({
      own: null,
      session: null,
      mcpHosts: ["mcp.example"],
      grants: [],
    });
  });

  test("of a session's own are its own", () => {
    add("a", { mcpServers });
    add("b", { network: limited("a.com") });
    expect(networkOf().rules("b", [])).toEqual({
      own: null,
      session: limited("a.com"),
      mcpHosts: [],
      grants: [],
    });
  });
});

describe("traffic counts", () => {
  const turn = (session_id: string, status = "running") => ({
    id: `${session_id}-turn`,
    session_id,
    status,
  });

  test("for the running turns of a shared container, without sessions that have their own", () => {
    add("a", {});
    add("own", { network: limited("a.com") });
    const open = [turn("a"), turn("own"), turn("queued", "queued")];
    expect(networkOf().sessionsIn(undefined, open)).toEqual([{ id: "a", turn: "a-turn" }]);
  });

  test("for the session of a container of its own, also between turns", () => {
    expect(networkOf().sessionsIn("own", [turn("own")])).toEqual([{ id: "own", turn: "own-turn" }]);
    expect(networkOf().sessionsIn("own", [])).toEqual([{ id: "own", turn: "" }]);
  });
});
