/** The Worker before it: a container for each account, started at its first request. */
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

export class Gateway extends WorkerEntrypoint {
  fetch(request) {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.set("x-api-key", this.env.ANTHROPIC_API_KEY);
    headers.delete("host");
    const { method, body } = request;
    return fetch(`${this.env.ANTHROPIC_BASE_URL}${pathname}${search}`, { method, headers, body });
  }
}

export class ContainerDO extends DurableObject {
  async fetch(request) {
    const { container } = this.ctx;
    const port = container.getTcpPort(8080);
    if (!container.running) {
      await container.interceptOutboundHttp("model.internal", this.ctx.exports.Gateway({}));
      const env = { ANTHROPIC_BASE_URL: "http://model.internal", ANTHROPIC_API_KEY: "placeholder" };
      container.start({ enableInternet: false, env });
      const signal = () => AbortSignal.timeout(1_000);
      const answers = () =>
        port.fetch("http://x/health", { signal: signal() }).then(
          ({ ok }) => ok,
          () => false,
        );
      while (!(await answers())) await scheduler.wait(50);
    }
    return port.fetch("http://x/", { method: "POST", body: await request.text() });
  }
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    return env.CONTAINER.getByName(pathname.slice(1)).fetch(request);
  },
};
