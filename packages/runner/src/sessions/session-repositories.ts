import { rm } from "node:fs/promises";
import { join } from "node:path";

import { repositoryPath, type Repository } from "@claude-edge/protocol";
import type { RepositoryFrame } from "@claude-edge/protocol/runner";

import { makeSessionFolders, SESSION_MARK } from "../process/environment.js";
import type { ProcessPolicy } from "../process/policy.js";
import { environmentOf, type RunnerSetup } from "../process/sdk-options.js";
import { clone, MAX_REPOSITORY_BYTES } from "../repositories/clone.js";
import { error } from "../repositories/failure.js";
import { moveTo, placeOf, type Place } from "../repositories/place.js";
import type { SessionFiles } from "./session-files.js";
import type { Turn } from "./turn.js";

/** @throws EdgeError `repository_unauthorized` for a secret that is not set. */
function assertHasSecret({ start }: Turn, repository: Repository): void {
  const { secret, url } = repository;
  if (secret === undefined || start.options.variables?.[secret] !== undefined) return;
  const way = `claude-edge secrets set ${secret} --host ${new URL(url).host}`;
  const what = `names the secret ${secret}, which is not set for this session. To set it: ${way}`;
  throw error("repository_unauthorized", repository, what);
}

/** How long all clones before one turn may take, milliseconds. */
const CLONE_MS = 10 * 60_000;

/** How long a host may say nothing, milliseconds. */
const SILENCE_MS = 60_000;

/** The most that the time is longer where somebody may be asked about a host, milliseconds. */
const MAX_HOLD_MS = 60 * 60_000;

/** Where a session's clones are made, in the file system of the workspaces. */
export const cloningFolder = (workspaces: string, session: string): string =>
  join(workspaces, ".cloning", session);

interface RepositoriesContext {
  setup: RunnerSetup;
  policy: Pick<ProcessPolicy, "niceness" | "maxWorkspaceFiles">;
  files: SessionFiles;
  /** Appends a state of a repository to the log. */
  emit(turn: string, repository: RepositoryFrame["repository"]): void;
}

/** The repositories of one session. */
export class SessionRepositories {
  readonly #session: string;
  readonly #context: RepositoriesContext;

  constructor(session: string, context: RepositoriesContext) {
    this.#session = session;
    this.#context = context;
  }

  /**
   * Clones the repositories of a turn's options whose folders are not in the workspace. A clone appears there at once when it
   * is whole, so one that is there needs no mark of its own. Ends early when the turn is interrupted or over.
   * @throws EdgeError `repository_…`, `disk_full`, `workspace_unavailable`.
   */
  async ensure(turn: Turn): Promise<void> {
    const { repositories = [] } = turn.start.options;
    if (repositories.length === 0) return;
    if ((await this.#placesOf(repositories)).every(({ place }) => place === "repository")) return;
    const { files } = this.#context;
    await files.arrival(turn);
    if (turn.isInterrupted) return;
    const places = await this.#placesOf(repositories);
    for (const { repository, path, place } of places) {
      if (place === "taken") throw taken(repository, path);
    }
    const missing = places.filter(({ place }) => place === "free");
    if (missing.length === 0) return;
    const ended = new AbortController();
    void Promise.race([turn.interruption, turn.over]).then(() => ended.abort());
    const timeout = AbortSignal.timeout(CLONE_MS + holdOf(turn));
    const signal = AbortSignal.any([ended.signal, timeout]);
    for (const { repository, path } of missing) {
      assertHasSecret(turn, repository);
      try {
        await this.#clone(turn, repository, path, signal);
      } catch (thrown) {
        if (ended.signal.aborted) return;
        if (!timeout.aborted) throw thrown;
        const limit = `${CLONE_MS / 60_000} minutes`;
        throw error("repository_too_large", repository, `could not be cloned within ${limit}.`);
      }
    }
  }

  async #clone(turn: Turn, repository: Repository, path: string, signal: AbortSignal) {
    const { setup, policy, files, emit } = this.#context;
    const folders = await makeSessionFolders(setup.folders, this.#session);
    // Without the mark: what the session's last process has left is killed by it, which may still be going on.
    const { [SESSION_MARK]: _mark, ...env } = environmentOf(
      setup,
      this.#session,
      folders,
      turn.start.options,
    );
    const limits = { bytes: MAX_REPOSITORY_BYTES, files: policy.maxWorkspaceFiles };
    const folder = cloningFolder(setup.folders.workspaces, this.#session);
    const told = { url: repository.url, path };
    emit(turn.id, { ...told, status: "cloning" });
    try {
      const silenceMs = SILENCE_MS + holdOf(turn);
      const given = { env, niceness: policy.niceness, silenceMs, signal };
      const commit = await clone(repository, folder, given, limits);
      signal.throwIfAborted();
      await moveTo(folders.workspace, path, folder).catch((cause: NodeJS.ErrnoException) => {
        const isInTheWay = ["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(cause.code ?? "");
        throw isInTheWay ? taken(repository, path) : cause;
      });
      // The next tool waits for it, the prompt does not.
      turn.onFilesChanged();
      void files.checkpoint(turn.id, "clone");
      emit(turn.id, { ...told, status: "cloned", ...(commit === undefined ? {} : { commit }) });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #placesOf(
    repositories: readonly Repository[],
  ): Promise<{ repository: Repository; path: string; place: Place }[]> {
    const workspace = join(this.#context.setup.folders.workspaces, this.#session);
    return Promise.all(
      repositories.map(async (repository) => {
        const path = repositoryPath(repository);
        return { repository, path, place: await placeOf(workspace, path) };
      }),
    );
  }
}

/** The gateway holds a request for so long while somebody is asked whether its host is allowed. */
const holdOf = ({ start }: Turn) => Math.min(start.hold_ms, MAX_HOLD_MS);

const taken = (repository: Repository, path: string) =>
  error(
    "repository_path_taken",
    repository,
    `is to be cloned into ${JSON.stringify(path)}, and something else is there.`,
  );
