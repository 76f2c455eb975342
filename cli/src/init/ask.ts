import type { Context } from "../context.js";
import type { InitFlags } from "./options.js";
import { toName } from "./options.js";

/** What is asked of whoever has given no flag for it; undefined when they have had enough. */
export async function askForInit(
  argument: string | undefined,
  flags: InitFlags,
  { stdin, stderr, signal }: Context,
): Promise<(InitFlags & { folder: string }) | undefined> {
  const clack = await import("@clack/prompts");
  // @clack wants a terminal's streams; both are, or nobody would be asked.
  const terminal = { input: stdin as never, output: stderr as never, signal };
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
}
