/** Tools of in-process MCP servers, as the Agent SDK has them; `test/types.test.ts` compares them. */
import type { McpServerSettings } from "./mcp-types.js";

/** The schemas of a tool's arguments, by their names: zod's. */
export type ToolShape = Record<string, { _output: unknown }>;

/** The arguments that a tool's schemas let through. */
export type InferShape<Shape extends ToolShape> = {
  [Name in keyof Shape]: Shape[Name]["_output"];
};

type ToolContent =
  | { type: "text"; text: string }
  | { type: "image" | "audio"; data: string; mimeType: string }
  | {
      type: "resource_link";
      uri: string;
      name: string;
      description?: string | undefined;
      mimeType?: string | undefined;
    }
  | {
      type: "resource";
      resource: { uri: string; mimeType?: string | undefined } & (
        | { text: string }
        | { blob: string }
      );
    };

/** What a tool gives back: the MCP SDK's `CallToolResult`. */
export interface ToolResult {
  content: ToolContent[];
  structuredContent?: Record<string, unknown> | undefined;
  isError?: boolean | undefined;
  _meta?: Record<string, unknown> | undefined;
  [key: string]: unknown;
}

/** What is told of a tool beside its description. */
export interface ToolExtras {
  annotations?: {
    title?: string | undefined;
    readOnlyHint?: boolean | undefined;
    destructiveHint?: boolean | undefined;
    idempotentHint?: boolean | undefined;
    openWorldHint?: boolean | undefined;
  };
  /** Words to find it by. */
  searchHint?: string;
  /** The model sees it from the start. */
  alwaysLoad?: boolean;
}

/** A tool, as `tool` makes it. */
export interface ToolDefinition<Shape extends ToolShape = ToolShape> {
  name: string;
  description: string;
  inputSchema: Shape;
  annotations?: NonNullable<ToolExtras["annotations"]>;
  _meta?: Record<string, unknown>;
  handler(args: InferShape<Shape>, extra: unknown): Promise<ToolResult>;
}

/** What `createSdkMcpServer` makes a server of. */
export interface ServerDefinition extends McpServerSettings {
  name: string;
  version?: string;
  instructions?: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tools of different shapes stand in one list
  tools?: ToolDefinition<any>[];
}
