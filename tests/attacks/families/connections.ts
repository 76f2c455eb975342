import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { holds, type Family } from "../attack.ts";
import { openShell } from "../container-shell.ts";
import type { World } from "../world.ts";

const CONNECTIONS = 10_000;

/** Alice's queries beside it are answered within this time, milliseconds. */
const ALICE_MS = 15_000;

/** Connections of the stack that may be left when the container has closed its own: kept ones to the Worker. */
const LEFT = 200;
const CLOSING_MS = 20_000;

/** A program that tries to have that many tunnels at once, and says how many it had. */
const PROGRAM = `
const { connect } = require("node:net");
const { hostname, port } = new URL(process.env.HTTP_PROXY);
let open = 0, refused = 0;
const sockets = [];
const dial = () => new Promise((done) => {
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.on("connect", () => socket.write("CONNECT open.test:80 HTTP/1.1\\r\\nHost: open.test:80\\r\\n\\r\\n"));
  socket.once("data", () => { open += 1; done(); });
  socket.on("error", () => {});
  socket.once("close", () => { refused += 1; done(); });
});
(async () => {
  for (let at = 0; at < ${CONNECTIONS}; at += 200) await Promise.race([
    Promise.all(Array.from({ length: 200 }, dial)),
    new Promise((done) => setTimeout(done, 1000)),
  ]);
  console.log("tunnels=" + open + " refused=" + refused);
  process.exit(0);
})();`;

/** A container that opens more connections than anybody needs, and the tenants beside it. */
export async function connections({ alice, mallory, ask }: World): Promise<Family> {
  await ask("/v1/network", {
    method: "PUT",
    key: mallory.token,
    json: { policy: { type: "limited", allowed_hosts: ["open.test"] } },
  });
  const shell = await openShell(mallory);
  const before = descriptors();
  let isOver = false;
  const beside = async () => {
    // oxlint-disable-next-line no-unmodified-loop-condition -- modified below, while this waits
    for (let round = 0; !isOver || round === 0; round += 1) {
      const began = Date.now();
      const { status } = await ask("/v1/query", { key: alice.token, json: { prompt: "%say ok" } });
      const ms = Date.now() - began;
      if (status !== 200 || ms > ALICE_MS) return `${status} after ${ms} ms`;
    }
    return undefined;
  };
  let flooded: Promise<[printed: string, besideIt: string | undefined]> | undefined;
  const over = () => {
    const program = Buffer.from(PROGRAM).toString("base64");
    const run = shell
      .run(`node -e "$(echo ${program} | base64 -d)"`)
      .finally(() => (isOver = true));
    return (flooded ??= Promise.all([run, beside()]));
  };

  return {
    controls: [
      holds("the program ran", async () => {
        const [printed] = await over();
        return /tunnels=[1-9]/.test(printed) ? undefined : printed.slice(0, 200);
      }),
    ],
    attacks: [
      {
        ...holds("Alice beside it", async () => (await over())[1]),
        times: CONNECTIONS,
      },
      holds("the container's own way out, after it", async () => {
        await over();
        const printed = await shell.run(
          "curl -s -o /dev/null -w 'status=%{http_code}' http://open.test/",
        );
        return printed.includes("status=200") ? undefined : printed.slice(0, 200);
      }),
      holds("connections that are left", async () => {
        await over();
        const deadline = Date.now() + CLOSING_MS;
        while (descriptors() > before + LEFT && Date.now() < deadline) await sleep(100);
        const left = descriptors() - before;
        return left <= LEFT ? undefined : `${left} more than before`;
      }),
    ],
  };
}

/** Descriptors of this process, in which the proxies of the local stack run. */
const descriptors = () => (process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0);
