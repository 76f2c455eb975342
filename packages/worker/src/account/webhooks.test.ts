import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import type { DeliveryResource } from "@claude-edge/protocol";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { account, admit, create, tell, useDeployment } from "../../test/support/feed.js";
import type { TestDeployment } from "../../test/support/test-deployment.js";
import type { Env } from "../env.js";
import { seal } from "../secrets/sealing.js";
import { pauseMs, webhookSecret } from "./webhooks.js";

const SECRET = `whsec_${btoa("a secret of thirty-two bytes 123")}`;

interface Received {
  path: string;
  headers: IncomingMessage["headers"];
  body: { type: string; data: Record<string, string> };
}

let server: Server;
let received: Received[] = [];
let answer: (request: Received, response: ServerResponse) => void;
beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as Received["body"];
    const one = { path: request.url ?? "", headers: request.headers, body };
    received.push(one);
    answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => void server.close());

let deployment: TestDeployment;
const start = (env: Partial<Env> = {}) => {
  const { port } = server.address() as AddressInfo;
  deployment = useDeployment({
    CLAUDE_EDGE_ROOT_KEY: "k".repeat(40),
    CLAUDE_EDGE_PRIVATE_HOSTS: { "hooks.test": `http://127.0.0.1:${port}` },
    CLAUDE_EDGE_WEBHOOK_RETRY: "0s",
    ...env,
  });
};
beforeEach(() => {
  received = [];
  answer = (_request, response) => void response.end();
  start();
});

async function add(id: string, types?: "turn.completed"[]): Promise<void> {
  const secret = await seal(deployment.env, webhookSecret("ada", id), SECRET);
  const url = `https://hooks.test/${id}`;
  account().webhook("create", [{ id, url, types, secret }]);
}

const end = (session: string, turn: string) => {
  admit(turn, session);
  tell(session, { kind: "ended", turn, at: 0, status: "completed" });
};
const deliveries = (id: string) =>
  (
    account().webhook("deliveries", [id, undefined, undefined, 100, true]) as {
      deliveries: DeliveryResource[];
    }
  ).deliveries;
/** Rings the alarm until nothing waits. */
const sent = (id: string, status = "delivered") =>
  eventually(async () => {
    await account().alarm();
    expect(deliveries(id).map((of) => of.status)).toEqual(deliveries(id).map(() => status));
  });

test("an event is signed, thin, and sent by the alarm that its transaction sets", async () => {
  await add("wh_a");
  create("s");
  expect(await deployment.alarmOf("ada")).not.toBe(null);
  end("s", "t");
  await Promise.resolve();
  expect(await deployment.alarmOf("ada")).toBeLessThan(Date.now() + 1_000);
  expect(received).toEqual([]);
  await sent("wh_a");
  const [{ headers, body, path }] = received as [Received];
  expect([path, body]).toEqual([
    "/wh_a",
    {
      type: "turn.completed",
      timestamp: expect.stringMatching(/Z$/),
      data: { account_id: "ada", session_id: "s", turn_id: "t" },
    },
  ]);
  expect(headers["webhook-id"]).toMatch(/^msg_/);
  expect(headers["webhook-signature"]).toMatch(/^v1,/);
});

test("events go to those that want them, and those of a session in order, also over failures", async () => {
  await add("wh_all");
  await add("wh_some", ["turn.completed"]);
  let failures = 5;
  answer = (_request, response) => {
    response.statusCode = (failures -= 1) >= 0 ? 500 : 204;
    response.end();
  };
  create("s");
  tell("s", { kind: "denied", turn: "" });
  for (const turn of ["1", "2", "3"]) end("s", turn);
  await sent("wh_all");
  await sent("wh_some");
  const of = (path: string) =>
    received.filter((one) => one.path === path).map(({ body }) => body.data.turn_id ?? body.type);
  // One that failed came again before the next.
  const distinct = (list: string[]) => list.filter((item, index) => item !== list[index - 1]);
  expect(distinct(of("/wh_all"))).toEqual(["network.denied", "1", "2", "3"]);
  expect(distinct(of("/wh_some"))).toEqual(["1", "2", "3"]);
});

test("what was being sent when the object was reset is sent again, under the same id", async () => {
  await add("wh_a");
  let isFirst = true;
  answer = (_request, response) => {
    if (!isFirst) response.end();
    isFirst = false;
  };
  create("s");
  end("s", "t");
  await account().alarm();
  await eventually(() => expect(received).toHaveLength(1));
  deployment.restart("ada");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
  try {
    await sent("wh_a");
  } finally {
    vi.useRealTimers();
  }
  expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  expect(received).toHaveLength(2);
});

