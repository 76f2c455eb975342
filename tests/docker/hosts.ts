import { startOrigin } from "../support/origin.js";
import { startMcpHost } from "../support/mcp-host.js";
import { startPrivateGit } from "../support/private-git.js";
import { MCP, MCP_TOKEN, OPEN, SHUT } from "./egress.js";
import { GIT, gitToken, REPOSITORY } from "./repositories.js";

/** Servers on this machine that stand for hosts of the internet. */
export interface Hosts {
  /** Where that of {@link OPEN} and {@link SHUT} is. */
  origin: string;
  /** The repositories of {@link GIT}. */
  repositories: string;
  /** Flags of `wrangler dev`: variables that lead containers there, and more. */
  vars(more: Record<string, string>): string[];
  close(): void;
}

export async function startHosts(): Promise<Hosts> {
  const origin = await startOrigin(OPEN);
  const git = await startPrivateGit({ names: [REPOSITORY], token: gitToken });
  const mcp = await startMcpHost(MCP_TOKEN);
  const privateHosts = {
    [OPEN]: origin.url,
    [SHUT]: origin.url,
    [GIT]: git.origin,
    [MCP]: mcp.origin,
  };
  return {
    origin: origin.url,
    repositories: git.folder,
    vars: (more) =>
      Object.entries({
        CLAUDE_EDGE_NETWORK: JSON.stringify({
          type: "limited",
          allowed_hosts: [OPEN, GIT],
          allow_mcp_servers: true,
        }),
        CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify(privateHosts),
        ...more,
      }).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
    close: () => {
      origin.close();
      git.close();
      mcp.close();
    },
  };
}
