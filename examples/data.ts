/**
 * Public data as training records: converted, read and rendered. Run: npx tsx examples/data.ts
 *
 * Formats are told apart by their looks: xLAM, ToolACE, ShareGPT, OpenAI, BFCL and others, in JSONL, JSON or parquet.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bases, convertFile, dialogueRenderer, readDialogues } from 'tinystar';

const folder = mkdtempSync(join(tmpdir(), 'data-'));
const [raw, train] = [join(folder, 'xlam.json'), join(folder, 'train.jsonl')];

// Two rows as xLAM has them, with JSON inside of JSON; the second calls a function that it was not offered.
const tools = JSON.stringify([
  {
    name: 'weather',
    description: 'Tells the weather of a city.',
    parameters: { city: { type: 'str', description: 'The city.' }, days: { type: 'int, optional' } },
  },
]);
writeFileSync(
  raw,
  JSON.stringify([
    {
      id: 1,
      query: 'How will the weather be in Oslo?',
      tools,
      answers: JSON.stringify([{ name: 'weather', arguments: { city: 'Oslo', days: 1.0 } }]),
    },
    { id: 2, query: 'And in Rome?', tools, answers: JSON.stringify([{ name: 'climate', arguments: {} }]) },
  ]),
);

// Every row becomes a record or is told with the reason why not. One row is in memory at a time.
const lines: string[] = [];
for await (const row of convertFile(raw, { jsonSchema: true })) {
  if (row.kind === 'record') lines.push(row.line);
  else console.log(`left out ${row.where}: ${row.message}`);
}
writeFileSync(train, lines.map((line) => `${line}\n`).join(''));

// Lessons of a model from them: the prompt that it reads, through its own chat template, and what it shall write.
const render = dialogueRenderer(bases.student);
for (const dialogue of readDialogues(train)) {
  const { prompt, target, promptIds, targetIds } = render(dialogue);
  console.log(`${prompt}---\n${target}\n(${promptIds.length} + ${targetIds.length} tokens)`);
}
