/** `tinystar review`: cases of a project, one by one, to keep, edit or drop. */
import { createInterface } from 'node:readline/promises';
import { openProject } from '../../../fit/src/project.ts';
import { review } from '../../../fit/src/synth/review.ts';
import { CASE_KINDS, SPLITS } from '../../../fit/src/types.ts';
import { command } from '../command.ts';
import { choice, optional, text } from '../flags.ts';

export const reviewCommand = command({
  brief: "Look through a project's cases, and keep, edit or drop each",
  about:
    'Shows the cases of tinystar synth one by one. What was kept is not shown again, what is dropped goes to\n' +
    'DIR/cases/dropped.jsonl, and every change is written at once: quit when you like.',
  examples: [
    'tinystar review home',
    'tinystar review home --split test',
    'tinystar review home --made teacher --function set_light',
  ],
  flags: {
    split: choice(SPLITS, 'Cases to look through', 'train'),
    kind: optional(choice(CASE_KINDS, 'Those of this kind alone')),
    made: optional(text('Those that came about in this way alone, such as teacher or phrases', 'WAY')),
    function: optional(text('Those that call this function alone', 'NAME')),
  },
  args: [{ brief: 'Folder of the project', placeholder: 'DIR' }],
  async run(context, { split, kind, made, function: tool }, folder) {
    const { stdout } = context.process;
    const { functions } = openProject(folder);
    const lines = createInterface({ input: process.stdin, terminal: false });
    const given = lines[Symbol.asyncIterator]();
    const reviewer = {
      show: (words: string): void => void stdout.write(words),
      ask: async (question: string): Promise<string | undefined> => {
        stdout.write(question);
        const { value, done } = await given.next();
        return done === true ? undefined : value;
      },
    };
    try {
      const options = {
        split,
        ...(kind === undefined ? {} : { kind }),
        ...(made === undefined ? {} : { made }),
        ...(tool === undefined ? {} : { tool }),
      };
      const { seen, edited, dropped, left } = await review(folder, functions, options, reviewer);
      stdout.write(`\n${seen} seen, ${edited} edits, ${dropped} dropped; ${left} are left to see\n`);
    } finally {
      lines.close();
    }
  },
});
