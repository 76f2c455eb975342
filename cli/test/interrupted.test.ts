import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";

import { expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { makeHome } from "./support/home.js";
import { BIN, useCli } from "./support/run.js";

const { empty } = useCli();

test("Ctrl-C while the key is waited for is no error", async () => {
  const home = makeHome(empty);
  const child = spawn(process.execPath, [BIN, "login", "http://192.0.2.1", "--with-token"], {
    env: { ...process.env, ...home.env },
    stdio: ["pipe", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  await until("it waits", () => said.includes("plain HTTP"));
  child.kill("SIGINT");
  expect(await once(child, "close")).toEqual([130, null]);
  expect(said.split("\n")).toHaveLength(2);
  expect(existsSync(home.path)).toBe(false);
});
