/** A project that `init` wrote, its image built, in real containers under `wrangler dev`. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ClaudeEdge } from "@claude-edge/client";
import { startScriptedModel, type ScriptedModel } from "@claude-edge/local";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  CLI,
  completeLock,
  must,
  run,
  serve,
  userEnvironment,
  type Service,
} from "../support/scaffold.js";
import { until } from "../support/wait.js";
import { agents, builder, docker, dockerEnvironment, hasDocker } from "./docker.js";
import { egressTests } from "./egress.js";
import { startHosts, type Hosts } from "./hosts.js";
import { repositoryTests } from "./repositories.js";
import { bash, shell, shellOptions } from "./shell.js";

if (!hasDocker) {
  process.stderr.write("No Docker engine answers here: real containers are not tested.\n");
}

const ROOT_KEY = "ce_root_this-is-the-key-of-the-deployment";
const NAME = "docker-suite";
const PORT = 18_787;

const temp = mkdtempSync(join(tmpdir(), "docker-suite-"));
const project = join(temp, NAME);
const env = userEnvironment(join(temp, "home"), dockerEnvironment());
/** The scripted model of `dev`, whatever key the project has. */
const DEV = [CLI, "dev", "--docker", "--scripted", "--port", "0"];

/** A container sleeps after 30 s, and one whose files could not be stored, or whose alarm failed, a minute later. */
const ASLEEP_MS = 240_000;

let model: ScriptedModel;
let hosts: Hosts;
let worker: Service;
const edge = (account = "ada") =>
  new ClaudeEdge({ baseURL: `http://127.0.0.1:${PORT}`, token: ROOT_KEY, account });

/** Prints the health of a container's runner. */
const HEALTH =
  "fetch('http://127.0.0.1:8080/health').then((r) => r.text()).then((text) => console.log(text))";

const inContainer = (id: string, ...command: string[]) =>
  docker("exec", "-u", "root", id, ...command);
/** The agent's image, as compose.yaml names it. */
const composeImage = () =>
  /image: (\S+)/.exec(readFileSync(join(project, "compose.yaml"), "utf8"))![1]!;
const running = () => agents("containerdo");

