/** The documentation as a site: the same Markdown files, some of which are outside of `docs`. */
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

import { defineConfig, type DefaultTheme, type MarkdownRenderer } from "vitepress";
import llms from "vitepress-plugin-llms";

/** Pages by their file, from the root of the repository. Others of `docs` have their own name. */
const ELSEWHERE: Record<string, string> = {
  "README.md": "index.md",
  "AGENTS.md": "map.md",
  "CONTRIBUTING.md": "contributing.md",
  "SECURITY.md": "security.md",
  "cli/README.md": "cli-reference.md",
  "packages/client/README.md": "client.md",
};

/** The page of a file; undefined for a file that is none. */
function pageOf(file: string): string | undefined {
  if (ELSEWHERE[file] !== undefined) return ELSEWHERE[file];
  return file.startsWith("docs/") && file.endsWith(".md") ? file.slice("docs/".length) : undefined;
}

type Token = ReturnType<MarkdownRenderer["parse"]>[number];

/** Files link to each other where they are, and pages are elsewhere. What is no page is only named. */
function linkPages(tokens: Token[], folder: string): void {
  for (const [index, token] of tokens.entries()) {
    const href = token.type === "link_open" ? token.attrGet("href") : null;
    if (href === null || /^([a-z]+:|#)/.test(href)) continue;
    const [path = "", anchor] = href.split("#");
    const page = pageOf(normalize(join(folder, path)));
    if (page !== undefined) {
      token.attrSet("href", `/${page}${anchor === undefined ? "" : `#${anchor}`}`);
      continue;
    }
    const end = tokens.slice(index).find(({ type }) => type === "link_close");
    for (const part of [token, end]) if (part) Object.assign(part, { type: "text", content: "" });
  }
}

const link = (text: string, name: string) => ({ text, link: `/${name}` });

const SIDEBAR: DefaultTheme.SidebarItem[] = [
  {
    text: "Start",
    items: [
      link("What it is", ""),
      link("Quickstart", "quickstart"),
      link("Concepts", "concepts"),
      link("Migration", "migration"),
    ],
  },
  {
    text: "Use it",
    items: [
      link("Client", "client"),
      link("Command line", "cli"),
      link("The CLI's chat and doctor", "cli-reference"),
      link("Events and HTTP API", "http"),
      link("Approvals", "approvals"),
      link("Steering", "steering"),
      link("Tasks in the background", "background"),
      link("Files", "files"),
      link("Repositories", "repositories"),
      link("Feed", "feed"),
      link("Webhooks", "webhooks"),
      link("Traces", "tracing"),
      link("Audit log", "audit"),
      link("Parity with the Agent SDK", "parity"),
      link("Troubleshooting", "troubleshooting"),
    ],
  },
  {
    text: "Run it",
    items: [
      link("agent.config.ts", "agent-config"),
      link("Configuration", "configuration"),
      link("Network", "network"),
      link("Secrets", "secrets"),
      link("Keys and tokens", "tokens"),
      link("Usage and limits", "limits"),
      link("Accounts", "accounts"),
      link("Durability", "durability"),
      link("Retention", "retention"),
      link("Production", "production"),
      link("Local mode", "local"),
      link("Threat model", "threat-model"),
      link("Security policy", "security"),
    ],
  },
  {
    text: "Other APIs",
    items: [
      link("Dialects", "dialects"),
      link("Messages API", "dialects-messages"),
      link("Studio", "dialects-studio"),
    ],
  },
  {
    text: "Change it",
    items: [
      link("Contributing", "contributing"),
      link("The map", "map"),
      link("Ways", "internals/ways"),
      link("Traps", "internals/traps"),
      link("Bounds", "internals/bounds"),
      link("Raising the SDK", "internals/raising-the-sdk"),
    ],
  },
];

const isNamed = (page: string) =>
  SIDEBAR.some(({ items = [] }) => items.some((item) => `${item.link}.md` === `/${page}`));

/** The pages of the README's list that no group above has. */
const more = [...readFileSync("README.md", "utf8").matchAll(/\[([^\]]+)\]\((docs\/[\w-]+\.md)\)/g)]
  .map(([, text = "", file = ""]) => ({ text, page: pageOf(file)! }))
  .filter(({ page }, at, all) => !isNamed(page) && all.findIndex((one) => one.page === page) === at)
  .map(({ text, page }) => link(text, page.replace(/\.md$/, "")));
if (more.length > 0) SIDEBAR.push({ text: "More", items: more });

export default defineConfig({
  title: "claude-edge",
  description: "The Claude Agent SDK over the network, on Cloudflare.",
  lang: "en",
  srcDir: "..",
  srcExclude: [
    "**/node_modules/**",
    ".changeset/**",
    "packages/!(client)/**",
    "cli/template/**",
    "bench/**",
    "tests/**",
    "CLAUDE.md",
    "**/*.api.md",
  ],
  outDir: "../node_modules/.cache/docs-site",
  cacheDir: "../node_modules/.cache/vitepress",
  cleanUrls: true,
  rewrites: (file) => pageOf(file) ?? file,
  themeConfig: { search: { provider: "local" }, sidebar: SIDEBAR, outline: [2, 3] },
  markdown: {
    config(md) {
      md.core.ruler.push("links-of-files", ({ tokens, env }) => {
        const { relativePath } = env as { relativePath: string };
        for (const { children } of tokens) if (children) linkPages(children, dirname(relativePath));
      });
    },
  },
  vite: { plugins: [llms({ excludeIndexPage: false })] },
});
