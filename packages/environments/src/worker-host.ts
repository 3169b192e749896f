/**
 * An environment that is not trusted, in a worker thread with a limit on time and on heap. When a call breaks a limit
 * the worker is stopped and another one started; conversations that lived in it are played again from their calls.
 * A worker keeps a bad function from stopping the run. It is no sandbox: the module can read and write files.
 */
import type { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { errorText, UserError } from '../../../src/base/errors.ts';
import { startThread } from '../../../src/base/threads.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import type { EnvironmentHost, Limits, Problem, ProblemRequest, Session, ToolResult } from './environment.ts';
import { describedSchema, problemsSchema } from './host.ts';
import { errorResult, timeOut } from './result.ts';

/** Milliseconds in which a module must load, and make its problems. */
const LOAD_MS = 60_000;
/** After so many calls in a row that broke a limit the environment is beyond use. */
const MAX_DEATHS = 25;

export interface WorkerStart {
  readonly path: string;
  readonly limits: Limits;
}

interface Call {
  readonly name: string;
  readonly given: JsonObject;
}

export type Question =
  | { readonly kind: 'describe' }
  | ({ readonly kind: 'problems' } & ProblemRequest)
  | {
      readonly kind: 'call';
      readonly session: number;
      readonly call: Call;
      /** For a session that this worker does not know: its setting, and the calls that were made in it before. */
      readonly from: { readonly setting: JsonObject; readonly calls: readonly Call[] } | undefined;
    }
  | { readonly kind: 'close'; readonly session: number };

/** The answer to the question `id`, or what people are told of an environment that is at fault itself. */
const answerSchema = z.object({ id: z.int(), value: z.unknown(), fault: z.string().optional() });
export type Answer = z.output<typeof answerSchema>;
const resultSchema = z.object({ text: z.string(), ok: z.boolean() });

/** A question was not answered: the worker is gone. */
class Died extends Error {
  readonly why: 'time' | 'memory' | 'exit';

  constructor(why: Died['why'], message: string) {
    super(message);
    this.why = why;
  }
}

/** One worker thread. Questions are asked one at a time; after a Died it is of no more use. */
class Thread {
  readonly #worker: Worker;
  #next = 0;
  #end: Died | undefined;
  #settle: ((outcome: Answer | Died) => void) | undefined;

  constructor(start: WorkerStart) {
    this.#worker = startThread(import.meta.url, 'worker', {
      resourceLimits: { maxOldGenerationSizeMb: start.limits.memory_limit },
      stdout: true,
      stderr: true,
      workerData: start,
    });
    // Output of its own would stand in the middle of the progress bar; unread it would pile up. While it is read the
    // process waits for the thread, whether `unref` was called or not: a thread must be stopped to let a run end.
    this.#worker.stdout.resume();
    this.#worker.stderr.resume();
    this.#worker.on('message', (message: unknown) => {
      const { data } = answerSchema.safeParse(message);
      // A module can post messages of its own, which say nothing.
      if (data?.id === this.#next) this.#settle?.(data);
    });
    this.#worker.on('error', (thrown: NodeJS.ErrnoException | undefined) => {
      const isMemory = thrown?.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#die(isMemory ? new Died('memory', 'out of memory') : new Died('exit', errorText(thrown)));
    });
    this.#worker.on('exit', () => this.#die(new Died('exit', 'it ended its thread')));
  }

  #die(why: Died): void {
    this.#end ??= why;
    this.#settle?.(this.#end);
  }

  /** Asks; throws Died, or a UserError when the environment is at fault. */
  async ask(question: Question, timeMs: number): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    this.#next += 1;
    let timer: NodeJS.Timeout | undefined;
    const outcome = await new Promise<Answer | Died>((resolve) => {
      this.#settle = resolve;
      timer = setTimeout(() => this.#die(new Died('time', 'out of time')), timeMs);
      this.#worker.postMessage({ id: this.#next, question });
    }).finally(() => clearTimeout(timer));
    this.#settle = undefined;
    if (outcome instanceof Died) {
      await this.stop();
      throw outcome;
    }
    if (outcome.fault !== undefined) throw new UserError('ENVIRONMENT', outcome.fault);
    return outcome.value;
  }

  async stop(): Promise<void> {
    this.#end ??= new Died('exit', 'it was stopped');
    await this.#worker.terminate();
  }
}

