import { wireError } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { found, useDoctor } from "./support/doctor.js";
import { passOn } from "./support/loopback.js";

const { edge, look, serve } = useDoctor("doctor-deployment");

describe("the key", () => {
  test.each([
    ["a wrong one", "nope", "access", "not this deployment's"],
    ["none", "", "token", "no key is given"],
    ["one with a line break in it", "a\nb", "token", "blanks or line breaks"],
  ])("%s", async (_what, CLAUDE_EDGE_TOKEN, id, message) => {
    const { code, failed, byId } = await look(edge.stack.url, [], { CLAUDE_EDGE_TOKEN });
    expect({ code, failed }).toEqual({ code: 1, failed: [id] });
    expect(byId[id]).toMatchObject(found("fail", message, "CLAUDE_EDGE_TOKEN"));
    expect(byId.model).toMatchObject(found("skip", 'needs "access"'));
  });

  test("a key of the model's is not sent to a deployment", async () => {
    const keys: unknown[] = [];
    const url = await serve((request, response) => {
      keys.push(request.headers.authorization);
      passOn(request, response, edge.stack.url);
    });
    for (const CLAUDE_EDGE_TOKEN of ["sk-ant-api03-x", "sk-ant-oat01-x"]) {
      const { failed, byId } = await look(url, [], { CLAUDE_EDGE_TOKEN });
      expect(failed).toEqual(["token"]);
      expect(byId.token).toMatchObject(found("fail", "is not sent", "CLAUDE_EDGE_ROOT_KEY"));
    }
    expect(new Set(keys)).toEqual(new Set([undefined]));
  });
});

describe("the container", () => {
  test("sleeps: it is started only when that is asked for", async () => {
    const env = { CLAUDE_EDGE_ACCOUNT: "doctor-sleeper" };
    const asleep = await look(edge.stack.url, [], env);
    expect(asleep.byId.container).toMatchObject(found("skip", "it sleeps", "--start"));
    expect(asleep.byId.runner).toMatchObject(found("skip", 'needs "container"'));
    const awake = await look(edge.stack.url, ["--start"], env);
    expect(awake.byId.container).toMatchObject({ status: "ok" });
    const after = await look(edge.stack.url, [], env);
    expect(after.byId.runner).toMatchObject(found("ok", "runner 0.1.0"));
  });

  // The platform's own refusals cannot be had here: the answer that they lead to stands for them.
  test.each([
    ["provisioning", "wait"],
    ["no_instance", "max_instances"],
    ["rate_limited", "wait a minute"],
  ])("cannot be had: %s", async (reason, fix) => {
    const message = "It could not be started.";
    const error = wireError("container_unavailable", message, { reason });
    const url = await serve((request, response) => {
      if (!request.url!.includes("start=true")) return passOn(request, response, edge.stack.url);
      response.writeHead(503, { "content-type": "application/json" });
      response.end(JSON.stringify({ type: "error", error, request_id: "req_1" }));
    });
    const env = { CLAUDE_EDGE_ACCOUNT: "doctor-nobody" };
    const { failed, byId } = await look(url, ["--start"], env);
    expect(failed).toEqual(["container"]);
    expect(byId.container).toMatchObject(found("fail", `container_unavailable, ${reason}`, fix));
  });
});
