import type { Context } from "../context.js";
import { inTerminal } from "../terminal/prompts.js";
import { toName, type InitFlags } from "./options.js";

/** What is asked of whoever has given no flag for it; undefined when they have had enough. */
export async function askForInit(
  argument: string | undefined,
  flags: InitFlags,
  context: Context,
): Promise<(InitFlags & { folder: string }) | undefined> {
  if (argument !== undefined && flags.isolation !== undefined)
    return { ...flags, folder: argument };
  return inTerminal(context, context.signal, async ({ clack, ...terminal }) => {
    const folder =
      argument ??
      (await clack.text({
        ...terminal,
        message: "Where should it be made?",
        placeholder: "my-agent",
        defaultValue: "my-agent",
        validate: (value) =>
          !value || flags.name !== undefined || toName(value.split(/[\\/]/).at(-1)!)
            ? undefined
            : "Its name must begin with a letter.",
      }));
    if (clack.isCancel(folder)) return undefined;
    const isolation =
      flags.isolation ??
      (await clack.select({
        ...terminal,
        message: "What gets a container of its own?",
        options: [
          {
            value: "account",
            label: "Each account",
            hint: "its sessions share it; cheaper, starts faster",
          },
          {
            value: "session",
            label: "Each session",
            hint: "the sessions of an account are kept apart too",
          },
        ],
      }));
    if (clack.isCancel(isolation)) return undefined;
    return { ...flags, folder, isolation };
  });
}
