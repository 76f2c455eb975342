import type { ContainerStub } from "../container/runner-client.js";
import type { Env } from "../env.js";
import type { Files } from "../files/files.js";
import type { RunnerLog } from "../log/runner-log.js";
import type { SessionLog } from "../log/session-log.js";
import type { Placement } from "./placement.js";
import type { Requests } from "./requests.js";
import type { Steering } from "./steering.js";
import type { Store } from "./store.js";
import type { WaitingTurns } from "./waiting-turns.js";
import type { WorkspaceSync } from "./workspace-sync.js";

/** The parts of a session that its turns depend on. */
export interface TurnContext {
  ctx: DurableObjectState;
  env: Env;
  store: Store;
  log: SessionLog;
  runnerLog: RunnerLog;
  requests: Requests;
  steering: Steering;
  waiting: WaitingTurns;
  files: Files;
  workspace: WorkspaceSync;
  placement: Placement;
  container(): ContainerStub;
  /** A turn was added, has ended or waits: the account is notified and slots are claimed. */
  onChanged(): void;
}
