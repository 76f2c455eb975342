import { text } from "node:stream/consumers";

import { Unavailable, type Job, type Line, type Runtime } from "../runtime.ts";
import { bundle } from "../support/bundle.ts";
import { end, ended, output, start, versionOf } from "../support/programs.ts";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-breakpad",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export const CHROMIUM: Runtime = {
  name: "Chromium",
  async find(folder) {
    const version = await versionOf("chromium", folder).catch(() => install(folder));
    return { version, run };
  },
};

/** Installs Debian's package, where that may be done; gives its version. @throws Unavailable */
async function install(folder: string): Promise<string> {
  if (process.getuid?.() !== 0) {
    throw new Unavailable("chromium is not there, and only root may install it");
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await output("apt-get", ["update", "-qq"], env);
    await output("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], env);
    return await versionOf("chromium", folder);
  } catch (cause) {
    const [reason] = (cause as Error).message.split("\n");
    throw new Unavailable(`chromium is not there, and apt-get does not give it: ${reason}`, {
      cause,
    });
  }
}

/** The page and the API share an origin, for deployments answer no others. */
async function run({ given, folder, proxy, signal, onLine }: Job): Promise<void> {
  const script = await bundle("page");
  const forPage = { ...given, baseURL: proxy.url };
  proxy.serve("/", (_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(page(JSON.stringify(forPage)));
  });
  proxy.serve("/page.js", (_request, response) => {
    response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(script);
  });
  const allEnded = new Promise<void>((resolve) => {
    proxy.serve("/results", async (request, response) => {
      const line = JSON.parse(await text(request)) as Line;
      response.writeHead(204).end();
      onLine(line);
      if ("ended" in line) resolve();
    });
  });
  const args = [...FLAGS, `--user-data-dir=${folder}/profile`, `${proxy.url}/`];
  const chromium = start("chromium", args, {
    folder,
    signal,
    stdio: ["ignore", "ignore", "ignore"],
  });
  try {
    const how = await Promise.race([allEnded, ended(chromium)]);
    if (how !== undefined) throw new Error(`it ended with ${how}`);
  } finally {
    await end(chromium);
  }
}

const page = (given: string) => `<!doctype html>
<title>The client's suite</title>
<script type="application/json" id="given">${given.replaceAll("<", "\\u003c")}</script>
<script type="module" src="/page.js"></script>
`;
