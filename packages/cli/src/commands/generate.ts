/** `tinystar generate`: asks a checkpoint, with tools, and prints its answer. */
import { callsIn } from '../../../fit/src/acceptance/answers.ts';
import { calibrationIn, verbatimIn } from '../../../fit/src/acceptance/header.ts';
import { confidenceOf, isForced } from '../../../fit/src/acceptance/confidence.ts';
import { DEFAULT_REPLY } from '../../../fit/src/fit/dialogues.ts';
import { settingsSchema } from '../../../fit/src/settings.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { toTools } from '../../../../src/chat/tool-documents.ts';
import { shownParts } from '../../../../src/chat/generation.ts';
import { ChatTemplate } from '../../../../src/chat/template.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import { checkpointAt, refuseAdapter } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { readTools } from '../../../../src/data/tools-file.ts';
import { sampleAll } from '../../../../src/sampling/sampler.ts';
import { stageKinds } from '../../../../src/stages/index.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import {
  answeringFlags,
  engineFlag,
  numberBy,
  onUnless,
  option,
  optional,
  parsed,
  text,
  toggle,
  whole,
} from '../flags.ts';
import { openModel } from '../inputs.ts';

const { temperature, generate_max_len } = stageKinds.eval.options;
const { n_samples_per_prompt } = stageKinds.rollout.options;

export const generateCommand = command({
  brief: 'Ask a checkpoint, with tools',
  about:
    'Prints what a checkpoint answers to a request. Tools are a JSON list of {name, description, parameters}.',
  examples: ['tinystar generate bases/teacher "Set a timer for 5 minutes" --tools tools.json'],
  flags: {
    tools: optional(text('JSON list of tools', 'FILE')),
    system: optional(text('System message', 'TEXT')),
    temperature: option(temperature, { brief: 'Divides the logits before a token is drawn; 0 is greedy' }),
    n_samples_per_prompt: option(n_samples_per_prompt, { brief: 'Answers to draw', byDefault: 1 }),
    generate_max_len: option(generate_max_len, { byDefault: 256 }),
    seed: whole(0, 'Seed of the draws', 0),
    ...answeringFlags,
    engine: engineFlag,
    abstain: optional(
      parsed(
        numberBy(settingsSchema.shape.abstain),
        'Of a student of tinystar fit: probability of being right below which its calls are not shown',
        'X',
      ),
    ),
    constrained: onUnless(
      'Let calls name tools alone, with arguments that obey their schemas, where they are JSON',
    ),
    raw: toggle('Print prompt and answer with every token'),
  },
  args: [
    { brief: 'Checkpoint folder (Hugging Face format) or GGUF file', placeholder: 'CHECKPOINT' },
    { brief: 'What the user says', placeholder: 'REQUEST' },
  ],
  async run(context, given, checkpoint, request) {
    const { stdout, stderr } = context.process;
    const { raw } = given;
    refuseAdapter(checkpoint);
    const tools = given.tools === undefined ? [] : readTools(given.tools);
    const system = given.system === undefined ? [] : [{ role: 'system', content: given.system } as const];
    const messages = [...system, { role: 'user', content: request } as const];
    const template = ChatTemplate.of(Tokenizer.load(checkpointAt(checkpoint))).fixed(given.thinking);
    const prompt = template.prompt({ messages, tools });
    using model = await openModel(context, checkpoint, { ...given, parallel: 1 });
    const calibration = calibrationIn(checkpointAt(checkpoint));
    if (given.abstain !== undefined && calibration === undefined)
      throw new UserError(
        'CALIBRATION',
        `${checkpoint} has no calibration in its header; give a student.gguf of tinystar fit, or leave --abstain out.`,
      );
    const sampling = { ...given, skip_special_tokens: !raw };
    const verbatim = given.constrained ? (verbatimIn(checkpoint) ?? {}) : undefined;
    const rules = verbatim && { tools: toTools(tools), request, verbatim };
    const asked = { text: prompt, ...(rules === undefined ? {} : { rules }) };
    const [samples = []] = await sampleAll(model, [asked], sampling);
    const style = outStyle(context);
    if (raw) stdout.write(style.dim(prompt));
    for (const { text: written, length, finish, logprobs } of samples) {
      const calls = callsIn(written, toTools(tools), template.format);
      const logprob = logprobs.length === 0 ? null : logprobs.reduce((sum, one) => sum + one, 0);
      const p = calibration === undefined ? undefined : confidenceOf(calibration, { calls, logprob });
      if (p !== undefined && given.abstain !== undefined)
        stderr.write(`(right with a probability of ${p.toFixed(2)})\n`);
      const isWithheld = p !== undefined && calls.length > 0 && p < (given.abstain ?? 0);
      const mayForce = given.constrained && given.temperature === 0;
      if (isWithheld || (mayForce && isForced(calibration ?? {}, { calls, logprob }, verbatim ?? {}))) {
        stdout.write(`${DEFAULT_REPLY}\n`);
        continue;
      }
      const [thought, answer] = raw ? ['', written] : shownParts(written, template.format);
      const thinking = thought.trim() === '' ? '' : `${style.dim(thought.trim())}\n\n`;
      stdout.write(`${thinking}${raw ? answer : answer.trim()}\n`);
      if (finish === 'length') stderr.write(`(cut after ${length} tokens; raise --generate-max-len)\n`);
    }
  },
});
