import {
  ACCOUNT_HEADER,
  IDEMPOTENCY_HEADER,
  MAX_IDEMPOTENCY_KEY,
  REQUEST_ID_HEADER,
} from "@claude-edge/protocol";

import type { Access } from "../access.js";
import { componentSchemas, jsonSchemaOf, refOf, type ComponentName } from "./components.js";
import type { Answer, Operation } from "./operation.js";
import { OPERATIONS } from "./operations.js";

type Json = Record<string, unknown>;

const DESCRIPTION = `The Claude Agent SDK over the network. Answers are JSON; with \`Accept: text/event-stream\` the routes that stream send server-sent events, whose \`id\` is \`seq\`, whose \`event\` is \`kind\` and whose \`data\` is the rest. Send \`Last-Event-ID\` to read on after a broken connection. Each answer has an \`${REQUEST_ID_HEADER}\`.`;

const schemaRef = (name: ComponentName): Json => ({ $ref: refOf(name) });
const parameterRef = (name: string): Json => ({ $ref: `#/components/parameters/${name}` });
const binary: Json = { type: "string", format: "binary" };

const PARAMETERS = {
  Account: {
    name: ACCOUNT_HEADER,
    in: "header",
    description: "The account to act for; only the root key may name one.",
    schema: { type: "string" },
  },
  IdempotencyKey: {
    name: IDEMPOTENCY_HEADER,
    in: "header",
    description: "The same key gives the same answer: a repeated request is carried out once.",
    schema: { type: "string", maxLength: MAX_IDEMPOTENCY_KEY, pattern: "^[!-~]+$" },
  },
  LastEventId: {
    name: "Last-Event-ID",
    in: "header",
    description: "The `seq` to read on after; it wins over `after`.",
    schema: { type: "integer", minimum: 0 },
  },
};

/** The keys that open a route: the root key, and tokens with one of the scopes. */
function securityOf(access: Access | "root key"): Json[] {
  if (access === "root key") return [{ rootKey: [] }];
  const also = access.also === undefined ? [] : [access.also];
  return [{ rootKey: [] }, ...access.scopes.map((scope) => ({ token: [scope, ...also] }))];
}

/** `/v1/sessions/:id/files/:path{[^]+}` as `/v1/sessions/{id}/files/{path}`. */
const templateOf = (path: string) => path.replaceAll(/:(\w+)(\{[^}]+\})?/g, "{$1}");

function parametersOf(method: string, path: string, operation: Operation): Json[] {
  const { query = {}, conditions = [], events, isSentOnce } = operation;
  const named = [...templateOf(path).matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(query).map(([name, schema]) => ({
    name,
    in: "query",
    schema: jsonSchemaOf(schema),
  }));
  return [
    ...named,
    ...inQuery,
    ...conditions.map((name) => ({ name, in: "header", schema: { type: "string" } })),
    ...(events && query.after ? [parameterRef("LastEventId")] : []),
    ...(method === "POST" && !isSentOnce ? [parameterRef("IdempotencyKey")] : []),
    ...(path.startsWith("/v1/accounts") ? [] : [parameterRef("Account")]),
  ];
}

/** OpenAPI 3.1 has no word for the data of a stream's events; `x-event-data` names its schema. */
const eventStream = (of: ComponentName): Json => ({
  "text/event-stream": {
    schema: {
      type: "string",
      description: `Server-sent events; the data of each is ${of} without \`kind\`.`,
      "x-event-data": refOf(of),
    },
  },
});

function answerOf(status: number, answer: Answer | null, { summary, events }: Operation): Json {
  const description = status < 300 ? summary : "Not modified";
  if (answer === null) return { description };
  if ("bytes" in answer) return { description, content: { [answer.bytes]: { schema: binary } } };
  const json = { "application/json": { schema: schemaRef(answer.json) } };
  return { description, content: events ? { ...json, ...eventStream(events.of) } : json };
}

function responsesOf(operation: Operation): Json {
  const { answers, events, summary } = operation;
  const listed = Object.entries(answers).map(
    ([status, answer]) => [status, answerOf(Number(status), answer, operation)] as const,
  );
  // A stream is a 200, also where JSON is a 202.
  const isListed = events === undefined || "200" in answers;
  return {
    ...(isListed ? {} : { 200: { description: summary, content: eventStream(events.of) } }),
    ...Object.fromEntries(listed),
    default: { $ref: "#/components/responses/Error" },
  };
}

function operationOf(method: string, path: string, access: Access | "root key"): Json {
  const operation = OPERATIONS[`${method} ${path}`];
  if (operation === undefined) throw new Error(`${method} ${path} is not in the OpenAPI.`);
  const { id, tag, summary, body } = operation;
  const content =
    body === undefined
      ? {}
      : body.includes("/")
        ? { requestBody: { required: true, content: { [body]: { schema: binary } } } }
        : {
            requestBody: {
              required: true,
              content: { "application/json": { schema: schemaRef(body as ComponentName) } },
            },
          };
  return {
    operationId: id,
    tags: [tag],
    summary,
    security: securityOf(access),
    parameters: parametersOf(method, path, operation),
    ...content,
    responses: responsesOf(operation),
  };
}

const open = (operationId: string, summary: string, schema: Json): Json => ({
  get: {
    operationId,
    tags: ["deployment"],
    summary,
    security: [],
    responses: { 200: { description: summary, content: { "application/json": { schema } } } },
  },
});

/** The API as OpenAPI 3.1. @param routes The route table. */
export function openApiDocument(
  version: string,
  routes: Readonly<Record<string, Access | "root key">>,
): Json {
  const paths: Record<string, Json> = {
    "/health": open("getHealth", "Whether the deployment is up", schemaRef("Health")),
    "/v1/openapi.json": open("getOpenApi", "This document", { type: "object" }),
  };
  for (const [route, access] of Object.entries(routes)) {
    const [method = "", path = ""] = route.split(" ");
    const operation = operationOf(method, path, access);
    const template = templateOf(path);
    paths[template] = { ...paths[template], [method.toLowerCase()]: operation };
  }
  const event = { "application/json": { schema: schemaRef("WebhookEvent") } };
  return {
    openapi: "3.1.0",
    info: {
      title: "claude-edge",
      version,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    // A Worker may serve the API under a prefix: this is relative to the document's own address.
    servers: [{ url: ".." }],
    paths,
    webhooks: {
      event: {
        post: {
          operationId: "onEvent",
          summary: "Sent to webhooks, signed as Standard Webhooks",
          requestBody: { required: true, content: event },
          responses: { "2XX": { description: "It was received" } },
        },
      },
    },
    components: {
      schemas: componentSchemas(),
      parameters: PARAMETERS,
      responses: {
        Error: {
          description: "It was refused, or has failed",
          content: { "application/json": { schema: schemaRef("Error") } },
        },
      },
      securitySchemes: {
        rootKey: { type: "http", scheme: "bearer", description: "The deployment's root key." },
        token: {
          type: "http",
          scheme: "bearer",
          description: "A token of an account, with scopes.",
        },
      },
    },
  };
}