beforeAll(async () => {
  if (!hasDocker) return;
  mkdirSync(env.HOME);
  model = await startScriptedModel({});
  hosts = await startHosts();
  await must(process.execPath, [CLI, "init", NAME, "--yes", "--sleep-after", "30s"], {
    cwd: temp,
    env,
  });
  await must("npm", ["install", "--no-audit", "--no-fund"], { cwd: project, env });
  completeLock(project);
  writeFileSync(
    join(project, ".dev.vars"),
    `CLAUDE_EDGE_ROOT_KEY=${ROOT_KEY}\nANTHROPIC_API_KEY=${model.key}\n`,
  );
  const args = [
    "dev",
    "--ip",
    "127.0.0.1",
    "--port",
    String(PORT),
    "--show-interactive-dev-session=false",
    ...hosts.vars({ ANTHROPIC_BASE_URL: model.url }),
  ];
  worker = serve(join(project, "node_modules", ".bin", "wrangler"), args, { cwd: project, env });
  const answers = () =>
    fetch(`http://127.0.0.1:${PORT}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  const hasEnded = worker.ended.then(() => {
    throw new Error(`wrangler dev ended:\n${worker.said().stdout}\n${worker.said().stderr}`);
  });
  await Promise.race([until("wrangler dev answers", answers, 400_000), hasEnded]);
});

afterAll(async () => {
  await worker?.stop();
  await model?.close();
  hosts?.close();
  rmSync(temp, { recursive: true, force: true });
});

describe.skipIf(!hasDocker)("a scaffold in real containers", () => {
  test("the first query of an account starts its container; the key is put in outside of it", async () => {
    expect(running()).toEqual([]);
    const { text } = await edge().query("%say From a container.");
    expect(text).toBe("From a container.");
    expect(running()).toHaveLength(1);
    expect(model.requests.at(-1)!.headers["x-api-key"]).toBe(model.key);
  });

  test("what .claude holds is known to the agent", async () => {
    await edge().query("%say Yes.");
    const asked = JSON.stringify(model.requests.at(-1)!.body);
    expect(asked).toContain("What the agent always knows");
    expect(asked).toContain("release-notes");
  });

  test("tools run as a plain user, who cannot change what runs", async () => {
    const session = await edge().sessions.create(shellOptions);
    const whole = await shell(
      session.send(
        bash(
          "id -un; id -u; pwd; cat /proc/1/comm; touch /app/x 2>&1; python3 --version; git --version; rg --version",
        ),
      ),
    );
    expect(whole).toMatch(/^node\n1000\n\/workspace\/[0-9a-f-]{36}\ntini\n/);
    expect(whole).toContain("Permission denied");
    expect(whole).toContain("Python 3");
    expect(whole).toContain("git version");
    expect(whole).toContain("ripgrep");
  });

  test("neither key is in a file, an environment or a command line of the container", async () => {
    await edge().query("%say Leave-something-behind.");
    const [id] = running();
    const files = (where: string, ...texts: string[]) => {
      const patterns = texts.map((text) => `-e ${text}`).join(" ");
      const find = `find ${where} -xdev -type f -print0 | xargs -0 grep -lF ${patterns}; true`;
      return inContainer(id!, "sh", "-c", find);
    };
    // Searched out here: in there the search itself would be found.
    const processes = inContainer(
      id!,
      "sh",
      "-c",
      "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'",
    );
    expect(files("/home", "Leave-something-behind")).toContain("/home/node/");
    expect(processes).toContain("ANTHROPIC_API_KEY=placeholder");
    expect(files("/ /dev/shm", model.key, ROOT_KEY)).toBe("");
    for (const key of [model.key, ROOT_KEY]) expect(processes).not.toContain(key);
    const { Env } = JSON.parse(docker("inspect", id!, "--format", "{{json .Config}}")) as {
      Env: string[];
    };
    expect(Env.join("\n")).not.toContain(model.key);
  });

  test("of the gateway a container has the model API alone, and what it asks there is counted", async () => {
    const base = "http://model.claude-edge.internal";
    const targets = [
      `${base}/v1/models`,
      `${base}/v1/files`,
      `${base}/v1/messages/../files`,
      "http://account.claude-edge.internal/v1/models",
    ];
    const script = `Promise.all(${JSON.stringify(targets)}.map((url) =>
      fetch(url, { signal: AbortSignal.timeout(5000) }).then(({ status }) => status, () => 0)
    )).then((all) => console.log(JSON.stringify(all))).finally(() => process.exit())`;
    const walled = edge("walled");
    expect((await walled.limits()).used.tokens_today).toBe(0);
    const said = await shell(walled.query(bash(`node -e '${script}'`), shellOptions));
    expect(JSON.parse(said)).toEqual([200, 404, 404, 403]);
    const counted = async () => (await walled.limits()).used.tokens_today;
    const { total } = await walled.usage();
    await until(
      "its two model calls are counted",
      async () => (await counted()) === total.input_tokens + total.output_tokens,
    );
  });

  describe("what a container reaches", () => {
    egressTests(edge, () => hosts.origin);
  });

  describe("a private repository", () => {
    repositoryTests(edge, () => hosts.repositories);
  });

  test("the image says that it is healthy, and no CMD can change what it runs", async () => {
    await edge().query("%say Awake.");
    const [id] = running();
    const { Cmd, User, Healthcheck } = JSON.parse(
      docker("inspect", id!, "--format", "{{json .Config}}"),
    );
    expect({ Cmd, User }).toEqual({ Cmd: null, User: "node" });
    expect(docker("exec", id!, ...(Healthcheck.Test as string[]).slice(1))).toBe("");
  });

  test("a session goes on when its container was killed", async () => {
    const session = await edge().sessions.create();
    await session.send("%say My name is Ada.");
    const [before] = running();
    docker("kill", before!);
    const { text } = await session.send("%say Still here.");
    expect(text).toBe("Still here.");
    expect(JSON.stringify(model.requests.at(-1)!.body)).toContain("My name is Ada.");
    expect(running()).not.toContain(before);
  });

  test("the files of a session outlive its container, by whatever it ends", async () => {
    const session = await edge().sessions.create(shellOptions);
    await session.files.put("in.txt", "from outside");
    const first = bash(
      "cat in.txt && mkdir -p out node_modules && echo kept > out/a.txt && chmod 750 out && touch node_modules/x",
    );
    expect(await shell(session.send(first))).toBe("from outside");
    docker("kill", running()[0]!);
    expect(await (await session.files.get("out/a.txt")).text()).toBe("kept\n");
    // What a process that was left behind writes after the turn is stored before the container sleeps.
    const second = bash(
      "cat out/a.txt; stat -c %a out; ls -A; (setsid sh -c 'sleep 2; echo late > late.txt' >/dev/null 2>&1 &)",
    );
    expect(await shell(session.send(second))).toBe("kept\n750\nin.txt\nout");
    await until("all containers are gone", () => running().length === 0, ASLEEP_MS);
    expect(await (await session.files.get("late.txt")).text()).toBe("late\n");
    expect(await shell(session.send(bash("cat late.txt")))).toBe("late");
  });

  test("killed in mid-turn: the turn says so, and the session goes on", async () => {
    const session = await edge().sessions.create({ onContainerLost: "fail" });
    const turn = session.send("%say Begun.\n%wait 60000\n%say Never.");
    const failure = turn.result().then(
      () => undefined,
      (error: { code?: string }) => error.code,
    );
    await until("the model is asked", () =>
      JSON.stringify(model.requests.at(-1)?.body).includes("Begun"),
    );
    docker("kill", running()[0]!);
    expect(await failure).toBe("container_lost");
    expect((await session.send("%say Back.")).text).toBe("Back.");
  });

  test("stopped in mid-turn: the turn ends first, and another container takes the next one", async () => {
    const before = running();
    const own = () => running().filter((id) => !before.includes(id));
    const drained = edge("drained");
    await drained.updateLimits({ maxConcurrentTurns: 2 });
    const session = await drained.sessions.create();
    const turn = session.send("%say Unfinished.\n%wait 15000\n%say Whole.");
    const outcome = turn.result();
    await until("the model is asked", () =>
      JSON.stringify(model.requests.at(-1)?.body ?? "").includes("Unfinished"),
    );
    const [stopped] = own();
    const stop = run("docker", ["stop", "--time", "60", stopped!], { cwd: temp, env });
    await until("the container drains", () =>
      inContainer(stopped!, "node", "-e", HEALTH).includes('"draining":true'),
    );
    expect((await drained.query("%say Elsewhere.")).text).toBe("Elsewhere.");
    expect(own().some((id) => id !== stopped)).toBe(true);
    expect((await outcome).text).toContain("Whole.");
    expect((await stop).code).toBe(0);
    expect((await session.send("%say Next.")).text).toBe("Next.");
    expect(running()).not.toContain(stopped);
  });

  test("accounts have containers of their own", async () => {
    const secret = `written-by-ada-${Date.now()}`;
    const write = bash(`echo ${secret} > /tmp/note; hostname`);
    const [host] = (await shell(edge("ada").query(write, shellOptions))).split("\n");
    const seen = await shell(
      edge("bob").query(bash("hostname; cat /tmp/note; ls /workspace | wc -l"), shellOptions),
    );
    expect(host).toMatch(/^[0-9a-f]{12}$/);
    expect(seen).not.toContain(host);
    expect(seen).not.toContain(secret);
    expect(seen).toContain("No such file");
  });

  test("an idle container sleeps, in order, and wakes where it was", async () => {
    const session = await edge().sessions.create();
    await session.send("%say Good night.");
    await until("all containers are gone", () => running().length === 0, ASLEEP_MS);
    expect((await session.send("%say Good morning.")).text).toBe("Good morning.");
    expect(JSON.stringify(model.requests.at(-1)!.body)).toContain("Good night.");
  });

  test("told to stop, it stops by itself: tini passes the signal on", async () => {
    await edge().query("%say Awake.");
    const [id] = running();
    docker("stop", "--time", "20", id!);
    const { ExitCode } = JSON.parse(docker("inspect", id!, "--format", "{{json .State}}")) as {
      ExitCode: number;
    };
    // 137 would be the kill that comes after the time.
    expect(ExitCode).toBe(0);
  });

  test("nothing is left when wrangler dev ends", async () => {
    await edge().query("%say Awake.");
    expect(running()).not.toEqual([]);
    await worker.stop();
    await until("no container", () => running().length === 0, 30_000);
  });
});

describe.skipIf(!hasDocker)("claude-edge dev --docker", () => {
  const dev = () => serve(process.execPath, DEV, { cwd: project, env });
  const query = (prompt: string) =>
    run(process.execPath, [CLI, "query", prompt], { cwd: project, env });

  test("runs them, under the other scheduling policy too", async () => {
    const flags = ["--yes", "--scheduling", "durable_object", "--force"];
    await must(process.execPath, [CLI, "init", NAME, ...flags], { cwd: temp, env });
    const stack = dev();
    await until("dev is up", () => stack.said().stdout.endsWith("\n"), 200_000).catch(
      (cause: unknown) => {
        throw new Error(stack.said().stderr, { cause });
      },
    );
    expect(await query("%say Docker.")).toMatchObject({ code: 0, stdout: "Docker.\n" });
    expect(running()).toHaveLength(1);
    // compose.yaml names the image as wrangler does.
    expect(docker("image", "inspect", composeImage(), "--format", "{{.Os}}")).toBe("linux");
    expect(await stack.stop()).toBe(0);
    await until("no container", () => running().length === 0, 30_000);
  });

  test("starts them from the platform's snapshots: what checkpoints leave out is there after sleep", async () => {
    const config = join(project, "wrangler.jsonc");
    const written = readFileSync(config, "utf8");
    const vars = '"CLAUDE_EDGE_SNAPSHOTS": "true", "CLAUDE_EDGE_SLEEP_AFTER": "5s",';
    const changed = written
      .replace(/"CLAUDE_EDGE_SLEEP_AFTER": "[^"]*",/, "")
      .replace('"vars": {', `"vars": { ${vars}`);
    writeFileSync(config, changed);
    const stack = dev();
    try {
      await until("dev is up", () => stack.said().stdout.endsWith("\n"), 200_000);
      const [url = ""] = /http:\/\/\S+/.exec(stack.said().stdout) ?? [];
      const client = new ClaudeEdge({ baseURL: url, token: ROOT_KEY, account: "snapped" });
      const session = await client.sessions.create(shellOptions);
      const write = "mkdir node_modules && echo installed > node_modules/x && echo 1 > a.txt";
      await shell(session.send(bash(write)));
      const before = docker("ps", "--quiet").split("\n").length;
      await until(
        "its container sleeps",
        () => docker("ps", "--quiet").split("\n").filter(Boolean).length < before,
        100_000,
      );
      await session.files.put("a.txt", "2\n");
      const seen = await shell(session.send(bash("cat node_modules/x a.txt")));
      expect(seen).toBe("installed\n2");
    } finally {
      await stack.stop();
      writeFileSync(config, written);
    }
  });

  test("says what is wrong with a Dockerfile, and ends", async () => {
    appendFileSync(join(project, "Dockerfile"), "\nRUN false\n");
    const { code, stderr } = await run(process.execPath, DEV, {
      cwd: project,
      env,
    });
    expect(code).toBe(1);
    expect(stderr).toContain("docker build of");
    expect(stderr).toContain("fix: ");
  });

  test("without an engine it names the way without", async () => {
    const nowhere = { ...env, DOCKER_HOST: `unix://${join(temp, "none.sock")}` };
    const { code, stderr } = await run(process.execPath, DEV, {
      cwd: project,
      env: nowhere,
    });
    expect(code).toBe(1);
    expect(stderr).toContain("No Docker engine answers");
  });
});

