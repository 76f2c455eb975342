import { describe, expect, test } from "vitest";

import { DEV_ORIGIN } from "../target/target.js";
import { checkToken, findModelCredential, judgeModelCredential } from "./credentials.js";
import { checkTarget } from "./target.js";

const set = (variable: string) => `set ${variable}`;
const url = "http://localhost:8787";

describe("the key of a deployment", () => {
  const at = (origin: string, token: string | undefined, isDev = false) =>
    checkToken({ baseURL: url, account: undefined, token, tokenOrigin: token && origin, isDev });

  test("is named by where it is from", () => {
    expect(at("profile prod", "a-key")).toMatchObject({
      status: "ok",
      message: "the key is from profile prod",
      value: "a-key",
    });
    expect(at(DEV_ORIGIN, "a-key", true).message).toBe("the key is from claude-edge dev");
  });

  test("that other commands do not use says so", () => {
    expect(at("CLAUDE_EDGE_TOKEN", "a-key", true).message).toBe(
      `the key is from CLAUDE_EDGE_TOKEN; other commands here use the root key of \`claude-edge dev\`, and this one with CLAUDE_EDGE_URL=${url}`,
    );
  });

  test.each([
    [undefined, "no key is given"],
    ["sk-ant-api03-x", "the key for the deployment, from profile prod, is an Anthropic API key"],
    ["a key", "the key from profile prod holds blanks"],
  ])("that cannot be sent is not: %s", (token, message) => {
    const finding = at("profile prod", token);
    expect(finding.status).toBe("fail");
    expect(finding.value).toBeUndefined();
    expect(finding.message).toContain(message);
  });
});

describe("the deployment that is looked at", () => {
  const dev = { value: url, origin: DEV_ORIGIN };
  const ownKey = { value: "root", origin: DEV_ORIGIN };

  test("is tried with the token that is given, a `dev` too", () => {
    const target = { url: dev, token: ownKey };
    const given = { token: "given", tokenOrigin: "CLAUDE_EDGE_TOKEN", isDev: true };
    expect(checkTarget(target, "/", { CLAUDE_EDGE_TOKEN: "given" }).value).toMatchObject(given);
    expect(checkTarget(target, "/", {}).value).toMatchObject({
      token: "root",
      tokenOrigin: DEV_ORIGIN,
      isDev: true,
    });
  });

  test("is named by who named it; the key of a profile that was chosen stays", () => {
    const [address, token] = [url, "saved"].map((value) => ({ value, origin: "profile prod" }));
    const finding = checkTarget({ url: address, token }, "/", { CLAUDE_EDGE_TOKEN: "given" });
    expect(finding.message).toBe(`${url}, from profile prod`);
    expect(finding.value).toMatchObject({ token: "saved", tokenOrigin: "profile prod" });
  });
});

describe("a model credential", () => {
  const find = (vars: Record<string, string>, env: Record<string, string>) =>
    findModelCredential({ ".dev.vars": vars, "the environment": env });

  test("is told with the place that it was found in", () => {
    const key = { ANTHROPIC_API_KEY: "sk-ant-api03-x" };
    expect(find(key, {})).toMatchObject({ place: ".dev.vars" });
    expect(find({}, key)).toMatchObject({ place: "the environment" });
    expect(find({ ANTHROPIC_API_KEY: "" }, {})).toBeUndefined();
    const { credential, place } = find({}, key)!;
    expect(judgeModelCredential(credential, place, set)).toMatchObject({
      status: "ok",
      message: "ANTHROPIC_API_KEY is set in the environment",
    });
  });

  test("of a scripted model is none of Anthropic's", () => {
    const { credential } = find({ ANTHROPIC_API_KEY: "scripted-0123" }, {})!;
    expect(judgeModelCredential(credential, "the deployment", set)).toMatchObject({
      status: "ok",
      message: "no credential of Anthropic's: the deployment asks a scripted model",
    });
  });

  test("of the wrong kind is told with its place", () => {
    const { credential, place } = find({ ANTHROPIC_API_KEY: "sk-ant-oat01-x" }, {})!;
    const finding = judgeModelCredential(credential, place, set);
    expect(finding.status).toBe("fail");
    expect(finding.message).toMatch(
      /^ANTHROPIC_API_KEY holds an OAuth token .* \(in \.dev\.vars\)$/,
    );
  });
});
