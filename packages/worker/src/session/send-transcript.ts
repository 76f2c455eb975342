import { callRunner, type ContainerStub, type RunnerAnswer } from "../container/runner-client.js";
import type { RunnerRefusal } from "./runner-refusal.js";
import type { Store } from "./store.js";
import { REWOUND } from "./transcripts.js";

/** Sends the session's transcript to the runner, if it does not have it. `refusal`: the runner's. */
export async function sendTranscript(
  store: Store,
  container: ContainerStub,
): Promise<{ isSent: boolean; refusal?: RunnerAnswer<Partial<RunnerRefusal>> }> {
  const boot = store.followed?.boot ?? null;
  const known = store.transcriptBoot;
  // An empty transcript after a rewind must still be sent: the process remembers more.
  const isNew = store.transcripts.isEmpty && known !== REWOUND;
  if (known === boot || isNew) return { isSent: false };
  const path = `/sessions/${store.id}/transcript`;
  const answer = await callRunner<Partial<RunnerRefusal>>(
    container,
    "PUT",
    path,
    store.transcripts.stream(),
  );
  // A turn that was abandoned here may still be ending there.
  if (answer.body.error === "turn_running") return { isSent: false, refusal: answer };
  if (!answer.ok) throw new Error(`the runner answered ${answer.status} to a transcript`);
  store.setTranscriptBoot(boot);
  return { isSent: true };
}
