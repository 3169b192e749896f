/** Checks that comments begin with a noun or a verb, and not with a question. Run: tsx scripts/check-comments.ts FOLDER... */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const QUESTION = /(?:\/\*\*\s+(?:\*\s+)?|\/\/ )(?:What|Who|Where|How|Whether|Whose|Which)\b/g;

/** Places of comments of a file that begin with a question. */
function questionsIn(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(QUESTION)].map(({ index }) => {
    const line = text.slice(0, index).split('\n').length;
    return `${path}:${line}: ${text.slice(index, index + 80).replaceAll(/\s+/g, ' ')}`;
  });
}

const found = process.argv.slice(2).flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .flatMap((name) => questionsIn(join(folder, name))),
);
for (const line of found) console.error(line);
console.log(`comments: ${found.length} begin with a question`);
process.exitCode = found.length > 0 ? 1 : 0;
