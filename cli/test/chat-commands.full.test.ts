import { describe, expect, test } from "vitest";

import { BASH } from "./support/approvals.js";
import { ended, quit, send, shown, useChat } from "./support/chat.js";
import { ENTER } from "./support/keys.js";

const { chat, sessions, stack } = useChat("chat-commands");

describe("the commands of claude-edge chat, and the sessions it goes on in", () => {
  test("/model and /permissions, before the session and in it", async () => {
    const shell = await chat("main", ["--model", "claude-haiku-4-5"]);
    shell.type(`/model${ENTER}`);
    await shell.shows("model: claude-haiku-4-5");
    shell.type(`/model claude-sonnet-5-5${ENTER}`);
    await shell.shows("model: claude-sonnet-5-5");
    shell.type(`/permissions yolo${ENTER}`);
    await shell.shows("must be one of");
    shell.type(`/permissions plan${ENTER}`);
    await shell.shows("permission mode: plan");
    send(shell, "%say One.");
    await shell.shows("claude-sonnet-5-5 ·");
    expect((await sessions("main"))[0]!.options).toMatchObject({
      model: "claude-sonnet-5-5",
      permissionMode: "plan",
    });
    shell.type(`/model claude-opus-5-5${ENTER}`);
    await shell.shows("model: claude-opus-5-5");
    shell.type(`/permissions default${ENTER}`);
    await shell.shows("permission mode: default");
    send(shell, BASH);
    await shell.shows("Deny with a message");
    shell.type(ENTER);
    await shell.shows("claude-opus-5-5 ·");
    expect(await quit(shell)).toBe(0);
  });

  test("/fork, /rename, /new, /resume, /sessions", async () => {
    const before = (await sessions("main")).length;
    const shell = await chat("main");
    shell.type(`/fork${ENTER}`);
    await shell.shows("There is no session to branch yet");
    shell.type(`My cat is called Mia.${ENTER}`);
    await ended(shell);
    const [first] = await sessions("main");
    shell.type(`/rename The  cat${ENTER}`);
    await shell.shows("title: The cat");
    shell.type(`/fork${ENTER}`);
    await shell.shows(`a branch of ${first!.id}`);
    shell.type(`And now?${ENTER}`);
    await shell.shows("called Mia.”");
    await ended(shell);
    shell.type(`/new${ENTER}`);
    await shell.shows("begins a new session");
    shell.type(`My dog is called Rex.${ENTER}`);
    await ended(shell);
    expect(await sessions("main")).toHaveLength(before + 3);
    shell.type(`/resume ${first!.id}${ENTER}`);
    await shell.shows(`session ${first!.id} · The cat`);
    shell.type(`/resume 00000000-0000-4000-8000-000000000000${ENTER}`);
    await shell.shows("error: ");
    shell.type(`/resume${ENTER}`);
    await shell.shows("/resume takes the id");
    shell.type(`/sessions${ENTER}`);
    await shell.shows("Go on in");
    await shell.shows("My dog is called Rex.");
    await shell.shows("The cat");
    shell.type(ENTER);
    await shell.shows("Rex.");
    shell.type(`And now?${ENTER}`);
    await shell.shows("called Rex.”");
    await ended(shell);
    shell.type(`/exit${ENTER}`);
    expect(await shell.ended).toBe(0);
  });

  test("-c goes on with the newest session, -r with the one named, --fork-session in a branch", async () => {
    const before = (await sessions("main")).length;
    const begun = await stack.client("main").sessions.create({ title: "Begun elsewhere" });
    await begun.send("My cat is called Mia.");
    const newest = await chat("main", ["-c"]);
    expect(shown(newest)).toContain(`session ${begun.id.slice(0, 8)} · Begun elsewhere`);
    newest.type(`And now?${ENTER}`);
    await newest.shows("“My cat is called Mia.”");
    await ended(newest);
    expect(await quit(newest)).toBe(0);
    const branch = await chat("main", ["-r", begun.id, "--fork-session"]);
    branch.type(`And here?${ENTER}`);
    await branch.shows("“My cat is called Mia.”");
    await ended(branch);
    expect(await quit(branch)).toBe(0);
    expect(await sessions("main")).toHaveLength(before + 2);
  });

  test("a session whose turn is not over says so, and what is sent comes after it", async () => {
    const session = stack.client("main").sessions.open((await sessions("main"))[0]!.id);
    const before = session.send("%wait 3000\n%say Before.");
    for await (const event of before)
      if (event.kind === "turn" && event.status === "running") break;
    const shell = await chat("main", ["-r", session.id]);
    expect(shown(shell)).toContain("a turn of it is running");
    shell.type(`And now?${ENTER}`);
    await shell.shows("“%wait 3000");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
  });

  test("slash commands: the agent's own are sent, unknown ones are not, // sends a slash", async () => {
    const before = (await sessions("main")).length;
    const shell = await chat("main");
    shell.type(`/modle${ENTER}`);
    await shell.shows("Did you mean /model?");
    expect(await sessions("main")).toHaveLength(before);
    shell.type(`/nothing-like-it${ENTER}`);
    await shell.shows("There is no command /nothing-like-it. /help lists them.");
    shell.type(`//nothing-like-it${ENTER}`);
    await ended(shell);
    shell.type(`/context${ENTER}`);
    await shell.shows("Context Usage");
    await ended(shell);
    shell.type(`/tmp/x.txt is a path${ENTER}`);
    await shell.shows("“/tmp/x.txt is a path”");
    await ended(shell);
    shell.type(`/help${ENTER}`);
    await shell.shows("/rename <title>");
    expect(await quit(shell)).toBe(0);
  });
});
