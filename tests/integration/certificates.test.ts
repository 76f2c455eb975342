/** HTTPS out of a container: it is ended before the gateway, and the programs of the image believe its certificates. */
import type { Session } from "@claude-edge/client";
import { afterAll, beforeAll, expect, test } from "vitest";

import { BIG, startOrigin } from "../support/origin.js";
import { useOwnStack } from "../support/stack.js";
import { createSession, resultsOf, seenByAgent } from "../support/workspace.js";

const origin = await startOrigin("open.test");
afterAll(() => origin.close());

const edge = useOwnStack({
  vars: {
    CLAUDE_EDGE_NETWORK: JSON.stringify({
      type: "limited",
      allowed_hosts: ["open.test", "open.test:9443"],
    }),
    CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify({ "open.test": origin.url, "shut.test": origin.url }),
  },
});
let session: Session;
beforeAll(async () => {
  session = await createSession(edge, "ada");
});

const node = (script: string) => `node --input-type=module -e '${script}' 2>&1`;
const python = (script: string) => `python3 -c '${script}' 2>&1`;

test.each([
  ["curl", "curl -sS -m 20 https://open.test/a?b"],
  ["node's fetch", node(`console.log(await (await fetch("https://open.test/a?b")).text())`)],
  [
    "python3",
    python(`import urllib.request as u; print(u.urlopen("https://open.test/a?b").read().decode())`),
  ],
])("%s believes the certificate and reaches an allowed host", async (_program, command) => {
  expect(await seenByAgent(session, command)).toBe("GET /a?b");
});

test("git clones and pushes", async () => {
  const commands = [
    "git clone -q https://open.test/project.git && cat project/README.md && cd project",
    "echo more > more.txt && git add . && git -c user.name=A -c user.email=a@test commit -qm More",
    "git push -q origin main && git ls-remote -q origin main | cut -f 2",
  ];
  expect(await seenByAgent(session, `${commands.join(" && ")} 2>&1`)).toBe(
    "Read me.\nrefs/heads/main",
  );
});

test("npm and pip install from registries", async () => {
  const npm =
    "npm install --silent --registry https://open.test/ greeting && node -e 'require(\"greeting\")'";
  expect(await seenByAgent(session, `${npm} 2>&1`)).toBe("hello from npm");
  const pip = [
    "python3 -m pip install -qq --disable-pip-version-check --target lib -i https://open.test/simple greeting",
    "PYTHONPATH=lib python3 -c 'import greeting'",
  ];
  expect(await seenByAgent(session, `${pip.join(" && ")} 2>&1`)).toBe("hello from pip");
});

test("a host that is not allowed is refused in so many words", async () => {
  const said = await seenByAgent(
    session,
    "curl -sS -m 20 -w ' %{http_code}' https://shut.test/ 2>&1",
  );
  expect(said).toContain("shut.test is not reachable from this container");
  expect(said).toMatch(/ 403$/);
});

test("a port that the policy names is reached", async () => {
  expect(await seenByAgent(session, "curl -sS -m 20 https://open.test:9443/a")).toBe("GET /a");
});

test.each(["https://open.test:8443/", "https://127.0.0.1/", "https://[::1]/"])(
  "%s is out of reach",
  async (url) => {
    const said = await seenByAgent(session, `curl -gsS -m 20 --noproxy '' '${url}' 2>&1`);
    expect(said).toContain("403");
  },
);

test("without the bundle nothing of it is believed", async () => {
  const command = "env -u SSL_CERT_FILE -u CURL_CA_BUNDLE curl -sS -m 20 https://open.test/ 2>&1";
  expect(await seenByAgent(session, command)).toContain("certificate");
});

test("large bodies, streams of events and WebSockets pass", async () => {
  const script = `
    const big = await fetch("https://open.test/big");
    console.log((await big.arrayBuffer()).byteLength);
    const body = new Blob([new Uint8Array(${BIG})]).stream();
    const echo = await fetch("https://open.test/echo", { method: "POST", body, duplex: "half" });
    console.log((await echo.arrayBuffer()).byteLength);
    const events = (await fetch("https://open.test/events")).body.pipeThrough(new TextDecoderStream());
    for await (const text of events) {
      console.log(text.trim());
      if (text.includes("first")) await fetch("https://open.test/release");
    }
    const socket = new WebSocket("wss://open.test/socket");
    socket.onmessage = ({ data }) => { console.log(data); process.exit(); };
    socket.onerror = ({ message, error }) => { console.log("failed", message, error); process.exit(); };`;
  expect(await seenByAgent(session, node(script))).toBe(
    `${BIG}\n${BIG}\ndata: first\ndata: last\nhello`,
  );
});

test("the agent's WebFetch reads a page", async () => {
  const input = { url: "https://open.test/page", prompt: "%say Read." };
  expect(await resultsOf(session, `%tool WebFetch ${JSON.stringify(input)}\n%say Done.`)).toBe(
    "Read.",
  );
  expect(await edge.asked("GET /page")).toHaveLength(1);
});
