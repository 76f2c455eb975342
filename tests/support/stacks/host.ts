/**
 * Runs the stacks that test files share, in a process of its own, and answers for them on loopback. Prints its address
 * once it listens; ends, and all stacks with it, when its standard input closes.
 *
 *   GET    /{configuration}                         address, root key and model; starts the stack the first time
 *   GET    /{configuration}/requests?text=…         what the model was asked, if a body or a header holds the text
 *   GET    /{configuration}/containers/{session}    the container that has the session's workspace
 *   DELETE /{configuration}/containers/{session}    ends that container at once
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import {
  CONFIGURATIONS,
  startConfiguration,
  type Configuration,
  type ConfigurationName,
  type SharedStack,
} from "./configurations.ts";
import { containersOf } from "../disks.ts";

const stacks = new Map<ConfigurationName, Promise<SharedStack>>();
/** One starts after the other: a start reads the environment. */
let starting: Promise<unknown> = Promise.resolve();

function stackOf(name: ConfigurationName): Promise<SharedStack> {
  let stack = stacks.get(name);
  if (!stack) {
    const configuration: Configuration = CONFIGURATIONS[name];
    stack = starting.then(() => startConfiguration(configuration));
    starting = stack.catch(() => {});
    stacks.set(name, stack);
  }
  return stack;
}

async function answer(method: string, url: URL): Promise<unknown> {
  const [, name = "", part, session = ""] = url.pathname.split("/");
  if (!(name in CONFIGURATIONS)) throw new Error(`no configuration ${name}`);
  const shared = await stackOf(name as ConfigurationName);
  if (part === "requests") {
    const text = url.searchParams.get("text") ?? "";
    return shared.model.asked(text);
  }
  if (part === "containers") {
    const [container] = containersOf(shared.stack, shared.disks, session);
    if (method === "DELETE" && container) await shared.stack.killContainer(container.name);
    return container ?? null;
  }
  const { stack, model } = shared;
  return { url: stack.url, token: stack.token, model: { url: model.url, key: model.key } };
}

const server = createServer((request, response) => {
  answer(request.method!, new URL(request.url!, "http://host")).then(
    (body) => response.end(JSON.stringify(body)),
    (error: unknown) => response.writeHead(500).end(String((error as Error).stack ?? error)),
  );
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

process.stdin.resume().once("end", async () => {
  server.closeAllConnections();
  server.close();
  const started = await Promise.allSettled(stacks.values());
  await Promise.all(
    started.map((result) => (result.status === "fulfilled" ? result.value.stop() : undefined)),
  );
  process.exit(0);
});
