import { until } from "../../../tests/support/wait.js";
import { useProjects } from "./project.js";
import { useCli, type Run } from "./run.js";

/** Projects, and `claude-edge dev` for them. */
export function useDev(): ReturnType<typeof useCli> & {
  makeProject: ReturnType<typeof useProjects>;
  /**
   * Runs `dev` for a project while the test does its work; gives how it ended. In this process, unless the test wants to
   * see what wrangler itself writes to standard error.
   */
  whileDev: (
    project: string,
    work: (url: string, output: () => string, stop: () => Promise<Run>) => Promise<void>,
    as?: "run" | "runProcess",
  ) => Promise<Run>;
} {
  const cli = useCli();
  const makeProject = useProjects();
  return {
    ...cli,
    makeProject,
    async whileDev(project, work, as = "run") {
      let [stdout, stderr] = ["", ""];
      const controller = new AbortController();
      const running = cli[as](["dev", "--port", "0", "--scripted"], {
        cwd: project,
        signal: controller.signal,
        onOutput: (text) => (stdout = text),
        onError: (text) => (stderr = text),
      });
      const stop = () => {
        controller.abort();
        return running;
      };
      try {
        await until("dev is up", () => stdout.endsWith("\n"), 60_000);
        await work(stdout.trim(), () => stderr, stop);
      } finally {
        await stop();
      }
      return running;
    },
  };
}
