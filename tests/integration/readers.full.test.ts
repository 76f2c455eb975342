import { connect } from "node:net";

import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";

const edge = useStack();
const ACCOUNT = "readers-full";

test("readers get a comment when there is nothing else, so that nothing in between takes them for dead", async () => {
  const session = await edge.client(ACCOUNT).sessions.create();
  const response = await edge.fetch(`/v1/sessions/${session.id}/events`, {
    account: ACCOUNT,
    headers: { accept: "text/event-stream" },
  });
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  expect(new TextDecoder().decode(value)).toBe(":\n\n");
  await reader.cancel();
});

test("readers who do not read do not slow the turn", async () => {
  const session = await edge
    .client(ACCOUNT)
    .sessions.create({ permissionMode: "bypassPermissions" });
  const { hostname, port } = new URL(edge.stack.url);
  // Ten that ask and never read: what they are owed stays where it is, and is there for who does read.
  const sockets = Array.from({ length: 10 }, () => {
    const socket = connect(Number(port), hostname);
    socket.write(
      [
        `GET /v1/sessions/${session.id}/events HTTP/1.1`,
        `host: ${hostname}`,
        `authorization: Bearer ${edge.stack.token}`,
        `x-account-id: ${ACCOUNT}`,
        "accept: text/event-stream",
        "\r\n",
      ].join("\r\n"),
    );
    return socket;
  });
  const begun = sockets.map(
    (socket) =>
      new Promise<void>((resolve) => {
        socket.once("data", () => {
          socket.pause();
          resolve();
        });
      }),
  );
  await Promise.all(begun);
  const { text } = await session.send("%bytes 5000000");
  expect(text.length).toBeGreaterThan(4_900_000);
  for (const socket of sockets) socket.destroy();
  expect((await session.send("%say On.")).text).toBe("On.");
});
