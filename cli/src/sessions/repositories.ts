import type { EdgeEvent, SessionOptions } from "@claude-edge/client";

import { printable } from "../terminal/printable.js";

/** The flags that name repositories, once parsed. */
export interface RepositoryFlags {
  /** `<url>` or `<url>#<ref>`. */
  repo?: string[];
  repoSecret?: string;
  repoDepth?: number;
}

/** The repositories of a new session; undefined without any. */
export function repositoriesOf({
  repo,
  repoSecret,
  repoDepth,
}: RepositoryFlags): SessionOptions["repositories"] {
  return repo?.map((given) => {
    const [url = "", ...ref] = given.split("#");
    return {
      url,
      ...(ref.length > 0 ? { ref: ref.join("#") } : {}),
      ...(repoSecret === undefined ? {} : { secret: repoSecret }),
      ...(repoDepth === undefined ? {} : { depth: repoDepth }),
    };
  });
}

/** For people: what the turn waits for. Empty for every other event. */
export function repositoryNote(event: EdgeEvent): string {
  if (event.kind !== "repository" || event.status !== "cloning") return "";
  return `note: cloning ${printable(event.url)} into ${printable(event.path)}\n`;
}
