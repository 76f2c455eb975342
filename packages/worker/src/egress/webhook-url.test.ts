import { expect, test } from "vitest";

import { Resolver } from "./dns.js";
import { resolvedWebhookUrl, webhookUrl } from "./webhook-url.js";

const PRIVATE = new Map([["git.corp", new URL("http://10.0.0.5:8080")]]);

test("a public HTTPS address leads to itself, a private host to the origin that its operator named", () => {
  expect(webhookUrl("https://example.com/a?b#c", PRIVATE).href).toBe("https://example.com/a?b");
  expect(webhookUrl("https://git.corp//x?y", PRIVATE).href).toBe("http://10.0.0.5:8080//x?y");
});

test("anything else is refused", () => {
  const refused = [
    "http://example.com/",
    "ftp://example.com/",
    "https://",
    "no url",
    "https://user:password@example.com/",
    "https://localhost/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.5:8080/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "http://git.corp/",
  ];
  for (const url of refused) {
    expect(() => webhookUrl(url, PRIVATE)).toThrow(
      expect.objectContaining({ code: "webhook_url_refused" }),
    );
  }
});

test("a name that leads to a private address is refused when it is sent to", async () => {
  const resolver = new Resolver(async (name, type) => ({
    Answer:
      type === 1 ? [{ type, data: name.startsWith("bad") ? "10.0.0.1" : "93.184.216.34" }] : [],
  }));
  const resolve = (url: string) => resolvedWebhookUrl(url, PRIVATE, resolver);
  expect((await resolve("https://good.example/x")).href).toBe("https://good.example/x");
  expect((await resolve("https://git.corp/x")).href).toBe("http://10.0.0.5:8080/x");
  await expect(resolve("https://bad.example/x")).rejects.toMatchObject({
    code: "webhook_url_refused",
  });
});
