import { usageGroup } from "@claude-edge/protocol";

import { day, flag, json, page, text, whole, type Operation } from "./operation.js";

/** The deployment, and an account: its usage, limits, network, secrets and tokens. */
export const ACCOUNT: Record<string, Operation> = {
  "GET /v1/status": {
    id: "getStatus",
    tag: "deployment",
    summary: "Versions, the credential's kind and the account's container; `start` starts it",
    query: { start: flag },
    answers: { 200: json("Status") },
  },
  "GET /v1/status/stream": {
    id: "streamStatus",
    tag: "deployment",
    summary: "Three events, 100 ms apart, to see whether something between holds streams back",
    answers: {},
    events: { of: "Tick", only: true },
  },
  "GET /v1/usage": {
    id: "getUsage",
    tag: "account",
    summary: "What the account has used",
    query: { from: day, to: day, group: usageGroup },
    answers: { 200: json("UsageReport") },
  },
  "GET /v1/audit": {
    id: "getAudit",
    tag: "account",
    summary: "Who did what in the account, oldest first",
    query: { after: whole, limit: whole },
    answers: { 200: { bytes: "application/x-ndjson" } },
  },
  "GET /v1/limits": {
    id: "getLimits",
    tag: "account",
    summary: "What the account may use, and how much of it is used",
    answers: { 200: json("LimitsReport") },
  },
  "PATCH /v1/limits": {
    id: "updateLimits",
    tag: "account",
    summary: "Set limits of the account's own",
    body: "UpdateLimits",
    answers: { 200: json("LimitsReport") },
  },
  "GET /v1/network": {
    id: "getNetwork",
    tag: "account",
    summary: "The network policies that count for the account",
    answers: { 200: json("NetworkReport") },
  },
  "PUT /v1/network": {
    id: "setNetwork",
    tag: "account",
    summary: "Set the account's own network policy",
    body: "SetNetwork",
    answers: { 200: json("NetworkReport") },
  },
  "GET /v1/secrets": {
    id: "listSecrets",
    tag: "secrets",
    summary: "List secrets, without their values",
    query: { session_id: text },
    answers: { 200: json("SecretList") },
  },
  "PUT /v1/secrets/:name": {
    id: "putSecret",
    tag: "secrets",
    summary: "Set a secret",
    body: "PutSecret",
    answers: { 200: json("Secret") },
  },
  "DELETE /v1/secrets/:name": {
    id: "deleteSecret",
    tag: "secrets",
    summary: "Delete a secret",
    answers: { 204: null },
  },
  "POST /v1/tokens": {
    id: "createToken",
    tag: "tokens",
    summary: "Mint a token of the account",
    body: "CreateToken",
    answers: { 201: json("MintedToken") },
  },
  "GET /v1/tokens": {
    id: "listTokens",
    tag: "tokens",
    summary: "List the account's tokens",
    query: page,
    answers: { 200: json("TokenList") },
  },
  "DELETE /v1/tokens/:token": {
    id: "revokeToken",
    tag: "tokens",
    summary: "Revoke a token by its id",
    answers: { 200: json("Token") },
  },
  "GET /v1/accounts": {
    id: "listAccounts",
    tag: "accounts",
    summary: "List the deployment's accounts",
    query: page,
    answers: { 200: json("AccountList") },
  },
  "GET /v1/accounts/:account": {
    id: "getAccount",
    tag: "accounts",
    summary: "Read an account",
    answers: { 200: json("Account") },
  },
  "DELETE /v1/accounts/:account": {
    id: "eraseAccount",
    tag: "accounts",
    summary: "Erase an account with all it has",
    answers: { 202: json("Account") },
  },
};
