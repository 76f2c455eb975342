import type { SecretInput } from "@claude-edge/protocol";
import { expect, test } from "vitest";

import { checkSecret } from "./check-secret.js";

const GOOD: SecretInput = { value: "sk-1234", hosts: ["api.example.com"] };
const codeOf = (name: string, input: Partial<SecretInput>) => {
  try {
    checkSecret(name, { ...GOOD, ...input });
    return "none";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test.each(["FAL_KEY", "fal_key", "_X", "GIT_TOKEN", "NODE_AUTH_TOKEN", "NPM_TOKEN", "OTEL_KEY"])(
  "%s is a name",
  (name) => expect(codeOf(name, {})).toBe("none"),
);

test.each([
  ..."PATH HOME path LD_PRELOAD ld_library_path NODE_OPTIONS ANTHROPIC_API_KEY CLAUDE_CODE_X CLAUDECODE".split(
    " ",
  ),
  ..."CLAUDE_EDGE_ROOT_KEY http_proxy HTTPS_PROXY no_proxy SSL_CERT_FILE GIT_SSL_CAINFO GIT_CONFIG_COUNT".split(
    " ",
  ),
  ..."npm_config_cafile BASH_ENV LC_ALL DYLD_INSERT_LIBRARIES TRACEPARENT IS_SANDBOX BUN_OPTIONS".split(
    " ",
  ),
  "",
  "1KEY",
  "A-B",
  "A B",
  "A=B",
  "É",
  "A\n",
  "mcp:a",
  "X".repeat(129),
])("%j is no name", (name) => expect(codeOf(name, {})).toBe("secret_name_refused"));

test.each([
  [["api.example.com"], ["api.example.com"]],
  [["API.Example.com", "api.example.com"], ["api.example.com"]],
  [["*.example.com", "10.0.0.5:8080", "[::1]:80", "localhost:3000"], undefined],
])("%j are hosts", (hosts, expected) =>
  expect(checkSecret("KEY", { ...GOOD, hosts }).hosts).toEqual(expected ?? hosts),
);

test.each<[string[]]>([
  [[]],
  [["*"]],
  [["*:443"]],
  [["*.*"]],
  [["."]],
  [["*.com"]],
  [[""]],
  [["https://api.example.com"]],
  [["api.example.com/path"]],
  [["user@api.example.com"]],
  [["a.*.com"]],
  [["api.example.com:0"]],
  [["api.example.com:99999"]],
  [["a b"]],
  [["x".repeat(300)]],
  [Array.from({ length: 21 }, (_, index) => `h${index}.example.com`)],
])("%j are no hosts", (hosts) => expect(codeOf("KEY", { hosts })).toBe("secret_hosts_invalid"));

test.each([
  ["", "secret_value_invalid"],
  [" \n", "secret_value_invalid"],
  ["a\nb", "secret_value_invalid"],
  ["a\r", "secret_value_invalid"],
  [" a", "secret_value_invalid"],
  ["é", "secret_value_invalid"],
  ["a\0b", "secret_value_invalid"],
  ["\ud800", "secret_value_invalid"],
  ["x".repeat(65_537), "secret_too_large"],
  ["x".repeat(65_536), "none"],
  ["a b", "none"],
])("the value %j: %s", (value, code) => expect(codeOf("KEY", { value })).toBe(code));

test("a value for bodies alone may have lines and any characters, but is no less a text", () => {
  const places = { body: true };
  expect(codeOf("KEY", { value: "-----BEGIN\né\n", in: places })).toBe("none");
  expect(codeOf("KEY", { value: "a\0", in: places })).toBe("secret_value_invalid");
  expect(codeOf("KEY", { value: "é".repeat(40_000), in: places })).toBe("secret_too_large");
});

test("where it may go", () => {
  expect(checkSecret("KEY", GOOD).places).toEqual({ header: true });
  expect(codeOf("KEY", { in: { header: "X-Api-Key" } })).toBe("none");
  for (const places of [
    {},
    { header: false },
    { header: "" },
    { header: "a b" },
    { header: "Host" },
  ]) {
    expect(codeOf("KEY", { in: places })).toBe("invalid_request");
  }
});

test("no message says anything of the value", () => {
  for (const value of ["marked-value\n", `marked-value${"x".repeat(65_536)}`]) {
    expect(() => checkSecret("KEY", { ...GOOD, value })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("marked") }),
    );
  }
});
