/** `tinystar eval project`: a model on the requests of a project, or on a file of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { calibrationIn, verbatimIn } from '../../../fit/src/acceptance/header.ts';
import { verbatimOf } from '../../../fit/src/acceptance/verbatim.ts';
import { verdictOf, verdictText } from '../../../fit/src/acceptance/verdict.ts';
import { STUDENT, type Suite } from '../../../fit/src/artefacts/card.ts';
import { STUDENT_FILE } from '../../../fit/src/artefacts/index.ts';
import { readExamples } from '../../../fit/src/examples.ts';
import { accept } from '../../../fit/src/fit/accept.ts';
import { lengthsOf, requireRoom } from '../../../fit/src/fit/bases.ts';
import { casesOf } from '../../../fit/src/fit/dialogues.ts';
import { openProject } from '../../../fit/src/project.ts';
import { settingsSchema } from '../../../fit/src/settings.ts';
import { isAddress } from '../../../fit/src/tools/address.ts';
import type { Case } from '../../../fit/src/types.ts';
import { UserError } from '../../../../src/base/errors.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import { checkpointAt, requireCheckpoint } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { follow } from '../execute.ts';
import { answerText } from '../fit-text.ts';
import { answeringFlags, engineFlag, numberBy, optional, parsed, text, toggle } from '../flags.ts';
import { casesOfProject } from '../worded-anew.ts';

/** Tokens of an answer of a server, whose tokenizer is not known. */
const SERVED_ANSWER = 1024;

/** Tokens of the longest right answer and some more; throws a UserError where prompts leave no room for it. */
function longestAnswer(spoken: string, functions: readonly Tool[], cases: readonly Case[]): number {
  const asked = { spoken, distils: false };
  const lengths = lengthsOf(asked, functions, cases);
  requireRoom(asked, lengths, functions.length);
  return lengths.answer;
}

export const evalProjectCommand = command({
  brief: 'Score a model on a project of tinystar fit',
  about:
    "Asks a model the project's test cases, or a file of example lines of your own, greedily, and says how many it answers\n" +
    'right: by kind of request and by function, with intervals, confusions and the worst answers in full. A server gets the\n' +
    'key in OPENAI_API_KEY, and writes what it likes: nothing holds its calls to the functions.',
  examples: [
    'tinystar eval project home',
    'tinystar eval project home --test my-requests.jsonl --engine llama.cpp',
    'tinystar eval project home --model other.gguf --abstain 0.9 --json',
    'tinystar eval project home --model http://localhost:8080/v1',
  ],
  flags: {
    model: optional(
      text(
        'Checkpoint folder, GGUF file, or address of an OpenAI-compatible server; default: DIR/student.gguf',
        'MODEL',
      ),
    ),
    served: optional(text('Name of the model on the server', 'NAME')),
    test: optional(text('File of example lines; default: the test cases of the project', 'FILE')),
    abstain: optional(
      parsed(
        numberBy(settingsSchema.shape.abstain),
        'Probability of being right below which words are answered',
        'X',
      ),
    ),
    device: answeringFlags.device,
    engine: engineFlag,
    json: toggle('Print the scores as one JSON object'),
  },
  args: [{ brief: 'Folder of the project', placeholder: 'DIR' }],
  async run(context, { model, served, test, abstain, device, engine, json }, folder) {
    const { process, services } = context;
    const project = openProject(folder);
    const { functions } = project;
    const path = model ?? join(folder, STUDENT_FILE);
    const isServed = isAddress(path);
    if (served !== undefined && !isServed)
      throw new UserError('FLAG', `--served names a model on a server, and ${path} is no address.`);
    if (engine !== undefined && isServed)
      throw new UserError('FLAG', `--engine runs a GGUF file, and ${path} is an address; leave it out.`);
    if (!isServed) requireCheckpoint(path);
    const label = isServed ? (served ?? path) : STUDENT;
    const source = isServed ? path : checkpointAt(path);
    // Values that are taken from the request, which a server knows nothing of.
    const known = isServed ? {} : verbatimIn(source);
    const made =
      test === undefined || known === undefined
        ? (await casesOfProject(context, project)).cases
        : { train: [], test: [] };
    const cases = test === undefined ? made.test : casesOf(readExamples(test, functions));
    const longest = isServed ? SERVED_ANSWER : longestAnswer(source, functions, cases);
    const apiKey = context.process.env['OPENAI_API_KEY'];
    const server = {
      ...(served === undefined ? {} : { served }),
      ...(apiKey === undefined ? {} : { apiKey }),
    };
    const scratch = mkdtempSync(join(tmpdir(), 'tinystar-eval-'));
    let suite: Suite | undefined;
    try {
      await follow(
        context,
        [],
        async function* (signal): AsyncGenerator<RunEvent> {
          suite = yield* accept(label, {
            title: test === undefined ? 'Test requests' : basename(test),
            models: { [label]: source },
            functions,
            verbatim: known ?? verbatimOf(functions, made.train),
            cases,
            folder: scratch,
            generate_max_len: longest,
            device,
            calibration: isServed ? undefined : calibrationIn(source),
            abstain,
            ...(engine === undefined ? {} : { engine }),
            server,
            signal,
            now: services.now,
          });
        },
        json ? () => undefined : undefined,
      );
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
    const scores = suite?.models.at(-1)?.scores;
    if (suite === undefined || scores === undefined) return;
    const verdict = verdictOf(scores);
    process.stdout.write(
      json
        ? `${JSON.stringify({ ...suite, verdict })}\n`
        : `${answerText(suite, outStyle(context))}\n${outStyle(context).bold(verdictText(verdict))}\n`,
    );
  },
});
