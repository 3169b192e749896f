/** The worker's side: loads one environment and answers questions about it, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorText, required } from '../base/errors.ts';
import type { JsonObject } from '../json/value.ts';
import type { ToolResult } from './environment.ts';
import { asEnvironment, LocalEnvironment } from './local.ts';
import type { Answer, Question, WorkerStart } from './protocol.ts';
import { thrownResult } from './result.ts';

const { module: address, limits } = workerData as WorkerStart;
const port = required(parentPort, 'the port of the worker');

async function load(): Promise<LocalEnvironment> {
  const { default: exported } = (await import(address)) as { default?: unknown };
  return new LocalEnvironment(asEnvironment(exported, new URL(address).pathname), limits.resultChars);
}

const loading = load();
// A failure is told with the first question.
loading.catch(() => undefined);
/** Conversations by their number; one whose state could not be made answers every call with that. */
const sessions = new Map<number, { readonly state: unknown; readonly failure?: ToolResult }>();

function begin(local: LocalEnvironment, session: number, setting: JsonObject): void {
  try {
    sessions.set(session, { state: local.start(setting) });
  } catch (thrown) {
    sessions.set(session, { state: undefined, failure: thrownResult(thrown) });
  }
}

async function answer(question: Question): Promise<unknown> {
  const local = await loading;
  switch (question.kind) {
    case 'describe': {
      const { name, description } = local.environment;
      return { name, description: description ?? '', tools: local.tools };
    }
    case 'problems':
      return local.problems(question);
    case 'close':
      sessions.delete(question.session);
      return null;
    case 'call': {
      const { session, call, from } = question;
      if (from !== undefined) begin(local, session, from.setting);
      const { state, failure } = required(sessions.get(session), 'a session');
      if (failure !== undefined) return failure;
      for (const { name, given } of from?.calls ?? []) await local.call(name, given, state);
      return local.call(call.name, call.given, state);
    }
    default:
      return question satisfies never;
  }
}

port.on('message', ({ id, question }: { id: number; question: Question }) => {
  answer(question).then(
    (value) => port.postMessage({ kind: 'value', id, value } satisfies Answer),
    (thrown: unknown) => port.postMessage({ kind: 'fault', id, message: errorText(thrown) } satisfies Answer),
  );
});
