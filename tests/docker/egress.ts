import type { ClaudeEdge, EdgeEvent } from "@claude-edge/client";
import { expect, test } from "vitest";

import { bash, shell, shellOptions } from "./shell.js";

/** A name that the deployment's policy allows, and one that it does not; both lead to a server on this machine. */
export const OPEN = "open.test";
export const SHUT = "shut.test";

/** The host of a remote MCP server, and the token that it wants. */
export const MCP = "mcp.test";
export const MCP_TOKEN = "weather_the-token-of-the-docker-suite";

/** What containers reach, and by what. `origin`: where the server is. */
export function egressTests(edge: () => ClaudeEdge, origin: () => string): void {
  test("an allowed host is reached by HTTPS, and every program believes the certificate", async () => {
    const session = await edge().sessions.create(shellOptions);
    const at = `https://${OPEN}`;
    const seen = (...commands: string[]) =>
      shell(session.send(bash(`(${commands.join(" && ")}) 2>&1`)));
    const print = `fetch("${at}/node").then((r) => r.text()).then((text) => console.log(text))`;
    expect(await seen(`curl -sS ${at}/curl`)).toBe("GET /curl");
    expect(await seen(`node -e '${print}'`)).toBe("GET /node");
    const read = `import urllib.request as u; print(u.urlopen("${at}/python").read().decode())`;
    expect(await seen(`python3 -c '${read}'`)).toBe("GET /python");
    const clone = [`git clone -q ${at}/project.git`, "cat project/README.md"];
    expect(await seen(...clone)).toBe("Read me.");
    const npm = `npm install --silent --no-audit --registry ${at}/ greeting`;
    expect(await seen(npm, "node -e 'require(\"greeting\")'")).toBe("hello from npm");
    const pip = [
      "python3 -m venv .venv",
      `.venv/bin/pip install -qq --disable-pip-version-check -i ${at}/simple greeting`,
      ".venv/bin/python -c 'import greeting'",
    ];
    expect(await seen(...pip)).toBe("hello from pip");
  });

  test("the agent's own WebFetch reads a page", async () => {
    const input = JSON.stringify({ url: `https://${OPEN}/page`, prompt: "%say Read." });
    const fetched = edge().query(`%tool WebFetch ${input}\n%say Done.`, {
      allowedTools: ["WebFetch"],
    });
    expect(await shell(fetched)).toBe("Read.");
  });

  test("a remote MCP server is called with a token that the container does not hold", async () => {
    const headers = { Authorization: `Bearer ${MCP_TOKEN}` };
    const session = await edge().sessions.create({
      mcpServers: { weather: { type: "http", url: `https://${MCP}/mcp`, headers } },
      allowedTools: ["mcp__weather__weather", "Bash"],
    });
    const events: EdgeEvent[] = [];
    const prompt = '%tool mcp__weather__weather {"city":"Oslo"}\n%say Done.';
    for await (const event of session.send(prompt)) events.push(event);
    expect(JSON.stringify(events)).toContain("Sunny in Oslo.");
    const processes = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null";
    // In two halves: otherwise the search itself would be found.
    const halves = `${MCP_TOKEN.slice(0, 10)} ${MCP_TOKEN.slice(10)}`;
    const files = `printf %s%s ${halves} | grep -rlsFf - /workspace /home /tmp /state`;
    const found = await shell(session.send(bash(`${processes}; ${files}; echo searched`)));
    expect(found).not.toContain(MCP_TOKEN);
    expect(found.split("\n").at(-1)).toMatch(/searched$/);
    expect(found).not.toMatch(/^\/(workspace|home|tmp|state)\//m);
  });

  test("any other host is refused, and nothing passes by the gateway", async () => {
    const tries = [
      `curl -sS -m 10 https://${SHUT}/ | grep -o 'is not reachable from this container'`,
      // Past every variable.
      `env -i /usr/bin/curl -sSk -m 10 https://${SHUT}/ | grep -o 'is not reachable from this container'`,
      `curl -sS -m 5 -o /dev/null ${origin()}/ || echo closed`,
    ];
    const said = await shell(edge().query(bash(`(${tries.join("; ")}) 2>/dev/null`), shellOptions));
    expect(said).toBe(`${"is not reachable from this container\n".repeat(2)}closed`);
  });
}
