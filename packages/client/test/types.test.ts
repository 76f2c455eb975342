import type * as sdk from "@anthropic-ai/claude-agent-sdk";
import {
  createSdkMcpServer,
  query,
  tool,
  type ClaudeEdge,
  type EdgeEvent,
  type MintedToken,
  type PermissionAnswer,
  type RequestResource,
  type Scope,
  type SdkMessage,
  type Session,
  type SessionCallbacks,
  type TokenResource,
  type Turn,
  type TurnOutcome,
  type UsageGroup,
  type UsageReport,
} from "@claude-edge/client";
import * as entry from "@claude-edge/client/agent-sdk";
import { mintToken, type MintTokenOptions } from "@claude-edge/client/tokens";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";

import type {
  HookCallback,
  HookEvent,
  HookInput,
  HookJSONOutput,
} from "../src/agent/hook-types.js";
import type { McpServerConfig } from "../src/agent/mcp-types.js";
import type * as permissions from "../src/agent/permission-types.js";
import type {
  AgentQueryOptions,
  AgentQueryStream,
  AgentUserMessage,
} from "../src/agent/query-types.js";
import type { ToolDefinition, ToolResult } from "../src/agent/tool-types.js";

// Checked by the compiler (`npm run check:types`); nothing here runs but the declarations.
declare const edge: ClaudeEdge;

type CanUseToolOptions = Parameters<sdk.CanUseTool>[2];
type SdkToolResult = Awaited<ReturnType<sdk.SdkMcpToolDefinition["handler"]>>;
type Shape = { people: z.ZodNumber };

const person = z.object({ name: z.string(), born: z.string().transform(Number) });

test("an output has the type its schema says", () => {
  const typed = () => edge.query("x", { output: person });
  expectTypeOf<ReturnType<typeof typed>>().toEqualTypeOf<Turn<{ name: string; born: number }>>();
  expectTypeOf<Awaited<ReturnType<typeof typed>>["output"]>().toEqualTypeOf<{
    name: string;
    born: number;
  }>();
  const untyped = () => edge.query("x", { output: { type: "object" } });
  expectTypeOf<ReturnType<typeof untyped>>().toEqualTypeOf<Turn>();
  const plain = () => edge.query("x");
  expectTypeOf<ReturnType<typeof plain>>().toEqualTypeOf<Turn>();
  expectTypeOf<TurnOutcome["output"]>().toBeUnknown();
});

test("a session keeps the type of its output", () => {
  const create = () => edge.sessions.create({ output: person });
  type Made = Awaited<ReturnType<typeof create>>;
  expectTypeOf<Made>().toEqualTypeOf<Session<{ name: string; born: number }>>();
  expectTypeOf<Awaited<ReturnType<Made["fork"]>>>().toEqualTypeOf<Made>();
  expectTypeOf<Awaited<ReturnType<Made["send"]>>["output"]["born"]>().toBeNumber();
});

test("an event is told apart by its kind", () => {
  const read = (event: EdgeEvent) => {
    if (event.kind === "message") expectTypeOf(event.message).toEqualTypeOf<SdkMessage>();
    if (event.kind === "request") expectTypeOf(event.request).toEqualTypeOf<RequestResource>();
    if (event.kind === "turn") expectTypeOf(event.session_id).toBeString();
    // What was asked is in the event before it.
    // @ts-expect-error -- there is no payload
    if (event.kind === "request.resolved") void event.request.payload;
    // @ts-expect-error -- only some kinds have a message
    void event.message;
  };
  expectTypeOf(read).parameter(0).toEqualTypeOf<EdgeEvent>();
});

test("query(), tool() and createSdkMcpServer() have the Agent SDK's own types where it is installed", () => {
  expectTypeOf<Parameters<typeof query>[0]["options"]>().toEqualTypeOf<sdk.Options | undefined>();
  expectTypeOf(query).returns.toEqualTypeOf<sdk.Query>();
  expectTypeOf<
    Awaited<ReturnType<ReturnType<typeof query>["next"]>>["value"]
  >().toEqualTypeOf<sdk.SDKMessage | void>();
  expectTypeOf(tool).toEqualTypeOf<typeof sdk.tool>();
  expectTypeOf(createSdkMcpServer).toEqualTypeOf<typeof sdk.createSdkMcpServer>();
});

