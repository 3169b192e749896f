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
import { checkpointAt, requireCheckpoint } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { follow } from '../execute.ts';
import { answerText } from '../fit-text.ts';
import { answeringFlags, engineFlag, numberBy, optional, parsed, text, toggle } from '../flags.ts';
import { casesOfProject } from '../worded-anew.ts';

export const evalProjectCommand = command({
  brief: 'Score a model on a project of tinystar fit',
  about:
    "Asks a model the project's test cases, or a file of example lines of your own, greedily, and says how many it answers\n" +
    'right: by kind of request and by function, with intervals, confusions and the worst answers in full.',
  examples: [
    'tinystar eval project home',
    'tinystar eval project home --test my-requests.jsonl --engine llama.cpp',
    'tinystar eval project home --model other.gguf --abstain 0.9 --json',
  ],
  flags: {
    model: optional(text('Checkpoint folder or GGUF file; default: DIR/student.gguf', 'MODEL')),
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
  async run(context, { model, test, abstain, device, engine, json }, folder) {
    const { process, services } = context;
    const project = openProject(folder);
    const { functions } = project;
    const path = model ?? join(folder, STUDENT_FILE);
    requireCheckpoint(path);
    const source = checkpointAt(path);
    const known = verbatimIn(source);
    const made =
      test === undefined || known === undefined
        ? (await casesOfProject(context, project)).cases
        : { train: [], test: [] };
    const cases = test === undefined ? made.test : casesOf(readExamples(test, functions));
    const asked = { spoken: source, distils: false };
    const lengths = lengthsOf(asked, functions, cases);
    requireRoom(asked, lengths, functions.length);
    const scratch = mkdtempSync(join(tmpdir(), 'tinystar-eval-'));
    let suite: Suite | undefined;
    try {
      await follow(
        context,
        [],
        async function* (signal): AsyncGenerator<RunEvent> {
          suite = yield* accept(STUDENT, {
            title: test === undefined ? 'Test requests' : basename(test),
            models: { [STUDENT]: source },
            functions,
            verbatim: known ?? verbatimOf(functions, made.train),
            cases,
            folder: scratch,
            generate_max_len: lengths.answer,
            device,
            calibration: calibrationIn(source),
            abstain,
            ...(engine === undefined ? {} : { engine }),
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
