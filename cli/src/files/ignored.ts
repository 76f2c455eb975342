import { IGNORED_DIRECTORIES } from "@claude-edge/protocol/wire";

/** Folders that a workspace is not checkpointed with are not sent there either. */
const IGNORED: ReadonlySet<string> = new Set(IGNORED_DIRECTORIES);

export const isIgnored = (name: string): boolean => IGNORED.has(name);
