import type { Options, Query, SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import {
  query,
  type ClaudeEdge,
  type EdgeEvent,
  type MintedToken,
  type PermissionAnswer,
  type RequestResource,
  type Scope,
  type SdkMessage,
  type Session,
  type TokenResource,
  type Turn,
  type TurnOutcome,
  type UsageGroup,
  type UsageReport,
} from "@claude-edge/client";
import { mintToken, type MintTokenOptions } from "@claude-edge/client/tokens";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";

// Checked by the compiler (`npm run check:types`); nothing here runs but the declarations.
declare const edge: ClaudeEdge;

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

test("query() is the Agent SDK's", () => {
  expectTypeOf(query).parameter(0).toHaveProperty("options");
  expectTypeOf<Parameters<typeof query>[0]["options"]>().toEqualTypeOf<Options | undefined>();
  expectTypeOf(query).returns.toEqualTypeOf<Query>();
  expectTypeOf<Awaited<ReturnType<Query["next"]>>["value"]>().toEqualTypeOf<SDKMessage | void>();
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
  const folder = () => edge.sessions.create({ cwd: "/" });
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
