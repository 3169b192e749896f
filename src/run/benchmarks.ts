/** The stages that let models answer BFCL or ACEBench. */
import { join } from 'node:path';
import { isAbort } from '../base/errors.ts';
import { selectEntries as selectAcebench } from '../eval/acebench/run.ts';
import { AcebenchSession } from '../eval/acebench/session.ts';
import { BfclSession, selectEntries as selectBfcl } from '../eval/bfcl/run.ts';
import { LocalModel } from '../sampling/local-model.ts';
import type { AnsweringModel } from '../sampling/answering.ts';
import type { Session } from '../sampling/session.ts';
import type { RunEvent } from '../train/events.ts';
import { memoryMb } from '../train/loop.ts';
import { RESULTS } from '../eval/formats.ts';
import type { StageOf } from '../stages/schema.ts';
import { openModel, type Outputs, type RunContext, stageFolder } from './context.ts';

type BenchmarkStage = StageOf<'bfcl' | 'acebench'>;

/** What both benchmarks tell at the end. */
interface Outcome {
  readonly unasked: number;
}

/** Answers between two steps in the log. */
const ANSWERS_A_STEP = 16;

/** Makes the sessions of a stage; its data are read once, and faults in them told before a model is loaded. */
function sessionsOf(stage: BenchmarkStage): (model: AnsweringModel, folder: string) => Session<Outcome> {
  const {
    data,
    category,
    limit,
    temperature,
    generate_max_len: maxTokens,
    open_thought: openThought,
  } = stage;
  const options = {
    data,
    ...(category === undefined ? {} : { category }),
    ...(limit === undefined ? {} : { limit }),
    temperature,
    maxTokens,
    openThought,
  };
  if (stage.kind === 'bfcl') {
    const selection = selectBfcl(options);
    return (model, folder) => new BfclSession(model, { ...options, decode: stage.decode }, selection, folder);
  }
  const selection = selectAcebench(options);
  const { revision, thinking } = stage;
  return (model, folder) => new AcebenchSession(model, { ...options, revision, thinking }, selection, folder);
}

/** Has one session answered; steps are answers, counted on from those of the models before. */
async function* answered(
  run: RunContext,
  stage: BenchmarkStage,
  session: Session<Outcome>,
  { before, total }: { readonly before: number; readonly total: number },
): AsyncGenerator<RunEvent> {
  let [answers, right, tokens] = [session.done, session.correct, 0];
  let start = run.now();
  for await (const answer of session.answers(run.signal)) {
    answers += 1;
    right += answer.isRight ? 1 : 0;
    tokens += answer.tokens;
    if (answers % ANSWERS_A_STEP !== 0 && answers < session.total) continue;
    const seconds = (run.now() - start) / 1000;
    const metrics = {
      exact_match: right / answers,
      tokens_per_second: seconds > 0 ? tokens / seconds : 0,
      memory_mb: memoryMb(),
    };
    yield { type: 'step', stage: stage.name, step: before + answers, total, tokens, seconds, metrics };
    [tokens, start] = [0, run.now()];
  }
}

/** Lets the stage's models answer its benchmark; each one's folder of results is what `tinystar eval` would leave. */
export async function* runBenchmark(
  run: RunContext,
  stage: BenchmarkStage,
): AsyncGenerator<RunEvent, Outputs | undefined> {
  const open = sessionsOf(stage);
  const folder = join(stageFolder(run, stage.name), RESULTS);
  const entries = Object.entries(stage.models);
  for (const [index, [label, reference]] of entries.entries()) {
    using model = openModel(run, reference, { trainable: false });
    const parts = { ...model, name: label, identity: label };
    using answering = new LocalModel(run.device, parts);
    using session = open(answering, join(folder, `${index}-${label.replaceAll(/[^\w.-]+/g, '-')}`));
    const total = entries.length * session.total;
    const before = index * session.total;
    if (index === 0) yield { type: 'stage', stage: stage.name, kind: stage.kind, total, done: session.done };
    try {
      yield* answered(run, stage, session, { before, total });
    } catch (thrown) {
      if (!isAbort(thrown, run.signal)) throw thrown;
    }
    if (run.signal.aborted) return undefined;
    const { unasked } = session.finish();
    if (unasked > 0) {
      const text = `${unasked} of ${session.total} prompts fill the positions of ${label} and count as wrong`;
      yield { type: 'warning', stage: stage.name, text };
    }
  }
  return { results: folder };
}
