/** The worker's side: loads one environment and answers questions about it, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorText, required } from '../../../src/base/errors.ts';
import { importDefault } from '../../../src/base/modules.ts';
import type { EnvironmentHost, Session } from './environment.ts';
import { asEnvironment, hostInProcess } from './host.ts';
import type { Answer, Question, WorkerStart } from './worker-host.ts';

const { path, limits } = workerData as WorkerStart;
const port = required(parentPort, 'the port of the worker');

async function load(): Promise<EnvironmentHost> {
  const environment = asEnvironment(await importDefault(path, 'ENVIRONMENT'), path);
  // Time is kept by the process, which stops this thread.
  return hostInProcess(environment, { ...limits, time_limit: Infinity });
}

const loading = load();
// A failure is told with the first question.
loading.catch(() => undefined);
const sessions = new Map<number, Session>();

async function answer(question: Question): Promise<unknown> {
  const host = await loading;
  switch (question.kind) {
    case 'describe': {
      const { name, description, tools } = host;
      return { name, description, tools };
    }
    case 'problems':
      return host.problems(question);
    case 'close':
      sessions.delete(question.session);
      return null;
    case 'call': {
      const { session, call, from } = question;
      if (from !== undefined) sessions.set(session, host.open(from.setting));
      const known = required(sessions.get(session), 'a session');
      for (const { name, given } of from?.calls ?? []) await known.call(name, given);
      return known.call(call.name, call.given);
    }
    default:
      return question satisfies never;
  }
}

port.on('message', ({ id, question }: { id: number; question: Question }) => {
  answer(question).then(
    (value) => port.postMessage({ id, value } satisfies Answer),
    (thrown: unknown) => port.postMessage({ id, value: null, fault: errorText(thrown) } satisfies Answer),
  );
});
