import type { Session, Usage, UsageFigures } from "@claude-edge/client";

/** What the Agent SDK says a session has used by the end of a turn. */
export interface Sums {
  total_cost_usd: number;
  modelUsage: Record<string, Record<string, number>>;
}

/** How a turn ended, what it used, and what its session had used by then. */
export interface Ended {
  status: string;
  usage: Usage | undefined;
  sums: Sums | undefined;
}

/** Sends a prompt and reads to the end; `interruptAt`: stopped once this has been said. */
export async function run(session: Session, prompt: string, interruptAt?: string): Promise<Ended> {
  const turn = session.send(prompt);
  const ended: Ended = { status: "", usage: undefined, sums: undefined };
  let said = "";
  for await (const event of turn) {
    if (event.kind === "delta") said += JSON.stringify(event.message);
    if (interruptAt && said.includes(interruptAt)) {
      said = "";
      await turn.interrupt();
    }
    if (event.kind === "message" && event.message.type === "result") {
      ended.sums = event.message as unknown as Sums;
    }
    if (event.kind === "turn") Object.assign(ended, { status: event.status, usage: event.usage });
  }
  return ended;
}

/** Costs as whole picodollars: the Agent SDK's are sums of floating point numbers. */
export const pico = (dollars: number): number => Math.round(dollars * 1e12);

export const exact = ({
  cost_usd,
  ...figures
}: UsageFigures): Omit<UsageFigures, "cost_usd"> & { cost: number } => ({
  ...figures,
  cost: pico(cost_usd),
});

/** The Agent SDK's figures under our names. */
export const ofSdk = (turns: number, of: Record<string, number>): ReturnType<typeof exact> => ({
  turns,
  input_tokens: of.inputTokens!,
  output_tokens: of.outputTokens!,
  cache_read_input_tokens: of.cacheReadInputTokens!,
  cache_creation_input_tokens: of.cacheCreationInputTokens!,
  cost: pico(of.costUSD!),
});

/** What all models together have used. */
export function sumOf(models: Record<string, number>[]): Record<string, number> {
  const sum = (field: string) => models.reduce((total, of) => total + of[field]!, 0);
  return Object.fromEntries(Object.keys(models[0]!).map((field) => [field, sum(field)]));
}

/** A prompt that has a subagent of a model help, and waits for it: what it uses later would be in no turn's usage. */
export const subagent = (model: string): string =>
  `%cache 700 30\n%tool Agent ${JSON.stringify({
    description: "helps",
    prompt: "%cache 77 7 3\n%say Helped.",
    subagent_type: "general-purpose",
    model,
    run_in_background: false,
  })}\n%say Thanks.`;