class WorkerEnvironment {
  readonly #start: WorkerStart;
  readonly #callMs: number;
  /** Undefined until the first question, and after a death. */
  #thread: Thread | undefined;
  #sessions = 0;
  #deaths = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(start: WorkerStart) {
    this.#start = start;
    this.#callMs = 1000 * start.limits.time_limit;
  }

  /** Asks when all that was asked before is answered. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #started(): Promise<Thread> {
    if (this.#thread !== undefined) return this.#thread;
    const thread = new Thread(this.#start);
    this.#thread = thread;
    // Loading has its own limit: a call's begins when the module is there.
    await this.#loaded(thread.ask({ kind: 'describe' }, LOAD_MS));
    return thread;
  }

  /** Waits for what the environment as a whole is asked for, which has to be answered. */
  async #loaded(answer: Promise<unknown>): Promise<unknown> {
    try {
      return await answer;
    } catch (thrown) {
      // A thread whose answer is a fault lives on, until the environment is stopped.
      if (!(thrown instanceof Died)) throw thrown;
      this.#thread = undefined;
      throw new UserError(
        'ENVIRONMENT',
        `The environment in ${this.#start.path} did not load or make its problems: ${thrown.message}; correct it, or raise its limits.`,
      );
    }
  }

  whole(question: Question): Promise<unknown> {
    return this.#inTurn(async () => this.#loaded((await this.#started()).ask(question, LOAD_MS)));
  }

  async problems(request: ProblemRequest): Promise<readonly Problem[]> {
    return problemsSchema.parse(await this.whole({ kind: 'problems', ...request }));
  }

  open(setting: JsonObject): Session {
    const session = (this.#sessions += 1);
    const calls: Call[] = [];
    /** The thread that knows the session. */
    let home: Thread | undefined;
    return {
      call: (name, given) =>
        this.#inTurn(async () => {
          const thread = await this.#started();
          const call = { name, given };
          const from = home === thread ? undefined : { setting, calls };
          try {
            const value = await thread.ask({ kind: 'call', session, call, from }, this.#callMs);
            home = thread;
            this.#deaths = 0;
            calls.push(call);
            return resultSchema.parse(value);
          } catch (thrown) {
            if (!(thrown instanceof Died)) throw thrown;
            return this.#died(name, thrown);
          }
        }),
      close: () => {
        void this.#inTurn(async () => {
          if (home === this.#thread) await home?.ask({ kind: 'close', session }, this.#callMs);
          home = undefined;
        }).catch(() => undefined);
      },
    };
  }

  /** Result of a call that ended the worker; throws a UserError after too many of them. */
  #died(name: string, { why, message }: Died): ToolResult {
    this.#thread = undefined;
    this.#deaths += 1;
    const { path, limits } = this.#start;
    if (this.#deaths >= MAX_DEATHS)
      throw new UserError(
        'ENVIRONMENT',
        `${this.#deaths} calls in a row, the last of ${name}, ended the worker of the environment in ${path} (${message}); correct its functions, or raise its limits.`,
      );
    if (why === 'time') return timeOut(name, limits.time_limit);
    if (why === 'memory')
      return errorResult(`${name} used more than ${limits.memory_limit} MB and was stopped`);
    return errorResult(`${name} failed: ${message}`);
  }

  /** Lets go of the worker; nobody waits for its end. */
  stop(): void {
    void this.#thread?.stop();
    this.#thread = undefined;
  }
}

/** Puts the environment of the module at `path` to work; throws a UserError when it does not load. */
export async function hostInWorker(path: string, limits: Limits): Promise<EnvironmentHost> {
  const environment = new WorkerEnvironment({ path, limits });
  try {
    return {
      ...describedSchema.parse(await environment.whole({ kind: 'describe' })),
      problems: (request) => environment.problems(request),
      open: (setting) => environment.open(setting),
      [Symbol.dispose]: () => environment.stop(),
    };
  } catch (thrown) {
    environment.stop();
    throw thrown instanceof z.ZodError
      ? new UserError('ENVIRONMENT', `The environment in ${path} cannot be read; correct it.`)
      : thrown;
  }
}
