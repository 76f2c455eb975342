import type {
  Attachment,
  CheckpointResource,
  FileChange,
  FileDiff,
  FileEntry,
  FileList,
  FileWritten,
  Rewound,
} from "@claude-edge/protocol/wire";

import type { CallOptions } from "../call-options.js";
import type { RequestOptions, Transport } from "../transport.js";
import { toWire, type PromptAttachment } from "./attachments.js";
import { FileDownload, openDownload } from "./download.js";
import { isCheckpointList, isFileDiff, isFileList, isFileWritten, isRewound } from "./forms.js";
import type { Kit } from "./kit.js";
import type {
  DeleteFileOptions,
  DiffFilesOptions,
  ExportOptions,
  FileCallOptions,
  GetFileOptions,
  GetTarOptions,
  ListCheckpointsOptions,
  ListFilesOptions,
  PutFileOptions,
  PutTarOptions,
} from "./options.js";
import { filePath, folderPath, queryOf, rangeHeader } from "./place.js";
import { endsAsTar } from "./tar-end.js";
import { uploadOf, type MadeUpload, type UploadData } from "./upload.js";

/** Fewer than a page are asked for by their number; else pages are as large as the deployment makes them. */
const SMALL_PAGE = 100;
const TAR = "application/x-tar";
const FILE = "application/octet-stream";

const pageSize = (limit: number) => (limit < SMALL_PAGE ? limit : undefined);

/** What SessionFiles and all else that has to do with files call: loaded when it is first called. */
export class FileCalls {
  readonly #kit: Kit;
  readonly #transport: Transport;
  /** The session's path. */
  readonly #session: string;

  constructor(kit: Kit, transport: Transport, session: string) {
    this.#kit = kit;
    this.#transport = transport;
    this.#session = session;
  }

  async *list(
    path: string,
    { recursive, at, limit = Infinity, signal }: ListFilesOptions,
  ): AsyncGenerator<FileEntry> {
    const folder = folderPath(this.#kit, path);
    let first: FileList | undefined;
    yield* this.#kit.paged(limit, async (cursor, left) => {
      const query = queryOf({
        path: folder,
        recursive: recursive || undefined,
        // Later pages are of the state that the first was of, whatever is written meanwhile.
        at: first?.checkpoint ?? at,
        cursor,
        limit: pageSize(left),
      });
      const page = this.#kit.parseAnswer(isFileList, await this.#read(`/files${query}`, signal));
      first ??= page;
      return { items: page.entries, next_cursor: page.next_cursor };
    });
  }

  async *diff({ from, to, signal }: DiffFilesOptions): AsyncGenerator<FileChange> {
    let first: FileDiff | undefined;
    yield* this.#kit.paged(Infinity, async (cursor) => {
      const query = queryOf({ from: first?.from ?? from, to: first?.to ?? to, cursor });
      const page = this.#kit.parseAnswer(isFileDiff, await this.#read(`/diff${query}`, signal));
      first ??= page;
      return { items: page.changes, next_cursor: page.next_cursor };
    });
  }

  async *checkpoints({
    limit = Infinity,
    signal,
  }: ListCheckpointsOptions): AsyncGenerator<CheckpointResource> {
    yield* this.#kit.paged(limit, async (cursor, left) => {
      const query = queryOf({ cursor, limit: pageSize(left) });
      const answer = await this.#read(`/checkpoints${query}`, signal);
      const { checkpoints, next_cursor } = this.#kit.parseAnswer(isCheckpointList, answer);
      return { items: checkpoints, next_cursor };
    });
  }

  async get(
    path: string,
    { at, range, ifNoneMatch, onProgress, signal }: GetFileOptions,
  ): Promise<FileDownload | undefined> {
    const headers = {
      ...(range && { range: rangeHeader(this.#kit, range) }),
      ...(ifNoneMatch !== undefined && { "if-none-match": `"${ifNoneMatch}"` }),
    };
    const opened = await openDownload(this.#kit, this.#transport, this.#file(path, { at }), {
      accept: FILE,
      headers,
      signal,
      onProgress,
    });
    return opened && new FileDownload(this.#kit, path, opened);
  }

  async tar(
    path: string,
    { at, onProgress, signal }: GetTarOptions,
  ): Promise<ReadableStream<Uint8Array>> {
    const folder = folderPath(this.#kit, path);
    return this.#tar(`/tar${queryOf({ path: folder, at })}`, { signal, onProgress });
  }

  /** The session itself as a tar. */
  export(options: ExportOptions): Promise<ReadableStream<Uint8Array>> {
    return this.#tar("/export", options);
  }

  async #tar(path: string, options: ExportOptions): Promise<ReadableStream<Uint8Array>> {
    const request = { accept: TAR, ...options };
    const opened = await openDownload(this.#kit, this.#transport, this.#session + path, request);
    return opened!.stream.pipeThrough(endsAsTar(this.#kit));
  }

  async put(
    path: string,
    data: UploadData,
    { mode, ifMatch, ifNoneMatch, onProgress, signal }: PutFileOptions,
  ): Promise<FileWritten> {
    const headers = {
      ...(ifMatch !== undefined && { "if-match": `"${ifMatch}"` }),
      ...(ifNoneMatch !== undefined && { "if-none-match": ifNoneMatch }),
    };
    const url = this.#file(path, { mode: mode?.toString(8) });
    return this.#write(url, await uploadOf(data, FILE, onProgress), { headers, signal });
  }

  async putTar(
    data: UploadData,
    { path = "", onProgress, signal }: PutTarOptions,
  ): Promise<FileWritten> {
    const url = `${this.#session}/tar${queryOf({ path: folderPath(this.#kit, path) })}`;
    return this.#write(url, await uploadOf(data, TAR, onProgress), { signal });
  }

  async remove(path: string, { recursive, signal }: DeleteFileOptions): Promise<FileWritten> {
    const url = this.#file(path, { recursive: recursive || undefined });
    const answer = await this.#transport.json(url, { method: "DELETE", signal });
    return this.#kit.parseAnswer(isFileWritten, answer);
  }

  async rewind(
    turnId: string | null,
    { signal, idempotencyKey = crypto.randomUUID() }: CallOptions,
  ): Promise<Rewound> {
    const call = { method: "POST", body: { turn_id: turnId }, signal, idempotencyKey } as const;
    const answer = await this.#transport.json(`${this.#session}/rewind`, call);
    return this.#kit.parseAnswer(isRewound, answer);
  }

  /** Attachments as they travel with a prompt; `canUpload`: they are for this session. */
  attach(
    attachments: readonly PromptAttachment[],
    { canUpload, signal }: { canUpload: boolean } & FileCallOptions,
  ): Promise<Attachment[]> {
    const upload = (path: string, data: Blob) => this.put(path, data, { signal });
    return toWire(this.#kit, attachments, canUpload ? upload : undefined);
  }

  #file(path: string, query: Parameters<typeof queryOf>[0]): string {
    return `${this.#session}/files/${filePath(this.#kit, path)}${queryOf(query)}`;
  }

  #read(path: string, signal: AbortSignal | undefined): Promise<unknown> {
    return this.#transport.json(this.#session + path, { signal });
  }

  async #write(
    url: string,
    { isOnce, onArrived, ...upload }: MadeUpload,
    options: Pick<RequestOptions, "headers" | "signal">,
  ): Promise<FileWritten> {
    const retries = isOnce ? { maxRetries: 0 } : {};
    const call = { method: "PUT", upload, ...options, ...retries } as const;
    const answer = await this.#transport.json(url, call);
    onArrived?.();
    return this.#kit.parseAnswer(isFileWritten, answer);
  }
}
