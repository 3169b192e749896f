/** Checks that doc comments begin with a noun or a verb. Run: tsx scripts/check-comments.ts FOLDER... */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const QUESTION = /^\s*(?:\/\*\*|\/\/)\s+(?:What|Who|Where|How|Whether|Whose|Which)\b/;
/** A first sentence on the line after the opening of its comment. */
const OPENED = /^\s*\/\*\*\s*$/;
const CONTINUED = /^\s*\*\s+(?:What|Who|Where|How|Whether|Whose|Which)\b/;

function questionsIn(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    const before = lines[index - 1] ?? '';
    const inside = /^\s*\/\//.test(line) && /^\s*\/\//.test(before);
    const asks = (QUESTION.test(line) && !inside) || (OPENED.test(before) && CONTINUED.test(line));
    return asks ? [`${path}:${index + 1}: ${line.trim()}`] : [];
  });
}

const found = process.argv.slice(2).flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/(^|[/\\])(node_modules|dist)[/\\]/.test(name))
    .flatMap((name) => questionsIn(join(folder, name))),
);
for (const line of found) console.error(line);
console.log(`comments: ${found.length} begin with a question word`);
process.exitCode = found.length > 0 ? 1 : 0;
