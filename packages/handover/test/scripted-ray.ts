/** Head of a Ray cluster that does what a test says, over HTTP: Jobs REST as far as submit uses it. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface ScriptedJob {
  readonly request: {
    readonly submission_id: string;
    readonly entrypoint: string;
    readonly runtime_env: {
      readonly working_dir?: string;
      readonly env_vars: Readonly<Record<string, string>>;
      readonly pip?: string[];
    };
    readonly metadata: Readonly<Record<string, string>>;
  };
  status: string;
  log: string;
  exitCode?: number;
}

const eventLine = (event: string, facts: object): string => `${JSON.stringify({ event, ...facts })}\n`;

export class ScriptedRay implements AsyncDisposable {
  readonly packages = new Map<string, Buffer>();
  readonly jobs = new Map<string, ScriptedJob>();
  /** Requests by method and path, without names. */
  readonly requests: string[] = [];
  /** Changes a job each time when its state is asked. */
  onState: (job: ScriptedJob) => void = () => undefined;
  /** Tells of a job that has come in, before it is answered. */
  onSubmit: (job: ScriptedJob) => void | Promise<void> = () => undefined;
  /** Answers in place of the head, where it gives something. */
  instead: (method: string, path: string) => { status: number; text: string } | 'cut' | undefined = () =>
    undefined;
  #server: Server | undefined;

  async listen(port = 0): Promise<string> {
    const server = createServer((request, response) => {
      void this.#answer(request).then((answer) => {
        if (answer === 'cut') return void request.socket.destroy();
        response.writeHead(answer.status).end(answer.text);
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  get submitted(): number {
    return this.requests.filter((one) => one === 'POST /api/jobs/').length;
  }

  get job(): ScriptedJob {
    const [job] = [...this.jobs.values()].slice(-1);
    if (job === undefined) throw new Error('nothing was submitted');
    return job;
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; text: string } | 'cut'> {
    const { method = '', url = '' } = request;
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const body = Buffer.concat(parts);
    this.requests.push(`${method} ${url}`);
    // As Ray's head refuses what may be a web page.
    if (method !== 'GET' && request.headers['sec-fetch-mode'] !== undefined)
      return { status: 405, text: "'POST' method not allowed for browser traffic." };
    const given = this.instead(method, url);
    if (given !== undefined) return given;
    const json = (value: unknown) => ({ status: 200, text: JSON.stringify(value) });
    const [, id = '', what = ''] = /^\/api\/jobs\/([^/]+)(?:\/(\w+))?$/.exec(url) ?? [];
    const [, name = ''] = /^\/api\/packages\/gcs\/(.+)$/.exec(url) ?? [];
    if (url === '/api/version') return json({ version: '4', ray_version: '2.60.0' });
    if (name !== '' && method === 'PUT') {
      this.packages.set(name, body);
      return { status: 200, text: '' };
    }
    if (name !== '')
      return this.packages.has(name) ? { status: 200, text: '' } : { status: 404, text: 'no package' };
    if (url === '/api/jobs/' && method === 'POST') {
      const submission = JSON.parse(body.toString('utf8')) as ScriptedJob['request'];
      const { submission_id } = submission;
      if (this.jobs.has(submission_id)) return { status: 400, text: `Job ${submission_id} already exists` };
      const job = { request: submission, status: 'PENDING', log: '' };
      this.jobs.set(submission_id, job);
      await this.onSubmit(job);
      return json({ job_id: submission_id, submission_id });
    }
    const job = this.jobs.get(id);
    if (job === undefined) return { status: 404, text: `Job ${id} does not exist` };
    if (what === 'logs') return json({ logs: job.log });
    if (what === 'stop') {
      job.status = 'STOPPED';
      return json({ stopped: true });
    }
    this.onState(job);
    return json({
      type: 'SUBMISSION',
      submission_id: id,
      status: job.status,
      driver_exit_code: job.exitCode ?? null,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    await new Promise<void>((resolve) => {
      if (server === undefined) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}

/** Versions that a job tells of at its beginning. */
export const versionsLine = (shared: boolean | null = true): string =>
  eventLine('versions', { python: '3.11.7', packages: { trl: '1.16.0' }, host: 'node-1', shared });

export const stepLine = (step: number, steps: number): string =>
  eventLine('step', { step, steps, loss: 1 / step, reward: 0.5, unheard_of: 3, seconds: 2, tokens: 10 });

export const faultLine = (what: string, text: string): string => eventLine('fault', { what, text });

export const outputLine = (
  folder: string,
  files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[],
): string => eventLine('output', { folder, host: 'node-1', files });
