/**
 * Tools of Claude Code that do no harm when they run a second time: they read, or keep notes in the process that is gone.
 * An agent adds its own with `repeatableTools`. MCP tools are not among them: the log does not say which only read.
 */
const REPEATABLE = new Set([
  "Glob",
  "Grep",
  "LS",
  "ListMcpResources",
  "ListMcpResourcesTool",
  "NotebookRead",
  "Read",
  "ReadMcpResource",
  "ReadMcpResourceTool",
  "StructuredOutput",
  "TaskGet",
  "TaskList",
  "TodoWrite",
  "ToolSearch",
  "WebFetch",
  "WebSearch",
  // A subagent's own calls are looked at one by one.
  "Agent",
  "Task",
]);

/** Whether a tool may run again. `more`: names of the agent's, or how they begin: `mcp__docs__*`. */
export function isRepeatable(tool: string, more: readonly string[] = []): boolean {
  return REPEATABLE.has(tool) || more.some((pattern) => matches(tool, pattern));
}

const matches = (tool: string, pattern: string): boolean =>
  pattern.endsWith("*") ? tool.startsWith(pattern.slice(0, -1)) : tool === pattern;
