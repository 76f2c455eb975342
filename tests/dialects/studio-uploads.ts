import type { TestStack } from "../support/stack.js";

/** The smallest images that a model takes, by their first bytes. */
export const PNG: Buffer<ArrayBuffer> = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==",
  "base64",
);
export const JPEG: Buffer<ArrayBuffer> = Buffer.from(
  "ffd8ffe000104a46494600010100000100010000ffd9",
  "hex",
);
export const GIF: Buffer<ArrayBuffer> = Buffer.from(
  "GIF89a\x01\x00\x01\x00\x00\x00\x00;",
  "latin1",
);
export const WEBP: Buffer<ArrayBuffer> = Buffer.from(
  "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00",
  "latin1",
);

export interface Uploaded {
  originalName: string;
  filename: string;
  r2Key: string;
  size: number;
  mimetype: string;
  url: string;
  path: string;
}

export interface UploadAnswer {
  success: boolean;
  count?: number;
  files?: Uploaded[];
  errors?: string[];
  error?: string;
  code?: string;
}

export const formOf = (...files: [name: string, bytes: Uint8Array, type?: string][]): FormData => {
  const form = new FormData();
  for (const [name, bytes, type = "image/png"] of files) {
    form.append("images", new Blob([bytes as Uint8Array<ArrayBuffer>], { type }), name);
  }
  return form;
};

/** Uploads a form. */
export async function send(
  edge: TestStack,
  account: string,
  body: BodyInit,
  headers: Record<string, string> = {},
): Promise<{ status: number; answer: UploadAnswer }> {
  const response = await edge.fetch("/api/upload", {
    method: "POST",
    account,
    headers,
    body,
    duplex: "half",
  } as RequestInit);
  return { status: response.status, answer: (await response.json()) as UploadAnswer };
}
