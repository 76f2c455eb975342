/** The page of server.ts, which says how to run it: asks what is in the form, and shows the answer as it is written. */
import { ClaudeEdge, ClaudeEdgeError, type Session, type Turn } from "@claude-edge/client";

// The page's own server passes requests on and puts the key in: there is none here.
const edge = new ClaudeEdge({ baseURL: location.origin, token: "none" });

const form = document.querySelector("form")!;
const stop = form.elements.namedItem("stop") as HTMLButtonElement;
const output = document.querySelector("output")!;
let session: Session | undefined;
let turn: Turn | undefined;

async function ask(prompt: string): Promise<void> {
  output.textContent = "";
  try {
    session ??= await edge.sessions.create();
    turn = session.send(prompt);
    stop.disabled = false;
    for await (const piece of turn.text()) output.append(piece);
    output.dataset.state = "done";
  } catch (error) {
    if (!(error instanceof ClaudeEdgeError)) throw error;
    output.append(` [${error.code}: ${error.message}]`);
    output.dataset.state = "failed";
  } finally {
    stop.disabled = true;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void ask(String(new FormData(form).get("prompt")));
});
stop.addEventListener("click", () => void turn?.interrupt());

// #ask asks at once.
if (location.hash === "#ask") form.requestSubmit();
