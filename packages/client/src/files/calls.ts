import type {
  Attachment,
  CheckpointList,
  CheckpointResource,
  FileChange,
  FileDiff,
  FileEntry,
  FileList,
  FileWritten,
  Rewound,
} from "@claude-edge/protocol/wire";

import type {
  DeleteFileOptions,
  DiffFilesOptions,
  FileCallOptions,
  GetFileOptions,
  GetTarOptions,
  ListCheckpointsOptions,
  ListFilesOptions,
  PutFileOptions,
  PutTarOptions,
} from "../files.js";
import type { CallOptions } from "../sessions.js";
import type { RequestOptions, Transport } from "../transport.js";
import type { PromptAttachment } from "../prompt-body.js";
import { toWire } from "./attachments.js";
import { FileDownload, openDownload } from "./download.js";
import { isCheckpointList, isFileDiff, isFileList, isFileWritten, isRewound } from "./forms.js";
import type { Kit } from "./kit.js";
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
    let page: FileList | undefined;
    for (let left = limit; left > 0;) {
      const query = queryOf({
        path: folder,
        recursive: recursive || undefined,
        // Later pages are of the state that the first was of, whatever is written meanwhile.
        at: page?.checkpoint ?? at,
        cursor: page?.next_cursor,
        limit: pageSize(left),
      });
      page = this.#kit.parseAnswer(isFileList, await this.#read(`/files${query}`, signal));
      yield* page.entries.slice(0, left);
      left -= page.entries.length;
      if (page.next_cursor === undefined) return;
    }
  }

  async *diff({ from, to, signal }: DiffFilesOptions): AsyncGenerator<FileChange> {
    let page: FileDiff | undefined;
    do {
      const query = queryOf({
        from: page?.from ?? from,
        to: page?.to ?? to,
        cursor: page?.next_cursor,
      });
      page = this.#kit.parseAnswer(isFileDiff, await this.#read(`/diff${query}`, signal));
      yield* page.changes;
    } while (page.next_cursor !== undefined);
  }

  async *checkpoints({
    limit = Infinity,
    signal,
  }: ListCheckpointsOptions): AsyncGenerator<CheckpointResource> {
    let page: CheckpointList | undefined;
    for (let left = limit; left > 0;) {
      const query = queryOf({ cursor: page?.next_cursor, limit: pageSize(left) });
      const answer = await this.#read(`/checkpoints${query}`, signal);
      page = this.#kit.parseAnswer(isCheckpointList, answer);
      yield* page.checkpoints.slice(0, left);
      left -= page.checkpoints.length;
      if (page.next_cursor === undefined) return;
    }
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
    const url = `${this.#session}/tar${queryOf({ path: folder, at })}`;
    const request = { accept: TAR, signal, onProgress };
    const opened = await openDownload(this.#kit, this.#transport, url, request);
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
