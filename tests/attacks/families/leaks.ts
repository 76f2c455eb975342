import { holds, type Family } from "../attack.ts";
import { askedOfRunners } from "../spied.ts";
import type { World } from "../world.ts";

/** Headers of a caller's that are between it and the Worker: none may reach what runs the agent, or the model. */
const OF_THE_CALLER: Record<string, string> = {
  cookie: "session=marked-cookie",
  "x-api-key": "marked-api-key",
  "proxy-authorization": "Basic marked-proxy",
  "cf-access-client-secret": "marked-cf-access",
  "cf-connecting-ip": "203.0.113.99",
  "cf-ipcountry": "marked-country",
  "cf-container-target-port": "4321",
  "x-forwarded-for": "203.0.113.98",
  "x-claude-code-session-id": "marked-session",
  "x-claude-edge-anything": "marked-anything",
  "x-request-id": "marked-request",
  "x-mine": "marked-mine",
};

/** What those who serve a query see of the request it came with. */
export async function leaks(world: World): Promise<Family> {
  const { stack, mallory, ask, mint } = world;
  const key = await mint({ account: "mallory", scopes: ["admin"] });
  const [runnerBefore, modelBefore] = [askedOfRunners(world).length, stack.model!.requests.length];
  const json = { prompt: "%say marked" };
  const headers = { ...OF_THE_CALLER, "idempotency-key": "marked-idempotency" };
  const answers = [
    await ask("/v1/query", { key, json, headers }),
    await ask("/v1/query", {
      key,
      json,
      headers: { ...OF_THE_CALLER, accept: "text/event-stream" },
    }),
    await ask("/v1/query", { key: stack.token, account: "mallory", json, headers: OF_THE_CALLER }),
    await ask(`/v1/sessions/${mallory.session}/turns`, {
      key,
      json,
      headers: { ...OF_THE_CALLER, accept: "text/event-stream" },
    }),
    await ask(`/v1/sessions/${mallory.session}/control`, {
      key,
      json: { method: "supportedModels" },
      headers: OF_THE_CALLER,
    }),
    await ask("/v1/status", { key, headers: OF_THE_CALLER }),
  ];
  const direct = stack.model!.requests.length;
  // The Messages API passes a request on as it is, but for these.
  const message = {
    model: "claude-opus-5-5",
    max_tokens: 8,
    messages: [{ role: "user", content: "%say x" }],
  };
  answers.push(await ask("/v1/messages", { key, json: message, headers: OF_THE_CALLER }));
  const [passedOn] = stack.model!.requests.slice(direct);
  const runner = askedOfRunners(world).slice(runnerBefore);
  const model = stack.model!.requests.slice(modelBefore, direct);
  const names = (list: string[]) => new Set(list.map((name) => name.toLowerCase()));
  const runnerNames = names(
    runner.flatMap(({ rawHeaders }) => rawHeaders.filter((_, at) => at % 2 === 0)),
  );
  const modelNames = names(model.flatMap(({ headers: sent }) => Object.keys(sent)));
  const values = [...Object.values(OF_THE_CALLER), "marked-idempotency", key, stack.token];
  const among = (what: unknown) => {
    const text = JSON.stringify(what);
    return values.find((value) => text.includes(value));
  };
  const isOfTheEdge = (name: string) => name.startsWith("cf-");

  return {
    controls: [
      holds("the queries were answered", async () =>
        answers.every(({ status }) => status === 200)
          ? undefined
          : answers.map(({ status, text }) => `${status} ${text.slice(0, 80)}`).join(),
      ),
      holds("the runner was asked, and its spy prints headers", async () =>
        runner.length > 3 && runnerNames.has("host") ? undefined : `${runner.length} requests`,
      ),
      holds("the model was asked, with the deployment's key", async () =>
        model.length >= 4 &&
        model.every(({ headers: sent }) => sent["x-api-key"] === stack.model!.key)
          ? undefined
          : `${model.length} requests`,
      ),
    ],
    attacks: [
      ...["authorization", "cookie", "x-api-key", ...Object.keys(OF_THE_CALLER)].map((name) =>
        holds(`${name} to the runner`, async () =>
          runnerNames.has(name) ? "it is there" : undefined,
        ),
      ),
      ...[
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-mine",
        "x-account-id",
        "x-request-id",
      ].map((name) =>
        holds(`${name} to the model`, async () =>
          modelNames.has(name) ? "it is there" : undefined,
        ),
      ),
      holds("any cf-* to the runner", async () => [...runnerNames].find(isOfTheEdge)),
      holds("any cf-* of the caller's to the model", async () =>
        // workerd puts one of its own on every request that a Worker makes.
        [...modelNames].find((name) => isOfTheEdge(name) && name !== "cf-worker"),
      ),
      holds("any value of them to the runner", async () => among(runner)),
      holds("any value of them to the model", async () =>
        among(model.map(({ headers: sent }) => sent)),
      ),
      ...["authorization", "cookie", "proxy-authorization", "x-account-id", "x-forwarded-for"].map(
        (name) =>
          holds(`${name} to the model, by the Messages API`, async () =>
            passedOn && !(name in passedOn.headers) ? undefined : "it is there",
          ),
      ),
      holds("any cf-* or key to the model, by the Messages API", async () => {
        const sent = Object.keys(passedOn?.headers ?? {});
        const text = JSON.stringify(passedOn?.headers ?? key);
        const strange = sent.find((name) => isOfTheEdge(name) && name !== "cf-worker");
        return (
          strange ??
          [key, stack.token, "marked-api-key", "marked-cf"].find((one) => text.includes(one))
        );
      }),
      holds("a key in what Worker and containers print", async () => {
        const printed = world.printed("worker") + world.printed("container");
        return [stack.token, stack.model!.key, key, "eyJ", "marked-"].find((text) =>
          printed.includes(text),
        );
      }),
      holds("a key in an answer", async () => {
        const said = answers
          .map(({ text, headers: got }) => text + JSON.stringify([...got]))
          .join();
        return [stack.token, stack.model!.key, key].find((text) => said.includes(text));
      }),
    ],
  };
}