test("the entry in the Agent SDK's place has its types, and its values take and give what the Agent SDK's do", () => {
  expectTypeOf<entry.SDKMessage>().toEqualTypeOf<sdk.SDKMessage>();
  expectTypeOf<entry.Options>().toEqualTypeOf<sdk.Options>();
  expectTypeOf<entry.SDKResultMessage>().toEqualTypeOf<sdk.SDKResultMessage>();
  expectTypeOf(entry.query).toExtend<typeof sdk.query>();
  expectTypeOf(entry.startup).toExtend<typeof sdk.startup>();
  expectTypeOf(entry.listSessions).toExtend<typeof sdk.listSessions>();
  expectTypeOf(entry.getSessionInfo).toExtend<typeof sdk.getSessionInfo>();
  expectTypeOf(entry.getSessionMessages).toExtend<typeof sdk.getSessionMessages>();
  expectTypeOf(entry.listSubagents).toExtend<typeof sdk.listSubagents>();
  expectTypeOf(entry.getSubagentMessages).toExtend<typeof sdk.getSubagentMessages>();
  expectTypeOf(entry.renameSession).toExtend<typeof sdk.renameSession>();
  expectTypeOf(entry.tagSession).toExtend<typeof sdk.tagSession>();
  expectTypeOf(entry.deleteSession).toExtend<typeof sdk.deleteSession>();
  expectTypeOf(entry.importSessionToStore).toExtend<typeof sdk.importSessionToStore>();
  expectTypeOf(entry.forkSession).toExtend<typeof sdk.forkSession>();
  expectTypeOf(() => new entry.AbortError("Stopped.")).returns.toExtend<sdk.AbortError>();
  expectTypeOf<ReturnType<typeof entry.query>>().toEqualTypeOf<sdk.Query>();
});

test("types of ours that stand for the Agent SDK's are as it has them", () => {
  expectTypeOf<HookEvent>().toEqualTypeOf<sdk.HookEvent>();
  // What callbacks are told: all that the Agent SDK tells, and a callback of either can take it.
  expectTypeOf<sdk.HookInput>().toExtend<HookInput>();
  expectTypeOf<CanUseToolOptions>().toExtend<permissions.CanUseToolOptions>();
  expectTypeOf<permissions.CanUseToolOptions>().toExtend<CanUseToolOptions>();
  expectTypeOf<sdk.ElicitationRequest>().toExtend<permissions.ElicitationRequest>();
  expectTypeOf<permissions.ElicitationRequest>().toExtend<sdk.ElicitationRequest>();
  expectTypeOf<sdk.UserDialogRequest>().toExtend<permissions.UserDialogRequest>();
  expectTypeOf<permissions.UserDialogRequest>().toExtend<sdk.UserDialogRequest>();
  // What they answer: neither more nor less.
  expectTypeOf<sdk.HookJSONOutput>().toExtend<HookJSONOutput>();
  expectTypeOf<HookJSONOutput>().toExtend<sdk.HookJSONOutput>();
  expectTypeOf<sdk.PermissionResult>().toExtend<permissions.PermissionResult>();
  expectTypeOf<permissions.PermissionResult>().toExtend<sdk.PermissionResult>();
  expectTypeOf<sdk.PermissionUpdate>().toExtend<permissions.PermissionUpdate>();
  expectTypeOf<permissions.PermissionUpdate>().toExtend<sdk.PermissionUpdate>();
  expectTypeOf<sdk.ElicitationResult>().toExtend<permissions.ElicitationResult>();
  expectTypeOf<sdk.UserDialogResult>().toEqualTypeOf<permissions.UserDialogResult>();
  expectTypeOf<ToolResult>().toExtend<SdkToolResult>();
  expectTypeOf<SdkToolResult>().toExtend<ToolResult>();
});

