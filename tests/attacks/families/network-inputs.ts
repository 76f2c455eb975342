/** Spellings of a host that no policy allows, and of names that look like one that is. */
export const SHUT_SPELLINGS: readonly string[] = [
  "shut.test",
  "SHUT.test",
  "shut.test.",
  "shut.test:80",
  "shut%2etest",
  "s%68ut.test",
  "shut\u3002test",
  "shut.te\u00adst",
  "\uff53hut.test",
  "open.test@shut.test",
  "open.test:80@shut.test",
  "open.test%40shut.test",
  "open.test:x@shut.test:80",
  "shut.test\\@open.test.",
  "shut.test#@open.test.",
  "shut.test?@open.test.",
  "open.test%00.shut.test",
  "open.test%2f.shut.test",
  "open.test,shut.test",
  "open.test shut.test",
  "open.test\tshut.test",
  "open.test.shut.test",
  "xopen.test",
  "open.test..",
  "wide.test",
  "xwide.test",
  "*.wide.test.shut.test",
  "sub.wide.test.shut.test",
  "sub.wide.test@shut.test",
  "\u03bfpen.test",
  "xn--pen-0na.test",
];

/** Spellings of addresses of this machine, of its network and of metadata servers. */
export const privateSpellings = (port: string): string[] => [
  ...[
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0000000177.0.0.1",
    "127.0.0.001",
    "0",
    "0.0.0.0",
    "127.255.255.254",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "open.test@127.0.0.1",
    "\uff11\uff12\uff17.0.0.1",
    "\u2460\u2461\u2466.0.0.1",
    "127\u30020\u30020\u30021",
  ].flatMap((host) => [host, `${host}:${port}`]),
  "169.254.169.254",
  "169.254.169.254.",
  "2852039166",
  "0xa9fea9fe",
  "0251.0376.0251.0376",
  "[::ffff:169.254.169.254]",
  "[fd00:ec2::254]",
  "metadata.google.internal",
  "METADATA.google.internal.",
  "model.claude-edge.internal.",
  "runner",
];

/** Policies that are none. */
export const BAD_POLICIES: Record<string, unknown> = {
  "no object": "unrestricted",
  "a list": [{ type: "unrestricted" }],
  "without a type": { allowed_hosts: ["open.test"] },
  "of another type": { type: "open" },
  "of two types": { type: ["limited", "unrestricted"] },
  "unrestricted with hosts": { type: "unrestricted", allowed_hosts: ["open.test"] },
  "limited with more": { type: "limited", allow_everything: true },
  "of words for yes": { type: "limited", allow_web_tools: "true" },
  "of hosts that are no list": { type: "limited", allowed_hosts: { 0: "open.test", length: 1 } },
  "of hosts that are no text": { type: "limited", allowed_hosts: [["open.test"]] },
  "of more hosts than there may be": {
    type: "limited",
    allowed_hosts: Array.from({ length: 501 }, () => "open.test"),
  },
  "of a host without end": { type: "limited", allowed_hosts: [`${"a".repeat(1_000_000)}.test`] },
  "of labels without end": { type: "limited", allowed_hosts: ["a.".repeat(500_000)] },
  "larger than a body may be": { type: "limited", allowed_hosts: ["a".repeat(9_000_000)] },
  "too deep": JSON.parse(`${"[".repeat(1_000)}${"]".repeat(1_000)}`),
  ...Object.fromEntries(
    [
      "*",
      "*.",
      "*.*.test",
      "**.test",
      "o*.test",
      "open.*",
      "http://open.test",
      "open.test/",
      "open.test/x",
      "open.test?",
      "open.test#",
      "x@open.test",
      "open.test:0",
      "open.test:65536",
      "open.test:x",
      "open.test:",
      "open.test.",
      ".open.test",
      "open..test",
      "-open.test",
      "open.test\n",
      "open.test\u0000",
      " open.test",
      "\u03bfpen.test",
      "[::1",
      "10.0.0.0/8",
      "",
    ].map((host) => [
      `of the host ${JSON.stringify(host)}`,
      { type: "limited", allowed_hosts: [host] },
    ]),
  ),
};

const call = (more: object) => ({
  model: "claude-opus-5-5",
  max_tokens: 8,
  messages: [{ role: "user", content: "%say x" }],
  ...more,
});
const server = { type: "url", name: "x", url: "https://shut.test/mcp" };
const SERVER = JSON.stringify(call({ mcp_servers: [server] }));

/** Model calls that have the model's API reach what the policy does not allow, and turns web tools off. */
export const MODEL_CALLS: Record<string, string> = {
  "an MCP server": SERVER,
  "an MCP server behind an allowed one": JSON.stringify(
    call({ mcp_servers: [{ ...server, url: "https://open.test/" }, server] }),
  ),
  "an MCP server of this machine": JSON.stringify(
    call({ mcp_servers: [{ ...server, url: "http://127.0.0.1/" }] }),
  ),
  "an MCP server of two readings": JSON.stringify(
    call({ mcp_servers: [{ ...server, url: "https://open.test@shut.test\\@open.test" }] }),
  ),
  "a name that is escaped": SERVER.replace("mcp_servers", String.raw`mcp\u005fservers`),
  "a name that is escaped elsewhere": SERVER.replace("mcp_servers", String.raw`\u006dcp_servers`),
  "the field twice": SERVER.replace('"mcp_servers"', '"mcp_servers":[],"mcp_servers"'),
  ...Object.fromEntries(
    ["web_search_20260318", "web_fetch_20260318", "code_execution_20260521"].map((type) => [
      type,
      JSON.stringify(call({ tools: [{ type, name: "x" }] })),
    ]),
  ),
  "a tool whose type is escaped": JSON.stringify(
    call({ tools: [{ type: "web_search_1" }] }),
  ).replace("web_", String.raw`w\u0065b_`),
  "a tool within a message": JSON.stringify(
    call({
      messages: [
        {
          role: "user",
          content: [
            {
              type: "tool_addition",
              tool: { type: "tool_definition", definition: { type: "web_fetch_20260318" } },
            },
          ],
        },
      ],
    }),
  ),
  "an image by its URL": JSON.stringify(
    call({
      messages: [
        {
          role: "user",
          content: [{ type: "image", source: { type: "url", url: "https://shut.test/?data" } }],
        },
      ],
    }),
  ),
};
