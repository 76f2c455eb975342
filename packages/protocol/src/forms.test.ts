import { expect, test } from "vitest";

import * as forms from "./forms.js";

const session = { id: "s", status: "idle", options: {}, last_seq: 0 };
const request = { id: "r", session_id: "s", kind: "hook", status: "pending", payload: {} };

test.each<[string, (value: unknown) => boolean, Record<string, unknown>]>([
  ["isSession", forms.isSession, session],
  ["isTurn", forms.isTurn, { id: "t", session_id: "s", status: "from the future" }],
  ["isRequest", forms.isRequest, request],
  ["isToken", forms.isToken, { id: "t", account: "ada" }],
  ["isMintedToken", forms.isMintedToken, { id: "t", account: "ada", token: "x" }],
  ["isAccount", forms.isAccount, { name: "ada", status: "active", sessions: 0 }],
  ["isAccountList", forms.isAccountList, { accounts: [] }],
  ["isUsageReport", forms.isUsageReport, { account: "ada", total: {} }],
  ["isLimitsReport", forms.isLimitsReport, { account: "ada", limits: {}, used: {} }],
  ["isNetworkReport", forms.isNetworkReport, { account: "ada", deployment: {}, granted: [] }],
  [
    "isNetworkUseList",
    forms.isNetworkUseList,
    { hosts: [{ turn_id: "t", host: "a.com", requests: 1 }] },
  ],
  ["isHealth", forms.isHealth, { status: "ok", version: "1", protocol: 1 }],
  ["isSessionList", forms.isSessionList, { sessions: [session] }],
  ["isTurnList", forms.isTurnList, { turns: [{ id: "t", session_id: "s", status: "queued" }] }],
  ["isRequestList", forms.isRequestList, { requests: [request] }],
  [
    "isAuditEntry",
    forms.isAuditEntry,
    { seq: 1, at: 1, action: "token.created", actor: { type: "root_key" } },
  ],
  ["isTokenList", forms.isTokenList, { tokens: [] }],
  ["isEventList", forms.isEventList, { events: [{ kind: "x", seq: 1 }], last_seq: 1 }],
])("%s wants every field that is gone by, of its type, and minds no other", (_name, is, whole) => {
  expect(is(whole)).toBe(true);
  expect(is({ ...whole, more: 1 })).toBe(true);
  for (const field of Object.keys(whole)) {
    expect(is({ ...whole, [field]: undefined })).toBe(false);
    expect(is({ ...whole, [field]: null })).toBe(false);
    expect(is({ ...whole, [field]: Symbol(field) })).toBe(false);
  }
  for (const other of [null, undefined, "x", 1, []]) expect(is(other)).toBe(false);
});

test("a list is checked to its last item", () => {
  expect(forms.isSessionList({ sessions: [session, { ...session, last_seq: "0" }] })).toBe(false);
  expect(forms.isSessionList({ sessions: { 0: session } })).toBe(false);
  expect(forms.isEventList({ events: [{ kind: "x" }], last_seq: 1 })).toBe(false);
});

test("an error answer holds an error", () => {
  const error = { code: "internal", message: "x", retryable: false };
  expect(forms.isErrorAnswer({ type: "error", error })).toBe(true);
  expect(forms.isErrorAnswer({ type: "error", error: { ...error, retryable: "no" } })).toBe(false);
  expect(forms.isErrorAnswer({ error })).toBe(false);
  expect(forms.isErrorAnswer("<h1>Log in</h1>")).toBe(false);
});