test("what is typed by the Agent SDK goes into a session", () => {
  type Callbacks = Pick<
    sdk.Options,
    "canUseTool" | "hooks" | "mcpServers" | "onElicitation" | "onUserDialog"
  >;
  expectTypeOf<Callbacks>().toExtend<SessionCallbacks>();
  expectTypeOf<sdk.HookCallback>().toExtend<HookCallback>();
  expectTypeOf<sdk.McpServerConfig>().toExtend<McpServerConfig>();
  expectTypeOf<sdk.SdkMcpToolDefinition<Shape>>().toExtend<ToolDefinition<Shape>>();
  // And a callback that is typed by a session into the Agent SDK.
  expectTypeOf<Required<Omit<SessionCallbacks, "onPermission" | "onNetwork">>>().toExtend<
    Required<Callbacks>
  >();
});

test("query() without the Agent SDK takes and gives what it does with it", () => {
  type Own = "network" | "repositories" | "secrets";
  type Left = "onPermission" | "onNetwork" | "additionalProperties" | Own;
  expectTypeOf<Exclude<keyof AgentQueryOptions, Left>>().toExtend<keyof sdk.Options>();
  expectTypeOf<sdk.Query>().toExtend<AgentQueryStream>();
  expectTypeOf<keyof AgentQueryStream>().toEqualTypeOf<keyof sdk.Query>();
  expectTypeOf<sdk.SDKUserMessage>().toExtend<AgentUserMessage>();
});

test("an answer to a permission is one of three", () => {
  expectTypeOf<{ behavior: "allow" }>().toExtend<PermissionAnswer>();
  expectTypeOf<{ answers: { "Which?": string } }>().toExtend<PermissionAnswer>();
  expectTypeOf<{ behavior: "maybe" }>().not.toExtend<PermissionAnswer>();
});

test("options that cannot be are refused", () => {
  // @ts-expect-error -- no such mode
  const mode = () => edge.query("x", { permissionMode: "sometimes" });
  // @ts-expect-error -- no such option
  const folder = () => edge.sessions.create({ folder: "/" });
  expectTypeOf(mode).toBeFunction();
  expectTypeOf(folder).toBeFunction();
});

test("a token is in the answer that minted it and in no other", () => {
  const create = () => edge.tokens.create({ scopes: ["query"], expiresIn: "never" });
  expectTypeOf<Awaited<ReturnType<typeof create>>>().toEqualTypeOf<MintedToken>();
  expectTypeOf<MintedToken["token"]>().toBeString();
  expectTypeOf<MintedToken["scopes"]>().toEqualTypeOf<Scope[]>();
  const revoke = () => edge.tokens.revoke("id");
  expectTypeOf<Awaited<ReturnType<typeof revoke>>>().toEqualTypeOf<TokenResource>();
  expectTypeOf<TokenResource["expires_at"]>().toEqualTypeOf<string | null>();
  expectTypeOf(mintToken).returns.toEqualTypeOf<Promise<string>>();
  expectTypeOf<MintTokenOptions["rootKey"]>().toBeString();
  // @ts-expect-error -- no such scope
  const scope = () => edge.tokens.create({ scopes: ["root"] });
  // @ts-expect-error -- whose it is must be said
  const nobody = () => mintToken({ rootKey: "key" });
  expectTypeOf(scope).toBeFunction();
  expectTypeOf(nobody).toBeFunction();
});

test("usage is split by what there is", () => {
  const usage = () => edge.usage({ from: "2026-11-01", group: "model" });
  expectTypeOf<Awaited<ReturnType<typeof usage>>>().toEqualTypeOf<UsageReport>();
  expectTypeOf<UsageGroup>().toEqualTypeOf<"day" | "session" | "model">();
  // @ts-expect-error -- no such split
  const hours = () => edge.usage({ group: "hour" });
  expectTypeOf(hours).toBeFunction();
});
