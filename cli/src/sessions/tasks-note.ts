/** How many tasks run in the background, in words. */
export const tasksNote = (tasks: number): string =>
  `${tasks} ${tasks === 1 ? "task runs" : "tasks run"} in the background`;
