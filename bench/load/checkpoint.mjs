/** What a large checkpoint of one session does to another that streams. */
import { openReaders, RATE, startLoadStack } from "./main.mjs";

const FILE_BYTES = 1024 * 1024;
const READERS = 5;

/** Delays of one session's events, alone and beside another's checkpoint, in R2 as a deployment has it. */
export async function measureCheckpoint({ megabytes = 500, seconds = 30 } = {}) {
  const stack = await startLoadStack({ r2: true });
  const program = { files: megabytes, bytes: FILE_BYTES };
  try {
    const [streaming, large] = [await stack.create(), await stack.create()];
    await stack.run(large, { ...program, prepare: true });
    const stream = async () => {
      const { figures } = await openReaders(stack, [streaming], READERS);
      await stack.send(streaming, { seconds, rate: RATE });
      return figures;
    };
    const alone = await stream();
    const beside = stream();
    const started = performance.now();
    await stack.run(large, program);
    const took = (performance.now() - started) / 1_000;
    return { megabytes, checkpoint_seconds: took, alone, beside: await beside };
  } finally {
    await stack.stop();
  }
}
