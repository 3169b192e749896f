/** `tinystar data render`: records as training records, with a checkpoint's own template and tokenizer. */
import { UserError } from '../../../../src/base/errors.ts';
import { readText } from '../../../../src/base/files.ts';
import { ChatTemplate } from '../../../../src/chat/template.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import { RENDER_MODES, renderedLine, renderRows } from '../../../../src/data/rendering.ts';
import { fileRows } from '../../../../src/data/streams/rows.ts';
import { command } from '../command.ts';
import { choice, onUnless, optional, text, whole } from '../flags.ts';
import { recordFiles, rejectsFlag, RowOutputs } from '../row-outputs.ts';

export const dataRenderCommand = command({
  brief: 'Render records as prompts and targets',
  about:
    'Renders records with the chat template of a checkpoint as {"id", "inputs", "targets"}. What is too long is left out\n' +
    'and counted, never cut.',
  examples: [
    'tinystar data render xlam.jsonl --tokenizer Qwen3-0.6B --output train.jsonl',
    'tinystar data render xlam.jsonl --tokenizer Qwen3-0.6B --mode star --no-reasoning --output rl.jsonl',
  ],
  flags: {
    tokenizer: text('Folder of a checkpoint: its tokenizer and chat template', 'DIR'),
    template: optional(text("A Jinja chat template instead of the checkpoint's", 'FILE')),
    output: text('Training records, one a line', 'FILE'),
    rejects: rejectsFlag,
    mode: choice(RENDER_MODES, "The template's own text, or STAR's exact strings", 'native'),
    reasoning: onUnless("Keep the answer's thought"),
    max_prompt_tokens: whole(1, 'Longer prompts are left out', 5120),
    max_target_tokens: optional(whole(1, 'Longer targets are left out')),
  },
  list: recordFiles,
  async run(context, given, ...inputs) {
    using rows = new RowOutputs(
      context,
      [...inputs, ...(given.template === undefined ? [] : [given.template])],
      given,
    );
    const tokenizer = Tokenizer.load(given.tokenizer);
    const chatTemplate = given.template === undefined ? tokenizer.chatTemplate : readText(given.template);
    if (chatTemplate === undefined) {
      const note = `${given.tokenizer} has no chat template, so tinystar's own is used; give another with --template.`;
      context.process.stderr.write(`${note}\n`);
    }
    const options = {
      tokenizer,
      template: ChatTemplate.of({ chatTemplate, specialTokens: tokenizer.specialTokens }),
      mode: given.mode,
      reasoning: given.reasoning,
      maxPromptTokens: given.max_prompt_tokens,
      maxTargetTokens: given.max_target_tokens ?? Infinity,
    };
    const tokens = { prompt: 0, target: 0 };
    for await (const row of rows.read(inputs, (file) => renderRows(fileRows(file), options))) {
      rows.keep(renderedLine(row.rendered));
      tokens.prompt += row.promptTokens;
      tokens.target += row.targetTokens;
    }
    rows.commit(rows.kept > 0);
    rows.tellDropped('left out');
    if (rows.kept === 0)
      throw new UserError('DATA_EMPTY', 'Not one record was rendered; look at the reasons with --rejects.');
    rows.telling.write(
      `${rows.kept} training records in ${rows.name} (${tokens.prompt} tokens of prompts, ${tokens.target} of targets), ${rows.dropped.total} left out.\n`,
    );
  },
});