describe.skipIf(!hasDocker)("compose.yaml", () => {
  const server = `${NAME}-server`;
  const at = { baseURL: `http://127.0.0.1:${PORT + 1}`, token: ROOT_KEY };

  test("the same API on a server of one's own: its services built, started, stopped, started", async () => {
    // Compose is not everywhere Docker is: these are its steps.
    const flags = ["--yes", "--force"];
    await must(process.execPath, [CLI, "init", NAME, ...flags], { cwd: temp, env });
    await must("npm", ["install", "--no-audit", "--no-fund"], { cwd: project, env });
    completeLock(project);
    const image = composeImage();
    await must(builder(), ["build", "-t", image, "."], { cwd: project, env });
    await must(builder(), ["build", "-f", "Dockerfile.server", "-t", server, "."], {
      cwd: project,
      env,
    });
    writeFileSync(
      join(temp, "server.env"),
      `CLAUDE_EDGE_ROOT_KEY=${ROOT_KEY}\nANTHROPIC_API_KEY=${model.key}\nANTHROPIC_BASE_URL=${model.url}\n`,
    );
    const sidecar = process.env.MINIFLARE_CONTAINER_EGRESS_IMAGE;
    const options = [
      ["--detach", "--init", "--name", server, "--network", "host"],
      ["--env-file", join(temp, "server.env"), "--env", `PORT=${PORT + 1}`],
      sidecar ? ["--env", `MINIFLARE_CONTAINER_EGRESS_IMAGE=${sidecar}`] : [],
      ["--volume", "/var/run/docker.sock:/var/run/docker.sock", "--volume", `${server}:/data`],
    ];
    docker("run", ...options.flat(), server);
    try {
      const client = new ClaudeEdge(at);
      const yes = () => true;
      const answers = () => client.health().then(yes, () => false);
      await until("the server answers", answers, 60_000);
      const session = await client.sessions.create();
      expect((await session.send("%say My name is Grace.")).text).toBe("My name is Grace.");
      expect(running()).toHaveLength(1);

      docker("stop", "--time", "20", server);
      expect(running()).toEqual([]);
      docker("start", server);
      await until("the server answers", answers, 60_000);
      await client.sessions.open(session.id).send("%say Again.");
      expect(JSON.stringify(model.requests.at(-1)!.body)).toContain("My name is Grace.");
      docker("stop", "--time", "20", server);
    } finally {
      docker("rm", "--force", server);
      docker("volume", "rm", server);
    }
  });
});
