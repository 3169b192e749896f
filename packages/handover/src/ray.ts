/**
 * Ray's Jobs REST, as far as a submission needs it. Requests go by node:http and not by fetch, whose Sec-Fetch-Mode
 * header makes Ray's head take a program for a browser and refuse it.
 */
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { z } from 'zod';
import { errorText, shortened, UserError } from '../../../src/base/errors.ts';

const STATUSES = ['PENDING', 'RUNNING', 'STOPPED', 'SUCCEEDED', 'FAILED'] as const;

const versionSchema = z.looseObject({ ray_version: z.string() });
const jobDetails = z.looseObject({
  status: z.enum(STATUSES),
  message: z.string().nullish(),
  driver_exit_code: z.number().nullish(),
});
const logsSchema = z.looseObject({ logs: z.string() });
const stopSchema = z.looseObject({ stopped: z.boolean() });
const submittedSchema = z.looseObject({ submission_id: z.string() });

/** State of a job. */
export type RayJob = z.output<typeof jobDetails>;

/** Ray cannot be reached or does not answer in time; what it was asked may be asked again. */
export class RayUnreachable extends UserError {}

/** Request that submits a job. */
export interface RaySubmission {
  readonly submission_id: string;
  readonly entrypoint: string;
  readonly runtime_env: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Cores and GPUs of one node that are kept for the entrypoint; a node is chosen by them. */
  readonly entrypoint_num_cpus?: number;
  readonly entrypoint_num_gpus?: number;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Milliseconds without a byte after which a request is given up. */
const TIMEOUT = 60_000;

/** Client of a cluster's head. */
export class Ray {
  /** Address of the head, without a slash at its end. */
  readonly url: string;
  readonly #token: string | undefined;

  /** `token` is what the cluster asks for where it was started with RAY_AUTH_MODE=token. Throws a UserError for what is no address. */
  constructor(url: string, token?: string) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol))
      throw new UserError(
        'RAY_URL',
        `${url} is no address of a Ray head; give that of its dashboard, such as http://HEAD:8265.`,
      );
    this.url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  #send(method: string, path: string, body?: Buffer | object): Promise<Reply> {
    const isBytes = Buffer.isBuffer(body);
    const bytes = body === undefined ? undefined : isBytes ? body : Buffer.from(JSON.stringify(body));
    const headers: Record<string, string | number> = {
      ...(bytes !== undefined && {
        'content-type': isBytes ? 'application/octet-stream' : 'application/json',
        'content-length': bytes.length,
      }),
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
    };
    const url = new URL(`${this.url}${path}`);
    const open = url.protocol === 'https:' ? overHttps : overHttp;
    return new Promise((resolve, reject) => {
      const fail = (thrown: unknown): void => {
        const text = `Ray at ${this.url} cannot be reached (${errorText(thrown)}); check the address, and that its head runs (ray status).`;
        reject(new RayUnreachable('RAY_UNREACHABLE', text));
      };
      const sent = open(url, { method, headers, timeout: TIMEOUT }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', fail);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
        );
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer in ${TIMEOUT / 1000} s`)));
      sent.on('error', fail);
      sent.end(bytes);
    });
  }

  /** Reads an answer; throws a UserError where it is a fault, or not what Ray answers. */
  #read<T>({ status, text }: Reply, schema: z.ZodType<T>, what: string): T {
    if (status === 401 || status === 403)
      throw new UserError(
        'RAY_AUTH',
        `Ray at ${this.url} refuses ${what} (HTTP ${status}); set RAY_AUTH_TOKEN to the cluster's token.`,
      );
    // A gateway before a head that is being started again, or a node whose agent is not there yet.
    if (status >= 500)
      throw new RayUnreachable(
        'RAY_FAULT',
        `Ray at ${this.url} cannot do ${what} (HTTP ${status}: ${lastLine(text)}).`,
      );
    try {
      return schema.parse(JSON.parse(text));
    } catch {
      throw new UserError(
        'RAY_ANSWER',
        `${this.url} does not answer like a Ray head (${what}: HTTP ${status}, ${JSON.stringify(shortened(text.trim(), 80))}); give the address of Ray's dashboard, such as http://HEAD:8265.`,
      );
    }
  }

  /** Version of the cluster. */
  async version(): Promise<string> {
    const reply = await this.#send('GET', '/api/version');
    return this.#read(reply, versionSchema, 'its version').ray_version;
  }

  /** State of a submission; undefined where the cluster has none of that name. */
  async job(id: string): Promise<RayJob | undefined> {
    const reply = await this.#send('GET', `/api/jobs/${id}`);
    if (reply.status === 404) return undefined;
    return this.#read(reply, jobDetails, 'the state of a job');
  }

  /** The whole log of a submission so far; empty where the cluster knows none of that name. */
  async logs(id: string): Promise<string> {
    const reply = await this.#send('GET', `/api/jobs/${id}/logs`);
    return reply.status === 404 ? '' : this.#read(reply, logsSchema, 'the log of a job').logs;
  }

  /** Asks a submission to stop. */
  async stop(id: string): Promise<void> {
    this.#read(await this.#send('POST', `/api/jobs/${id}/stop`), stopSchema, 'the stop of a job');
  }

  /** Uploads an archive for jobs to run in, unless it is there; returns its address. Throws a UserError. */
  async upload(name: string, archive: Buffer): Promise<string> {
    const path = `/api/packages/gcs/${name}`;
    const { status } = await this.#send('GET', path);
    if (status !== 200) {
      const reply = await this.#send('PUT', path, archive);
      if (reply.status !== 200) {
        const size = `${(archive.length / 2 ** 20).toFixed(0)} MiB`;
        throw new UserError(
          'RAY_UPLOAD',
          `Ray at ${this.url} does not take the job folder (${size} packed; HTTP ${reply.status}: ${lastLine(reply.text)}); if it is too large for it, put the folder where the cluster sees it and give --shared.`,
        );
      }
    }
    return `gcs://${name}`;
  }

  /** Submits a job. Throws a UserError with Ray's reason where it refuses. */
  async submit(submission: RaySubmission): Promise<void> {
    const reply = await this.#send('POST', '/api/jobs/', submission);
    // A submission of this name is there already: an earlier request came through whose answer did not.
    if (reply.status >= 400 && /already exists|already submitted/.test(reply.text)) return;
    if (reply.status >= 400)
      throw new UserError(
        'RAY_SUBMIT',
        `Ray at ${this.url} refuses the job (HTTP ${reply.status}: ${lastLine(reply.text)}).`,
      );
    this.#read(reply, submittedSchema, 'a submission');
  }
}

/** Last line of a text, which in a traceback is the fault. */
const lastLine = (text: string): string => shortened(text.trim().split('\n').at(-1) ?? '', 200);