test("after three days a delivery is dead and listed, and can be sent again", async () => {
  await add("wh_a");
  let status = 500;
  answer = (_request, response) => {
    response.statusCode = status;
    response.end();
  };
  create("s");
  end("s", "t");
  await account().alarm();
  await eventually(() => expect(deliveries("wh_a")[0]).toMatchObject({ last_status: 500 }));
  expect(deliveries("wh_a")[0]).toMatchObject({
    status: "pending",
    last_error: "It answered 500.",
  });
  // Other events arrived meanwhile, so that it is not off.
  deployment.rows("ada", "UPDATE webhook_health SET failing_since = NULL, off = 0");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3 * 24 * 3_600_000 });
  try {
    await sent("wh_a", "dead");
  } finally {
    vi.useRealTimers();
  }
  status = 200;
  expect(account().webhook("resend", ["wh_a", undefined, false])).toEqual({ resent: 1 });
  await sent("wh_a");
});

test("an address that fails for a day is off and says so; switched on it gets what waited", async () => {
  await add("wh_a");
  let status = 500;
  answer = (_request, response) => {
    response.statusCode = status;
    response.end();
  };
  create("s");
  end("s", "1");
  await account().alarm();
  await eventually(() => expect(deliveries("wh_a")[0]).toMatchObject({ last_status: 500 }));
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 25 * 3_600_000 });
  try {
    await sent("wh_a", "paused");
    expect(account().webhook("get", ["wh_a", false])).toMatchObject({
      enabled: false,
      disabled_reason: expect.stringContaining("It answered 500."),
    });
    end("s", "2");
    expect(deliveries("wh_a")).toHaveLength(1);
    status = 200;
    account().webhook("update", ["wh_a", { enabled: true }, false]);
    await sent("wh_a");
  } finally {
    vi.useRealTimers();
  }
  expect(account().webhook("get", ["wh_a", false])).toMatchObject({ enabled: true });
});

test("410 switches an address off at once; a redirect is a failure and is not followed", async () => {
  await add("wh_gone");
  await add("wh_moved");
  answer = ({ path }, response) => {
    response.statusCode = path === "/wh_gone" ? 410 : 302;
    response.setHeader("location", "/elsewhere");
    response.end();
  };
  create("s");
  end("s", "1");
  await sent("wh_gone", "paused");
  await eventually(() => expect(deliveries("wh_moved")[0]).toMatchObject({ last_status: 302 }));
  expect(received.some(({ path }) => path === "/elsewhere")).toBe(false);
});

test("a rotated webhook signs with both secrets", async () => {
  await add("wh_a");
  const next = `whsec_${btoa("another one of thirty-two bytes 4")}`;
  const sealed = await seal(deployment.env, webhookSecret("ada", "wh_a"), next);
  account().webhook("rotate", ["wh_a", sealed]);
  expect(await account().webhook("test", ["wh_a", false])).toMatchObject({ status: "delivered" });
  const { headers } = received.find(({ body }) => body.type === "webhook.test")!;
  expect(String(headers["webhook-signature"]).split(" ")).toHaveLength(2);
});

test("the deployment's webhooks get the events of an account, and only the operator sees them", async () => {
  start({
    CLAUDE_EDGE_WEBHOOKS: [
      { name: "ops", url: "https://hooks.test/ops", types: ["turn.completed"] },
    ],
    CLAUDE_EDGE_WEBHOOK_SECRET: SECRET,
  });
  create("s");
  end("s", "1");
  await sent("deployment-ops");
  expect(received[0]!.body.data).toMatchObject({ account_id: "ada", turn_id: "1" });
  expect(account().webhook("list", [true])).toMatchObject({ webhooks: [{ scope: "deployment" }] });
  expect(account().webhook("list", [false])).toEqual({ webhooks: [] });
  expect(() => account().webhook("get", ["deployment-ops", false])).toThrow("no webhook");
  expect(() => account().webhook("update", ["deployment-ops", { url: "x" }, true])).toThrow(
    "CLAUDE_EDGE_WEBHOOKS",
  );
});

test("pauses double up to an hour, half of them by chance", () => {
  expect([1, 2, 3].map((attempts) => pauseMs(5_000, attempts, 1))).toEqual([5_000, 10_000, 20_000]);
  expect(pauseMs(5_000, 1, 0)).toBe(2_500);
  expect(pauseMs(5_000, 60, 1)).toBe(3_600_000);
});
