import * as z from "zod/mini";

import { filePage, flag, json, page, text, type Operation } from "./operation.js";

/** The files of a session. */
export const FILES: Record<string, Operation> = {
  "GET /v1/sessions/:id/files": {
    id: "listFiles",
    tag: "files",
    summary: "What a folder of the workspace holds",
    query: { path: text, recursive: flag, at: text, ...filePage },
    answers: { 200: json("FileList") },
  },
  "GET /v1/sessions/:id/files/:path{[^]+}": {
    id: "getFile",
    tag: "files",
    summary: "Read a file",
    query: { at: text },
    conditions: ["If-None-Match", "Range"],
    answers: {
      200: { bytes: "application/octet-stream" },
      206: { bytes: "application/octet-stream" },
      304: null,
    },
  },
  "PUT /v1/sessions/:id/files/:path{[^]+}": {
    id: "putFile",
    tag: "files",
    summary: "Write a file",
    query: { mode: z.string().check(z.regex(/^0?[0-7]{3}$/)) },
    conditions: ["If-Match", "If-None-Match"],
    body: "application/octet-stream",
    answers: { 200: json("FileWritten") },
  },
  "DELETE /v1/sessions/:id/files/:path{[^]+}": {
    id: "deleteFile",
    tag: "files",
    summary: "Delete a file, or with `recursive` a folder",
    query: { recursive: flag },
    conditions: ["If-Match"],
    answers: { 200: json("FileWritten") },
  },
  "GET /v1/sessions/:id/tar": {
    id: "getTar",
    tag: "files",
    summary: "A folder as a tar",
    query: { path: text, at: text },
    answers: { 200: { bytes: "application/x-tar" } },
  },
  "PUT /v1/sessions/:id/tar": {
    id: "putTar",
    tag: "files",
    summary: "Put the files of a tar into a folder, all at once",
    query: { path: text },
    body: "application/x-tar",
    answers: { 200: json("FileWritten") },
  },
  "GET /v1/sessions/:id/diff": {
    id: "diffFiles",
    tag: "files",
    summary: "What differs between two states",
    query: { from: text, to: text, ...filePage },
    answers: { 200: json("FileDiff") },
  },
  "GET /v1/sessions/:id/checkpoints": {
    id: "listCheckpoints",
    tag: "files",
    summary: "The states of the files that are kept",
    query: page,
    answers: { 200: json("CheckpointList") },
  },
};
